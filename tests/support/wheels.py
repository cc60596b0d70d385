"""Small wheels to test with."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str = "tool",
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    metadata: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    scripts: Sequence[str] = (),
    record: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
) -> Path:
    """Write a wheel with a right RECORD.

    `files` are by path in the wheel; `scripts` are console scripts, `name = module:attribute`;
    `record` replaces what RECORD says of a file; `without` names files of dist-info to leave out.
    """
    distribution = name.replace("-", "_")
    info = f"{distribution}-{version}.dist-info"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    content = dict(files if files is not None else {f"{distribution}.py": "VALUE = 1\n"})
    own = {"METADATA": "\n".join([*lines, *metadata]) + "\n", "WHEEL": _wheel(tag)}
    if scripts:
        own["entry_points.txt"] = "\n".join(["[console_scripts]", *scripts]) + "\n"
    content |= {f"{info}/{key}": text for key, text in own.items() if key not in without}
    rows = {path: f"{path},{_hash(text)},{len(text.encode())}" for path, text in content.items()}
    rows |= record or {}
    if "RECORD" not in without:
        content[f"{info}/RECORD"] = "\n".join([*rows.values(), f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{distribution}-{version}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in content.items():
            archive.writestr(zipfile.ZipInfo(member), text)
    return path


def _wheel(tag: str) -> str:
    return f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
