"""A place of backups: blobs, dumps of databases, and a manifest for each backup.

    <place>/blobs/ab/cd…        blobs, each once for all backups
    <place>/dumps/ab/cd…        dumps of databases, and lists of blobs, by their SHA-256
    <place>/manifests/NAME.json what a backup consists of; written last, so that it can be restored

NAME ends with the beginning of the manifest's own hash. Described in docs/reference/formats.md.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec
import obstore
import zstandard
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from condarium.errors import BadInput, CondariumError, Failed, NotFound
from condarium.model.actor import Actor
from condarium.model.operating import BackupLine
from condarium.storage.blobs import Blobs
from condarium.storage.failures import StoreUnreadable, say_blobs_error

FORMAT = 1
_NAME = re.compile(r"manifests/(?P<name>\d{8}T\d{6}Z-(?P<digest>[0-9a-f]{12}))\.json")


class BadBackupPlace(BadInput):
    """This is no place for backups."""

    def __init__(self, place: str, found: str, *, away: bool = False) -> None:
        self.place, self.found = place, found
        folder = "a folder of the server, from / on" if away else "a folder"
        super().__init__(
            f"{place}: found {found}; expected {folder}, or a URL such as s3://BUCKET/PREFIX",
            hint="A bucket's endpoint and credentials come from the AWS_* variables.",
        )


class BackupPlaceFailed(Failed):
    """The place of backups did not do what was asked."""

    def __init__(self, place: str, found: str) -> None:
        self.place, self.found = place, found
        super().__init__(f"the place of backups {place} failed: {found}")


class NoSuchBackup(NotFound):
    """There is no such backup here."""

    def __init__(self, place: str, name: str | None) -> None:
        self.place, self.name = place, name
        what = f"no backup {name}" if name else "no backup"
        super().__init__(
            f"there is {what} in {place}",
            hint=f"`condarium backup list {place}` shows those that there are."
            if name
            else f"`condarium backup {place}` makes one.",
        )


class BackupDamaged(Failed):
    """A backup is not whole."""

    def __init__(self, name: str, found: str) -> None:
        self.name, self.found = name, found
        super().__init__(
            f"the backup {name} is damaged: {found}",
            hint="`condarium backup verify` with --all-bytes says what is wrong, and which backups "
            "can be restored.",
        )


def check_address(address: str, actor: Actor) -> None:
    """Raise BadBackupPlace where somebody who is elsewhere names a place from where they are."""
    away = actor.principal is not None or actor.job is not None
    if away and not address.startswith(("/", "s3://")):
        raise BadBackupPlace(address, "a place that depends on where one is", away=True)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup consists of: `dump` and `list` are SHA-256s in `dumps`."""

    format: int = FORMAT
    at: datetime
    condarium: str
    revision: str
    dump: str
    rows: Mapping[str, int]
    list: str
    blobs: int
    bytes: int
    job: str | None = None
    """Which job made it, told apart from those of the same number in other stores."""


class BackupPlace:
    """Where backups are: a folder or a bucket."""

    def __init__(self, address: str, store: Any, blobs: Blobs, dumps: Blobs) -> None:
        self.address, self._store = address, store
        self.blobs, self.dumps = blobs, dumps

    @classmethod
    def at(cls, address: str, *, make: bool = False) -> Self:
        """Open a place; `make` a folder that is not there, closed to others.

        Raises BadBackupPlace, NoSuchBackup where there is no folder.
        """
        if "://" in address:
            return cls._at_url(address)
        folder = Path(address).expanduser().absolute()
        parts = (folder / "blobs", folder / "dumps", folder / "manifests")
        try:
            if make:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                for part in parts:
                    part.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise BadBackupPlace(str(folder), error.strerror or str(error)) from error
        if not parts[2].is_dir():
            raise NoSuchBackup(str(folder), None)
        return cls(str(folder), LocalStore(folder), *map(Blobs.in_folder, parts[:2]))

    @classmethod
    def _at_url(cls, address: str) -> Self:
        address = address.rstrip("/")
        try:
            store = from_url(address)
        except (BaseError, ValueError) as error:
            raise BadBackupPlace(address, "a URL that leads nowhere") from error
        blobs, dumps = (Blobs.at_url(f"{address}/{part}") for part in ("blobs", "dumps"))
        return cls(address, store, blobs, dumps)

    def manifests(self) -> dict[str, Manifest]:
        """The backups that can be restored, the oldest first. Raises BackupDamaged."""
        found = {name: self.manifest(name) for name in self.names()}
        return dict(sorted(found.items(), key=lambda item: (item[1].at, item[0])))

    def names(self) -> list[str]:
        with self._translated():
            listed = [each for part in obstore.list(self._store, "manifests") for each in part]
        matches = (_NAME.fullmatch(each["path"]) for each in listed)
        return sorted(found["name"] for found in matches if found)

    def manifest(self, name: str) -> Manifest:
        """Raises NoSuchBackup, BackupDamaged."""
        path = f"manifests/{name}.json"
        with self._translated():
            try:
                content = bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError as error:
                raise NoSuchBackup(self.address, name) from error
        if not _NAME.fullmatch(path) or not name.endswith(f"-{_digest(content)}"):
            raise BackupDamaged(name, "its manifest does not have its hash")
        manifest = msgspec.json.decode(content, type=Manifest)
        if manifest.format != FORMAT:
            found = f"its format is {manifest.format}; this condarium reads {FORMAT}"
            raise BackupDamaged(name, found)
        return manifest

    def made_by(self, job: str) -> str | None:
        """The name of the backup that a job has made."""
        for name in self.names():
            with suppress(NoSuchBackup, BackupDamaged):
                if self.manifest(name).job == job:
                    return name
        return None

    def add(self, manifest: Manifest) -> str:
        """Make a backup restorable, once all it consists of is there; give its name."""
        if isinstance(self._store, LocalStore):
            os.sync()  # else a power failure might keep the manifest and lose what it names
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        name = f"{manifest.at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_digest(content)}"
        with self._translated():
            obstore.put(self._store, f"manifests/{name}.json", content)
        return name

    def remove(self, name: str) -> None:
        with self._translated():
            obstore.delete(self._store, f"manifests/{name}.json")

    def put_dump(self, file: Path) -> str:
        """Keep a file that is a dump, readable by its owner alone."""
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        self.dumps.put_file(file, digest)
        if path := self.dumps.file(digest):
            path.chmod(0o600)
        return digest

    def put_list(self, sizes: Mapping[str, int]) -> str:
        """Keep the list of a backup's blobs."""
        text = "".join(f"{digest} {size}\n" for digest, size in sorted(sizes.items()))
        return self.dumps.put(zstandard.compress(text.encode(), 3))

    def list_of(self, name: str, manifest: Manifest) -> dict[str, int]:
        """The blobs of a backup, and their sizes. Raises BackupDamaged."""
        try:
            text = (
                zstandard.ZstdDecompressor()
                .decompressobj()
                .decompress(self.dumps.get(manifest.list))
            )
        except (CondariumError, zstandard.ZstdError) as error:
            raise BackupDamaged(name, "its list of blobs is missing or damaged") from error
        pairs = (line.split() for line in text.decode().splitlines())
        return {digest: int(size) for digest, size in pairs}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            said = say_blobs_error(error, reading=True)
            if isinstance(said, StoreUnreadable):
                raise said from error
            found = " ".join(str(error).partition("Debug source:")[0].split())
            raise BackupPlaceFailed(self.address, found) from error


def line_of(name: str, manifest: Manifest) -> BackupLine:
    return BackupLine(
        name=name,
        at=manifest.at,
        condarium=manifest.condarium,
        revision=manifest.revision,
        rows=sum(manifest.rows.values()),
        blobs=manifest.blobs,
        bytes=manifest.bytes,
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
