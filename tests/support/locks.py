"""Records and pip packages to lock, without a channel."""

from typing import Any

from rattler import PackageRecord, RepoDataRecord
from rattler.package.build_string import BuildString

from condarium.model.lock import PypiPackage

CHANNEL = "https://conda.example/forge/"


def record(
    name: str,
    *,
    subdir: str = "linux-64",
    channel: str = CHANNEL,
    build: str = "h1_0",
    **fields: Any,
) -> RepoDataRecord:
    """Make a record of version 1.0; `fields` go to PackageRecord or are set on it."""
    late = {key: fields.pop(key) for key in ("timestamp", "track_features") if key in fields}
    package = PackageRecord(
        **{
            "name": name,
            "version": "1.0",
            "build": BuildString(build),
            "build_number": 0,
            "subdir": subdir,
            "sha256": name.encode().ljust(32, b"\0")[:32],
            "md5": name.encode().ljust(16, b"\0")[:16],
            "size": 1000,
            "depends": ["python >=3.11"],
            **fields,
        }
    )
    for key, value in late.items():
        setattr(package, key, value)
    file_name = f"{name}-1.0-{build}.conda"
    url = f"{channel}{subdir}/{file_name}"
    return RepoDataRecord(package, file_name=file_name, url=url, channel=channel)


def wheel(name: str, **fields: Any) -> PypiPackage:
    file_name = f"{name.replace('-', '_')}-2.0-py3-none-any.whl"
    return PypiPackage(
        **{
            "name": name,
            "version": "2.0",
            "url": f"https://files.example/packages/{file_name}",
            "sha256": name.encode().hex().ljust(64, "0")[:64],
            "filename": file_name,
            **fields,
        }
    )
