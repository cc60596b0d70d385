"""How large a package may be, and may become, and the meter that is read while it expands."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from condarium.channels.validation.refusal import Fault

_MIB, _GIB = 1 << 20, 1 << 30


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a package may need of whoever unpacks it; the largest of conda-forge pass.

    `expanded_size` and those of metadata are in bytes. `expansion_ratio` is expanded to packed
    bytes, and only holds beyond `ratio_from` bytes: a tiny package is mostly the padding of tar,
    which packs to nothing. `paths_size` is for paths.json, which grows with the files (about 250
    bytes for each); `metadata_size` for any other file of metadata; `names_size` for the paths of
    all members and folders together, in characters, which are in memory while a package is read.
    """

    members: int = 500_000
    expanded_size: int = 32 * _GIB
    expansion_ratio: int = 500
    ratio_from: int = 64 * _MIB
    paths_size: int = 96 * _MIB
    metadata_size: int = 4 * _MIB
    names_size: int = 128 * _MIB


class Meter:
    """Counts what a package of `packed` bytes expands to, and stops it at its limits."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits, self._packed = limits, max(packed, 1)
        self._expanded = self._members = self._names = 0

    def metered(self, chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
        """Hand on the chunks of the archive `name`. Raises Fault beyond a limit."""
        for chunk in chunks:
            self._expanded += len(chunk)
            self._check(name)
            yield chunk

    def member(self, path: str) -> None:
        """Count a member, or a folder that is only there because of one."""
        self._members += 1
        self._names += len(path)
        if self._members > self.limits.members:
            raise Fault(
                "too-many-members",
                path,
                found=f"more than {self.limits.members:,} members",
                expected=f"at most {self.limits.members:,}",
            )

        if self._names > self.limits.names_size:
            raise Fault(
                "names-size",
                path,
                found=f"paths of more than {self.limits.names_size:,} characters together",
                expected=f"at most {self.limits.names_size:,}",
            )

    def _check(self, name: str) -> None:
        limits, expanded = self.limits, self._expanded
        if expanded > limits.expanded_size:
            raise Fault(
                "expanded-size",
                name,
                found=f"more than {limits.expanded_size:,} bytes when expanded",
                expected=f"at most {limits.expanded_size:,}",
            )
        if expanded > limits.ratio_from and expanded > limits.expansion_ratio * self._packed:
            raise Fault(
                "expansion-ratio",
                name,
                found=f"{expanded:,} bytes and more out of {self._packed:,}",
                expected=f"at most {limits.expansion_ratio} times as many",
            )
