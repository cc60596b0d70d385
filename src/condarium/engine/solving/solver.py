"""Solving: which packages satisfy the specs. One protocol, and rattler behind it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Protocol

from rattler import Channel, ChannelPriority, Gateway, MatchSpec, RepoDataRecord, Subdir, solve
from rattler.exceptions import GatewayError, SolverError
from rattler.virtual_package import GenericVirtualPackage

from condarium.engine.event_loop import run
from condarium.engine.network.errors import translate_network_error
from condarium.engine.solving import explanation
from condarium.engine.solving.virtual_packages import solver_identity
from condarium.errors import CondariumError, Failed, Unsolvable
from condarium.model.channel_url import ChannelUrl

VirtualPackages = Sequence[GenericVirtualPackage]
Records = Sequence[RepoDataRecord]
"""What a solve gave: opaque to all but the engine."""

LIMIT = timedelta(minutes=10)
"""How long one solve may take; those of real environments take seconds."""
_STOPPED = "Solve operation has been cancelled"
_OTHERS = ("linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64")
_PATIENCE = 5.0  # seconds that an explanation may take to look at other platforms


class SolveTimeout(Failed):
    """The solver had no answer in the time that it may take."""

    def __init__(self, platform: str, limit: timedelta) -> None:
        self.platform, self.limit = platform, limit
        super().__init__(
            f"the solve for {platform} had no answer after {limit.total_seconds():g} seconds, and "
            "was stopped",
            hint="Say more exactly what you need: a version of python, and of the packages that "
            "most others depend on, leaves the solver less to try.",
        )


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

    identity = solver_identity()

    def __init__(self, gateway: Gateway, *, limit: timedelta = LIMIT) -> None:
        self._gateway, self._limit = gateway, limit

    def solve(self, requests: Sequence[SolveRequest]) -> list[list[RepoDataRecord]]:
        return run(self._solve_all(requests))

    async def _solve_all(self, requests: Sequence[SolveRequest]) -> list[list[RepoDataRecord]]:
        answers = await asyncio.gather(
            *(self._solve(request) for request in requests), return_exceptions=True
        )
        solved = []
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, SolverError | GatewayError):
                raise await self._translated(answer, request) from answer
            if isinstance(answer, BaseException):
                raise answer
            solved.append(answer)
        return solved

    async def _solve(self, request: SolveRequest) -> list[RepoDataRecord]:
        specs = [MatchSpec(spec) for spec in request.specs]
        return await solve(
            sources=[Channel(url) for url in request.channels],
            specs=[*specs, *_whole(specs, request)],
            gateway=self._gateway,
            platforms=_subdirs(request),
            virtual_packages=list(request.virtual_packages),
            constraints=[MatchSpec(pin) for pin in request.pins],
            timeout=self._limit,
            channel_priority=ChannelPriority.Strict
            if request.strict_priority
            else ChannelPriority.Disabled,
        )

    async def _translated(
        self, error: SolverError | GatewayError, request: SolveRequest
    ) -> CondariumError:
        if isinstance(error, GatewayError):
            return translate_network_error(error, [ChannelUrl(url) for url in request.channels])
        if str(error) == _STOPPED:
            return SolveTimeout(request.platform, self._limit)
        return await self._unsolvable(request, str(error))

    async def _unsolvable(self, request: SolveRequest, text: str) -> Unsolvable:
        """Look up, now that time does not matter, what the channels have of what is missing."""
        sources = [Channel(url) for url in request.channels]
        missing = [name for name in explanation.missing_names(text) if not name.startswith("__")]
        names = await self._gateway.names(sources, _subdirs(request))
        found = await self._gateway.query(sources, _subdirs(request), missing, recursive=False)
        versions: dict[str, list[str]] = {}
        for record in sorted(chain.from_iterable(found), key=lambda each: each.version):
            have = versions.setdefault(record.name.normalized, [])
            if str(record.version) not in have:
                have.append(str(record.version))
        known = explanation.Known(
            names=[name.normalized for name in names],
            versions=versions,
            elsewhere=await self._elsewhere(request, set(missing) - versions.keys()),
        )
        asked = _asked(request)
        hint = explanation.hint(text, asked, known)
        return Unsolvable(request.platform, explanation.tidy(text, asked), hint=hint)

    async def _elsewhere(self, request: SolveRequest, names: set[str]) -> dict[str, list[str]]:
        """Say which other platforms have these names, as far as that is found out soon."""
        found: dict[str, list[str]] = {}
        if not names:
            return found
        sources = [Channel(url) for url in request.channels]
        with suppress(TimeoutError, GatewayError):
            async with asyncio.timeout(_PATIENCE):
                for platform in _OTHERS:
                    if platform == request.platform:
                        continue
                    for name in await self._gateway.names(sources, [Subdir(platform)]):
                        if name.normalized in names:
                            found.setdefault(name.normalized, []).append(platform)
        return found


def _whole(specs: Sequence[MatchSpec], request: SolveRequest) -> list[MatchSpec]:
    """Ask for every record of what is asked for, where channels have priorities.

    rattler reads of a package that is asked for only those records that fit the spec, and then
    takes the first channel that has any: `tool >=2` would get past a channel with tool 1, for which
    a strict priority is there. A spec that names its channel means that one.
    """
    if not request.strict_priority or len(request.channels) == 1:
        return []
    names = {spec.name.normalized for spec in specs if spec.name is not None}
    of_one = {spec.name.normalized for spec in specs if spec.name is not None and spec.channel}
    return [MatchSpec(name) for name in sorted(names - of_one)]


def _asked(request: SolveRequest) -> explanation.Asked:
    specs: dict[str, list[str]] = {}
    for text in request.specs:
        name = MatchSpec(text).name
        specs.setdefault(name.normalized if name else text, []).append(text)
    return explanation.Asked(
        platform=request.platform,
        specs=specs,
        machine=dict(map(_machine, request.virtual_packages)),
        channels=[url.rstrip("/") for url in request.channels],
    )


def _machine(package: GenericVirtualPackage) -> tuple[str, str]:
    """A virtual package's name and value; that of a microarchitecture is its build string."""
    name = package.name.normalized
    return name, str(package.build_string if name == "__archspec" else package.version)


def python_version(records: Records) -> str | None:
    """The version of the Python among the records, if there is one."""
    return next((str(each.version) for each in records if each.name.normalized == "python"), None)


def _subdirs(request: SolveRequest) -> list[Subdir]:
    return [Subdir(request.platform), Subdir("noarch")]
