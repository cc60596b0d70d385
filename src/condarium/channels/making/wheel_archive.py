"""Wheels: what they say of themselves, and their files (PEP 427, PEP 566, PEP 639)."""

import configparser
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from condarium.errors import BadInput
from condarium.model.lock import normal_pypi_name


class BadWheel(BadInput):
    """A wheel cannot be made a package."""

    def __init__(self, wheel: Path, reason: str) -> None:
        self.wheel, self.reason = wheel, reason
        super().__init__(
            f"{wheel.name} cannot be made a package: {reason}",
            hint="Take another version of it, or report this to its authors.",
        )


@dataclass(frozen=True, kw_only=True)
class EntryPoint:
    """A script that calls `attribute` of `module`."""

    name: str
    module: str
    attribute: str

    def __str__(self) -> str:
        return f"{self.name} = {self.module}:{self.attribute}"


@dataclass(frozen=True, kw_only=True)
class WheelMetadata:
    """What a wheel says of itself; `info` and `data` are the names of its two special folders."""

    path: Path
    name: str
    version: Version
    build_number: int
    tags: frozenset[Tag]
    info: str
    requires: tuple[Requirement, ...]
    requires_python: SpecifierSet | None
    summary: str | None
    license: str | None
    license_files: tuple[str, ...]
    home: str | None
    entry_points: tuple[EntryPoint, ...]
    extras: frozenset[str]

    @property
    def data(self) -> str:
        return self.info.removesuffix(".dist-info") + ".data"


def read_wheel(path: Path) -> WheelMetadata:
    """Read the metadata of a wheel.

    Raises BadWheel where it is no wheel, is damaged, or says something that cannot be.
    """
    try:
        name, version, build, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise BadWheel(path, f"its name is not that of a wheel ({error})") from error
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            info = _info_folder(path, names)
            raw, _ = parse_email(_member(path, archive, f"{info}/METADATA"))
            _check_format(path, _member(path, archive, f"{info}/WHEEL"))
            scripts = f"{info}/entry_points.txt"
            points = archive.read(scripts).decode() if scripts in names else ""
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError) as error:
        raise BadWheel(path, f"it is damaged ({error})") from error
    return WheelMetadata(
        path=path,
        name=str(name),
        version=version,
        build_number=build[0] if build else 0,
        tags=tags,
        info=info,
        requires=_requirements(path, raw.get("requires_dist") or ()),
        requires_python=_specifiers(path, raw.get("requires_python")),
        summary=_line(raw.get("summary")),
        license=_license(raw),
        extras=frozenset(map(normal_pypi_name, raw.get("provides_extra", ()))),
        license_files=_license_files(raw, info, names),
        home=_home(raw),
        entry_points=_entry_points(path, points),
    )


def _info_folder(path: Path, names: Sequence[str]) -> str:
    found = {name.partition("/")[0] for name in names if "/" in name}
    folders = [name for name in found if name.endswith(".dist-info")]
    if len(folders) != 1:
        raise BadWheel(path, f"it has {len(folders)} folders named *.dist-info; expected one")
    return folders[0]


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except KeyError:
        raise BadWheel(path, f"it has no {name}") from None


def _check_format(path: Path, content: bytes) -> None:
    version = BytesParser().parsebytes(content).get("Wheel-Version", "")
    if version.split(".")[0] != "1":
        raise BadWheel(path, f"its format is {version or 'unknown'}; expected 1.x")


def _requirements(path: Path, texts: Sequence[str]) -> tuple[Requirement, ...]:
    try:
        return tuple(Requirement(text) for text in texts)
    except InvalidRequirement as error:
        raise BadWheel(path, f"it requires something unreadable ({error})") from error


def _specifiers(path: Path, text: str | None) -> SpecifierSet | None:
    try:
        return SpecifierSet(text) if text else None
    except InvalidSpecifier as error:
        raise BadWheel(path, f"its Requires-Python is {text!r}, which is no version") from error


def _line(text: str | None) -> str | None:
    lines = (text or "").strip().splitlines()
    return lines[0].strip() if lines else None


def _license(raw: RawMetadata) -> str | None:
    """Give the SPDX expression, else a short text, else what the classifiers say."""
    if expression := raw.get("license_expression"):
        return expression
    text = (raw.get("license") or "").strip()
    if text and text.upper() != "UNKNOWN" and len(text) <= 80 and "\n" not in text:
        return text
    classified = [
        name.rpartition(" :: ")[2]
        for name in raw.get("classifiers") or ()
        if name.startswith("License :: ")
    ]
    return " OR ".join(classified) or None


def _license_files(raw: RawMetadata, info: str, names: Sequence[str]) -> tuple[str, ...]:
    said = {f"{info}/{name}" for name in raw.get("license_files") or ()}
    kept = [
        name
        for name in names
        if name in said
        or (name.startswith(f"{info}/licenses/") and not name.endswith("/"))
        or re.fullmatch(rf"{re.escape(info)}/(LICEN[CS]E|COPYING|NOTICE)[^/]*", name, re.IGNORECASE)
    ]
    return tuple(kept)


def _home(raw: RawMetadata) -> str | None:
    urls = {label.lower(): url for label, url in (raw.get("project_urls") or {}).items()}
    labels = ("homepage", "home", "home page", "source", "source code", "repository", "github")
    return raw.get("home_page") or next((urls[label] for label in labels if label in urls), None)


def _entry_points(path: Path, text: str) -> tuple[EntryPoint, ...]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names have letter case
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise BadWheel(path, f"its entry_points.txt cannot be read ({error})") from error
    groups = [name for name in ("console_scripts", "gui_scripts") if parser.has_section(name)]
    return tuple(
        _entry_point(path, name, value) for group in groups for name, value in parser.items(group)
    )


def _entry_point(path: Path, name: str, value: str) -> EntryPoint:
    found = re.fullmatch(r"\s*([\w.]+)\s*:\s*([\w.]+)\s*(\[.*\])?\s*", value)
    if not found or not re.fullmatch(r"[\w.+-]+", name):
        raise BadWheel(path, f"its script {name} = {value!r} calls nothing that can be called")
    return EntryPoint(name=name, module=found[1], attribute=found[2])


def check_member(path: Path, name: str) -> None:
    """Raise BadWheel where a file of a wheel would leave the folder that it is unpacked to."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name:
        raise BadWheel(path, f"it has a file at {name!r}, outside of its folder")
