"""Solving: which packages satisfy the specs. One protocol, and rattler behind it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rattler import Channel, ChannelPriority, Gateway, MatchSpec, RepoDataRecord, Subdir, solve
from rattler.exceptions import GatewayError, SolverError
from rattler.utils import rattler_version
from rattler.virtual_package import GenericVirtualPackage

from condarium.engine import explanation
from condarium.engine.event_loop import run
from condarium.engine.network_errors import translate_network_error
from condarium.errors import Unsolvable
from condarium.model.channel_url import ChannelUrl

VirtualPackages = Sequence[GenericVirtualPackage]
Records = Sequence[RepoDataRecord]
"""What a solve gave: opaque to all but the engine."""


@dataclass(frozen=True, kw_only=True)
class SolveRequest:
    """A question for a solver: `specs` and `pins` are MatchSpecs, `channels` are URLs by priority.

    A pin must hold for whatever is chosen, and asks for nothing by itself.
    """

    platform: str
    specs: tuple[str, ...]
    channels: tuple[str, ...]
    virtual_packages: tuple[GenericVirtualPackage, ...] = ()
    pins: tuple[str, ...] = ()
    strict_priority: bool = True


class Solver(Protocol):
    """Answers solve requests; `identity` changes when a question may get another answer."""

    identity: str

    def solve(self, requests: Sequence[SolveRequest]) -> list[list[RepoDataRecord]]:
        """The records for each request, in its order. Raises Unsolvable."""


class RattlerSolver:
    """rattler's solver (resolvo) over a gateway, which fetches only the records that matter."""

    identity = f"rattler {rattler_version.get_rattler_version()}"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def solve(self, requests: Sequence[SolveRequest]) -> list[list[RepoDataRecord]]:
        return run(self._solve_all(requests))

    async def _solve_all(self, requests: Sequence[SolveRequest]) -> list[list[RepoDataRecord]]:
        return list(await asyncio.gather(*(self._solve(request) for request in requests)))

    async def _solve(self, request: SolveRequest) -> list[RepoDataRecord]:
        try:
            return await solve(
                sources=[Channel(url) for url in request.channels],
                specs=[MatchSpec(spec) for spec in request.specs],
                gateway=self._gateway,
                platforms=_subdirs(request),
                virtual_packages=list(request.virtual_packages),
                constraints=[MatchSpec(pin) for pin in request.pins],
                channel_priority=ChannelPriority.Strict
                if request.strict_priority
                else ChannelPriority.Disabled,
            )
        except SolverError as error:
            raise await self._unsolvable(request, explanation.tidy(str(error))) from error
        except GatewayError as error:
            channels = [ChannelUrl(url) for url in request.channels]
            raise translate_network_error(error, channels) from error

    async def _unsolvable(self, request: SolveRequest, text: str) -> Unsolvable:
        """Look up, now that time does not matter, what the channels have of what is missing."""
        sources = [Channel(url) for url in request.channels]
        platforms = _subdirs(request)
        missing = [name for name in explanation.missing_names(text) if name[0] != "_"]
        known = await self._gateway.names(sources, platforms)
        found = await self._gateway.query(sources, platforms, missing, recursive=False)
        versions: dict[str, list[str]] = {}
        for record in sorted(record for group in found for record in group):
            have = versions.setdefault(record.name.normalized, [])
            if str(record.version) not in have:
                have.append(str(record.version))
        hint = explanation.hint(
            text,
            known=[name.normalized for name in known],
            versions=versions,
            channels=request.channels,
        )
        return Unsolvable(request.platform, text, hint=hint)


def python_version(records: Records) -> str | None:
    """The version of the Python among the records, if there is one."""
    return next((str(each.version) for each in records if each.name.normalized == "python"), None)


def _subdirs(request: SolveRequest) -> list[Subdir]:
    return [Subdir(request.platform), Subdir("noarch")]
