"""What operations answer that bring sets of packages from one place to another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from condarium.model.hosting.report import PublishedFile
from condarium.model.view import ChannelName, View


@dataclass(frozen=True, kw_only=True)
class MirroredFile:
    """A package file that a lock names and the channel has now; `fetched` is in bytes.

    `status` is `kept` in a proxy, which publishes nothing.
    """

    subdir: str
    file_name: str
    status: Literal["published", "labelled", "kept", "there already"]
    fetched: int


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """A lock's packages, all of them in a channel; `revision` is None where they all were before.

    `as_locked` are files whose record is the lock's, because the package itself says other
    dependencies; `otherwise` are those that were there before with a record that is not the
    lock's; `yanked` those that no index shows. `pip` are packages of the lock that are none of
    conda, and left out.
    """

    channel: ChannelName
    view: View
    lock: str
    platforms: tuple[str, ...]
    revision: int | None
    files: tuple[MirroredFile, ...]
    as_locked: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    yanked: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fetched(self) -> int:
        """In bytes."""
        return sum(file.fetched for file in self.files)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A bundle that was written; `size` is in bytes, `revision` what was exported."""

    view: View
    revision: str
    path: Path
    packages: int
    subdirs: tuple[str, ...]
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class BundleImported:
    """A bundle whose packages are all in a channel; `revision` is None where they all were before.

    `source` and `source_revision` are what it was exported from. `otherwise` are files that were
    there before with another record, which they keep.
    """

    channel: ChannelName
    labels: tuple[str, ...]
    source: str
    source_revision: str
    revision: int | None
    files: tuple[PublishedFile, ...]
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WheelsImported:
    """Wheels that were made packages; `revision` is None where all of them were there before."""

    channel: ChannelName
    labels: tuple[str, ...]
    python: str
    platforms: tuple[str, ...]
    revision: int | None
    files: tuple[PublishedFile, ...]
