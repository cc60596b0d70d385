"""What the archives of a package hold, all together: its members and its metadata's bytes."""

from collections.abc import Iterator
from typing import Literal

from condarium.channels.validation.limits import Limits, Meter
from condarium.channels.validation.paths import inside
from condarium.channels.validation.refusal import Fault
from condarium.channels.validation.tar import Kind, Member, read_members

METADATA = frozenset(
    f"info/{name}"
    for name in (
        *("index.json", "paths.json", "about.json", "run_exports.json", "link.json"),
        *("files", "has_prefix", "no_link"),
    )
)
"""The files of `info/` whose content says something to clients or to a channel."""

_LISTS = ("info/paths.json", "info/files", "info/has_prefix", "info/no_link")


class Contents:
    """The members of a package by path, with `info/` and without folders, as they are added.

    `payload` are those that are installed, `info` the bytes of METADATA, `folders` those that were
    archived and, after `check_tree`, all that there are.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._members: dict[str, Member] = {}
        self.info: dict[str, bytes] = {}
        self.folders: set[str] = set()

    @property
    def payload(self) -> dict[str, Member]:
        return {
            path: member for path, member in self._members.items() if not path.startswith("info/")
        }

    def add(
        self, chunks: Iterator[bytes], *, name: str | None, part: Literal["info", "pkg"] | None
    ) -> None:
        """Add all members of the archive `name`, of which `part` says what it may hold.

        Raises Fault.
        """
        metered = self._meter.metered(chunks, name or "the archive")
        for member in read_members(metered, name=name, kept=self._kept):
            self._meter.member(member.path)
            if member.path:
                _check_place(member.path, part)
                self._take(member)

    def _kept(self, path: str, size: int) -> bool:
        if path not in METADATA:
            return False
        limits: Limits = self._meter.limits
        largest = limits.paths_size if path in _LISTS else limits.metadata_size
        if size > largest:
            raise Fault(
                "metadata-size", path, found=f"{size:,} bytes", expected=f"at most {largest:,}"
            )
        return True

    def _take(self, member: Member) -> None:
        path = member.path
        if path in self._members or (path in self.folders and member.kind is not Kind.FOLDER):
            raise Fault("member-twice", path, found="it twice", expected="each member once")
        if member.kind is Kind.FOLDER:
            self.folders.add(path)
            return
        if member.kind is Kind.HARD_LINK:
            member = self._linked(member)
        elif member.content is not None:
            self.info[path] = member.content
        self._members[path] = member

    def _linked(self, link: Member) -> Member:
        """Give a hard link the size and hash of the file that it is another name of."""
        file = self._members.get(link.target.removeprefix("./"))
        if file is None or file.kind is Kind.LINK or link.path in METADATA:
            leaves = link.target.startswith("/") or ".." in link.target.split("/")
            raise Fault(
                "link-leaves-package" if leaves else "link-target-missing",
                link.path,
                found=f"a hard link to {link.target!r}",
                expected="one to a file before it in the package",
            )
        return Member(link.path, Kind.HARD_LINK, file.size, file.sha256, link.target)

    def check_tree(self) -> None:
        """Refuse links that leave the package, and members below anything but a folder."""
        links = {
            path: member.target
            for path, member in self._members.items()
            if member.kind is Kind.LINK
        }
        for path, target in links.items():
            if not target or "\\" in target or not _stays(path, target, links):
                raise Fault(
                    "link-leaves-package",
                    path,
                    found=f"a symbolic link to {target!r}",
                    expected="a relative one that stays in the package",
                )
        for path in [*self._members, *self.folders]:
            self._check_parents(path)

    def _check_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        while parent and parent not in self.folders:
            if other := self._members.get(parent):
                raise Fault(
                    "member-under-link",
                    path,
                    found=f"a member below {parent}, which is {other.kind.value}",
                    expected="members below folders only",
                )
            self.folders.add(parent)
            self._meter.member(parent)
            parent = parent.rpartition("/")[0]


def _stays(path: str, target: str, links: dict[str, str]) -> bool:
    return not target.startswith("/") and inside(path, target, links)


def _check_place(path: str, part: Literal["info", "pkg"] | None) -> None:
    top = path.partition("/")[0]
    if part == "info" and top != "info":
        raise Fault(
            "other-than-info", path, found="it among the metadata", expected="only info/ there"
        )
    # INFO/ is info/ on Windows and macOS, and would come over the metadata
    if top.lower() == "info" and (part == "pkg" or top != "info"):
        raise Fault("info-in-pkg", path, found="it among what is installed", expected="info/ apart")
