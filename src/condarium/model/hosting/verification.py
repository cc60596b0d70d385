"""What `channel verify` answers."""

from dataclasses import dataclass
from typing import Literal

from condarium.model.view import ChannelName

ProblemKind = Literal["log", "fact", "file", "patch", "shard", "package", "encoding"]


@dataclass(frozen=True, kw_only=True)
class ChannelProblem:
    """Something that is not as the facts say: where, what was found there, and what to do."""

    kind: ProblemKind
    where: str
    found: str
    expected: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class ChannelVerified:
    """A channel, compared with its facts.

    `revision` is the head; `shards`, `packages` and `encodings` are those that were compared, with
    `bytes` of blobs that were read. `not_fetched` are packages that are still elsewhere. Of many
    problems only the first are told; `untold` counts the others.
    """

    channel: ChannelName
    revision: int
    all_revisions: bool
    facts: int
    patches: int
    shards: int
    packages: int
    not_fetched: int
    encodings: int
    bytes: int
    problems: tuple[ChannelProblem, ...]
    untold: int

    @property
    def ok(self) -> bool:
        return not self.problems
