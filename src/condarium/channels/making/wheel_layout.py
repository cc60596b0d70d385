"""Where the files of a wheel lie in a package, and its RECORD after that (PEP 376, PEP 627)."""

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from condarium.channels.making.wheel_archive import (
    BadWheel,
    EntryPoint,
    WheelMetadata,
    check_member,
)
from condarium.engine.packages.packaging import PLACEHOLDER, PackageFile

_NOT_KEPT = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The folders of a package, relative to a prefix; `site` has a slash at its end.

    A noarch Python package has `site-packages` and `python-scripts`, which clients put where the
    environment's Python wants them; `python` is None for it.
    """

    site: str
    scripts: str
    python: str | None

    @classmethod
    def noarch(cls) -> "Layout":
        return cls(site="site-packages/", scripts="python-scripts/", python=None)

    @classmethod
    def of_python(cls, version: str) -> "Layout":
        return cls(site=f"lib/python{version}/site-packages/", scripts="bin/", python=version)

    def headers(self, name: str) -> str:
        return f"include/python{self.python}/{name}/" if self.python else f"include/{name}/"


@dataclass(frozen=True, kw_only=True)
class _Unpacked:
    """A file of the package; `recorded` is its row of RECORD, without a path."""

    path: str
    source: Path
    mode: Literal["text"] | None
    recorded: tuple[str, str]


def unpack(wheel: WheelMetadata, layout: Layout, folder: Path) -> list[PackageFile]:
    """Unpack a wheel under `folder` as its package has it, and verify it against its RECORD.

    Raises BadWheel where a file is damaged, missing or in an impossible place.
    """
    try:
        with zipfile.ZipFile(wheel.path) as archive:
            record = _read_record(wheel, archive)
            members = [
                _unpack_member(wheel, archive, member, record, layout, folder)
                for member in archive.infolist()
                if not member.is_dir() and _is_kept(wheel, member.filename)
            ]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise BadWheel(wheel.path, f"it is damaged ({error})") from error
    installer = layout.site + wheel.info + "/INSTALLER"
    members.append(_write(folder, installer, b"conda\n", executable=False))
    rows = [_row(layout, file.path, file.recorded) for file in members]
    if layout.python is None:
        rows += [(f"../../../bin/{point.name}", "", "") for point in wheel.entry_points]
    else:
        scripts = [_script(folder, point, layout) for point in wheel.entry_points]
        rows += [_row(layout, file.path, file.recorded) for file in scripts]
        members += scripts
    members.append(_write_record(folder, layout.site + wheel.info + "/RECORD", rows))
    unique = {file.path: file for file in members}
    return [
        PackageFile(path=file.path, source=file.source, mode=file.mode) for file in unique.values()
    ]


def _is_kept(wheel: WheelMetadata, name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return folder != wheel.info or file not in _NOT_KEPT


def _read_record(wheel: WheelMetadata, archive: zipfile.ZipFile) -> dict[str, str]:
    """Give the hash of each file that has one; every file of the record must be there."""
    names = set(archive.namelist())
    name = f"{wheel.info}/RECORD"
    if name not in names:
        raise BadWheel(wheel.path, f"it has no {name}")
    rows = [row for row in csv.reader(io.StringIO(archive.read(name).decode())) if row]
    missing = [row[0] for row in rows if row[0] not in names and _is_kept(wheel, row[0])]
    if missing:
        raise BadWheel(wheel.path, f"its RECORD names {missing[0]}, which it does not have")
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[1]}


def _unpack_member(
    wheel: WheelMetadata,
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    record: Mapping[str, str],
    layout: Layout,
    folder: Path,
) -> _Unpacked:
    check_member(wheel.path, member.filename)
    content = archive.read(member)
    _verify(wheel, member.filename, content, record.get(member.filename))
    path, is_script = _place(wheel, member.filename, layout)
    mode: Literal["text"] | None = None
    if is_script and (shebang := re.match(rb"#!pythonw?(?=[ \r\n])", content)):
        content = f"#!{PLACEHOLDER}/bin/python".encode() + content[shebang.end() :]
        mode = "text"
    executable = is_script or bool(member.external_attr >> 16 & 0o111)
    return _write(folder, path, content, executable=executable, mode=mode)


def _verify(wheel: WheelMetadata, name: str, content: bytes, recorded: str | None) -> None:
    kind, _, expected = (recorded or "").partition("=")
    if kind not in ("sha256", "sha384", "sha512"):
        return
    if _urlsafe(hashlib.new(kind, content).digest()) != expected:
        raise BadWheel(wheel.path, f"its file {name} has another hash than its RECORD says")


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _place(wheel: WheelMetadata, name: str, layout: Layout) -> tuple[str, bool]:
    """Say where a file of a wheel goes, and whether it is a script."""
    if not name.startswith(f"{wheel.data}/"):
        return layout.site + name, False
    scheme, _, rest = name.removeprefix(f"{wheel.data}/").partition("/")
    folders = {
        "purelib": layout.site,
        "platlib": layout.site,
        "scripts": layout.scripts,
        "headers": layout.headers(wheel.name),
        "data": "",
    }
    if scheme not in folders or not rest:
        raise BadWheel(wheel.path, f"it has data for {scheme!r}; expected {', '.join(folders)}")
    return folders[scheme] + rest, scheme == "scripts"


def _write(
    folder: Path,
    path: str,
    content: bytes,
    *,
    executable: bool,
    mode: Literal["text"] | None = None,
) -> _Unpacked:
    source = folder / path
    try:
        source.write_bytes(content)
    except FileNotFoundError:
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(content)
    source.chmod(0o755 if executable else 0o644)
    # A client writes the prefix into the file, so its hash is not known before.
    digest = f"sha256={_urlsafe(hashlib.sha256(content).digest())}"
    recorded = ("", "") if mode else (digest, str(len(content)))
    return _Unpacked(path=path, source=source, mode=mode, recorded=recorded)


def _script(folder: Path, point: EntryPoint, layout: Layout) -> _Unpacked:
    """Write a console script, as a client would for a noarch package."""
    first = point.attribute.partition(".")[0]
    text = (
        f"#!{PLACEHOLDER}/bin/python{layout.python}\n"
        "import sys\n"
        f"from {point.module} import {first}\n"
        "\n"
        'if __name__ == "__main__":\n'
        f"    sys.exit({point.attribute}())\n"
    )
    path = layout.scripts + point.name
    return _write(folder, path, text.encode(), executable=True, mode="text")


def _row(layout: Layout, path: str, recorded: tuple[str, str]) -> tuple[str, str, str]:
    """Write a row of RECORD: paths are relative to site-packages of the installed package."""
    if path.startswith(layout.site):
        return (path.removeprefix(layout.site), *recorded)
    if path.startswith(layout.scripts):
        return (f"../../../bin/{path.removeprefix(layout.scripts)}", *recorded)
    return (f"../../../{path}", *recorded)


def _write_record(folder: Path, path: str, rows: Iterable[tuple[str, str, str]]) -> _Unpacked:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(sorted(set(rows)))
    writer.writerow((path.partition("site-packages/")[2], "", ""))
    return _write(folder, path, text.getvalue().encode(), executable=False)
