"""What a verification has found so far."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from condarium.errors import BlobDamaged, NoSuchBlob
from condarium.model.hosting.verification import ChannelProblem, ProblemKind
from condarium.storage.blobs import Blobs

_TOLD = 1000
"""How many problems are told; a channel that has more was not damaged one by one."""

BY_HAND = "The database was changed by something else than condarium: restore it from a backup."


@dataclass
class Findings:
    """Problems, and how much was looked at; `bytes` is None where blobs are not to be read."""

    blobs: Blobs
    read: bool
    problems: list[ChannelProblem] = field(default_factory=list)
    untold: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    _blobs: dict[str, str | None] = field(default_factory=dict)

    def problem(
        self, kind: ProblemKind, where: str, *, found: str, expected: str, hint: str = BY_HAND
    ) -> None:
        if len(self.problems) == _TOLD:
            self.untold += 1
            return
        self.problems.append(
            ChannelProblem(kind=kind, where=where, found=found, expected=expected, hint=hint)
        )

    def what_is_wrong(self, digest: str, size: int | None = None) -> str | None:
        """Look at a blob: whether it is there, has its size and its hash. None where all is well.

        Each blob is looked at once.
        """
        if digest not in self._blobs:
            self._blobs[digest] = self._look_at(digest, size)
        return self._blobs[digest]

    def _look_at(self, digest: str, size: int | None) -> str | None:
        there = self.blobs.size(digest)
        if there is None:
            return "no such blob"
        if size is not None and there != size:
            return f"{there} bytes"
        if not self.read:
            return None
        found = hashlib.sha256()
        try:
            for piece in self.blobs.pieces(digest):
                found.update(piece)
                self.counts["bytes"] += len(piece)
        except (NoSuchBlob, BlobDamaged) as error:
            return str(error)
        return None if found.hexdigest() == digest else f"bytes of SHA-256 {found.hexdigest()}"


def restore(digest: str) -> str:
    """What to do about a blob that is gone or damaged."""
    return f"Restore the blob {digest[:2]}/{digest[2:]} from a backup."
