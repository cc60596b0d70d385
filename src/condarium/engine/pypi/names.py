"""What conda packages are called on PyPI, and how uv is told that they are there already."""

import json
import re
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version
from rattler import RepoDataRecord

from condarium.model.lock import normal_pypi_name

_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "astropy-base": ("astropy",),
    "brotli-python": ("brotli",),
    "cupy": ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x"),
    "dask-core": ("dask",),
    "faiss": ("faiss", "faiss-cpu"),
    "fastapi-core": ("fastapi",),
    "geopandas-base": ("geopandas",),
    "google-cloud-bigquery-core": ("google-cloud-bigquery",),
    "google-cloud-storage-core": ("google-cloud-storage",),
    "iris": ("scitools-iris",),
    "matplotlib-base": ("matplotlib",),
    "msgpack-python": ("msgpack",),
    "numpy-base": ("numpy",),
    "opencv": ("opencv-python", "opencv-python-headless"),
    "plotly-orca": (),
    "psycopg2": ("psycopg2", "psycopg2-binary"),
    "py-lief": ("lief",),
    "py-opencv": ("opencv-python", "opencv-python-headless"),
    "py-xgboost": ("xgboost",),
    "py-xgboost-cpu": ("xgboost",),
    "py-xgboost-gpu": ("xgboost",),
    "pyarrow-core": ("pyarrow",),
    "pyqt": ("pyqt5",),
    "pytables": ("tables",),
    "python-blosc": ("blosc",),
    "python-build": ("build",),
    "python-duckdb": ("duckdb",),
    "python-eccodes": ("eccodes",),
    "python-fastjsonschema": ("fastjsonschema",),
    "python-flatbuffers": ("flatbuffers",),
    "python-graphviz": ("graphviz",),
    "python-installer": ("installer",),
    "python-kaleido": ("kaleido",),
    "python-lmdb": ("lmdb",),
    "python-tzdata": ("tzdata",),
    "python-xxhash": ("xxhash",),
    "python-zstd": ("zstd",),
    "pytorch": ("torch",),
    "pytorch-cpu": ("torch",),
    "pytorch-gpu": ("torch",),
    "seaborn-base": ("seaborn",),
    "tensorflow-base": ("tensorflow",),
    "tensorflow-cpu": ("tensorflow", "tensorflow-cpu"),
    "tensorflow-gpu": ("tensorflow",),
    "torchvision-cpu": ("torchvision",),
    "trino-python-client": ("trino",),
    "uvicorn-standard": ("uvicorn",),
}
"""Well-known conda packages with another name on PyPI; all others have the same one."""


def python_packages(records: Iterable[RepoDataRecord]) -> list[tuple[str, str]]:
    """Give the PyPI names and versions of those records that are Python packages.

    Those are the noarch Python ones and the ones that depend on Python. A record's `purls` say its
    names on PyPI where it has any; else it has its own name, or one of a table of known ones.
    """
    found: dict[str, str] = {}
    for record in sorted(records, key=lambda record: record.name.normalized):
        if not _is_python(record):
            continue
        version = pep440(str(record.version))
        for name in _names(record) if version else ():
            # A package of the very name says more than one that only stands for it.
            if name not in found or name == normal_pypi_name(record.name.normalized):
                found[name] = version or ""
    return sorted(found.items())


def _is_python(record: RepoDataRecord) -> bool:
    if record.noarch.python:
        return True
    return any(re.match(r"python(?![\w.-])", spec) for spec in record.depends)


def _names(record: RepoDataRecord) -> tuple[str, ...]:
    said = json.loads(record.to_json()).get("purls") or ()
    purls = tuple(
        normal_pypi_name(found[1])
        for purl in said
        if (found := re.match(r"pkg:pypi/([^@?#]+)", str(purl)))
    )
    name = record.name.normalized
    return purls or _ELSEWHERE.get(name, (normal_pypi_name(name),))


def pep440(version: str) -> str | None:
    """Write a conda version as PyPI would; only its numbers count where it is no PEP 440 version.

    >>> pep440("1.0_rc1"), pep440("2024a"), pep440("9.5.0.post1"), pep440("master")
    ('1.0rc1', '2024a0', '9.5.0.post1', None)
    """
    version = version.split("!", 1)[-1] if version.startswith("0!") else version
    for candidate in (version, version.replace("_", ".")):
        try:
            return str(Version(candidate))
        except InvalidVersion:
            continue
    numbers = re.match(r"\d+(\.\d+)*", version)
    return numbers[0] if numbers else None


def write_stubs(conda: Sequence[tuple[str, str]], folder: Path) -> list[str]:
    """Write a wheel of metadata alone for each package, and give the constraints that name them.

    uv then takes each as the only version that there is, wherever a package asks for its name.
    Its cache knows a wheel by its path, so they are written once and kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    constraints = []
    for name, version in conda:
        distribution = normal_pypi_name(name).replace("-", "_")
        wheel = folder / f"{distribution}-{version}-py3-none-any.whl"
        if not wheel.exists():
            _write_stub(wheel, distribution, version)
        constraints.append(f"{name} @ {wheel.as_uri()}")
    return constraints


def _write_stub(wheel: Path, distribution: str, version: str) -> None:
    info = f"{distribution}-{version}.dist-info"
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    # Several may write the same wheel at once; each writes its own, and the last one stays.
    with (
        tempfile.NamedTemporaryFile(dir=wheel.parent, delete=False) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{info}/{name}"), text)
    Path(file.name).replace(wheel)
