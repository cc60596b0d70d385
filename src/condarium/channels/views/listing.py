"""What a view shows: which shard every package name has, in each subdir."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import View

Maps = Mapping[str, Mapping[str, bytes]]
"""By subdir and package name, the digest of a shard."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """A view, opened. It does not change: whoever wants to see a later state opens the view again.

    `revision` names all that it depends on: `r12`, or `tools@r3,lab@r12` for a union, which has no
    `number`; `state` is a text that is the same only where the same is shown. `past` is
    True where the view's address will give the same for ever. `parts` are a union's members.
    """

    view: View
    channel: HostedChannel
    revision: str
    number: int | None
    state: str
    past: bool
    maps: Maps
    parts: tuple["Listing", ...] = field(default=())

    @property
    def subdirs(self) -> frozenset[str]:
        """Those that the view has; there is always a noarch."""
        return frozenset({"noarch", *self.maps})

    def names(self, subdir: str) -> Mapping[str, bytes]:
        return self.maps.get(subdir, {})
