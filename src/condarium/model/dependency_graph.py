"""Which package asks for which, and the shortest ways from one to another."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice


@dataclass(frozen=True, kw_only=True, order=True)
class Edge:
    """`dependent` asks for `package`; `specs` are the words in which it does."""

    dependent: str
    package: str
    specs: tuple[str, ...] = ()


Chain = tuple[Edge, ...]
"""Edges of which each begins where the one before ends."""


@dataclass(frozen=True, kw_only=True)
class Chains:
    """Some chains, the shortest first; `omitted` counts those that were left out."""

    chains: tuple[Chain, ...]
    omitted: int


@dataclass(frozen=True, kw_only=True)
class DependencyGraph:
    """Packages by name, and at most one edge from one to another.

    Cycles are allowed, as between pip and Python. An edge may lead to a name that no package has:
    a virtual package, such as `__glibc`.
    """

    packages: frozenset[str]
    edges: tuple[Edge, ...]

    @classmethod
    def of(
        cls, packages: Iterable[str], asked: Iterable[tuple[str, str, str]]
    ) -> "DependencyGraph":
        """Make it of triples (dependent, package, spec); equal pairs become one edge."""
        specs: dict[tuple[str, str], dict[str, None]] = {}
        for dependent, package, spec in asked:
            specs.setdefault((dependent, package), {})[spec] = None
        edges = (
            Edge(dependent=dependent, package=package, specs=tuple(found))
            for (dependent, package), found in specs.items()
        )
        return cls(packages=frozenset(packages), edges=tuple(sorted(edges)))

    def __contains__(self, name: str) -> bool:
        return name in self.packages or name in self._needed_by

    def needs(self, name: str) -> tuple[Edge, ...]:
        """What a package asks for, by name."""
        return self._needs.get(name, ())

    def needed_by(self, name: str) -> tuple[Edge, ...]:
        """Who asks for a package, by name."""
        return self._needed_by.get(name, ())

    def below(self, name: str) -> tuple[Edge, ...]:
        """Every edge that can be reached from a package, the nearest first."""
        return tuple(self._walk(name, self._needs, ahead=True))

    def above(self, name: str) -> tuple[Edge, ...]:
        """Every edge from which a package can be reached, the nearest first."""
        return tuple(self._walk(name, self._needed_by, ahead=False))

    def roots(self) -> frozenset[str]:
        """Give the packages that nothing else needs: from them every package is reached.

        Of packages that need each other, and that nothing else needs, one is such a root.
        """
        found = {name for name in self.packages if not self._needed_by_others(name)}
        reached = set().union(*(self._reach(name) for name in found))
        while left := self.packages - reached:
            # Whatever needs another package reaches more than that does, unless each needs the
            # other: so what reaches most is needed by nothing outside its own circle.
            best = max(
                left, key=lambda name: (len(self._reach(name)), len(self.needed_by(name)), name)
            )
            found.add(best)
            reached |= self._reach(best)
        return frozenset(found)

    def shortest_chains(self, sources: Collection[str], target: str, *, limit: int) -> Chains:
        """From each source, all its shortest chains to the target; at most `limit` in all.

        No chain passes through another source: that one explains itself. A source that reaches the
        target through others only has no chain.
        """
        distance = self._distances(sources, target)
        starts = sorted((distance[name], name) for name in sources if distance.get(name, 0) > 0)
        counts: dict[str, int] = {target: 1}
        for name in sorted(distance, key=lambda name: distance[name]):
            if name != target:
                counts[name] = sum(
                    counts[e.package] for e in self._nearer(name, distance, sources, target)
                )
        found = tuple(islice(self._spell(starts, distance, sources, target), limit))
        return Chains(chains=found, omitted=sum(counts[name] for _, name in starts) - len(found))

    @cached_property
    def _needs(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped(self.edges, by_dependent=True)

    @cached_property
    def _needed_by(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped(self.edges, by_dependent=False)

    def _needed_by_others(self, name: str) -> bool:
        return any(edge.dependent != name for edge in self.needed_by(name))

    def _reach(self, name: str) -> set[str]:
        return {name, *(edge.package for edge in self.below(name))}

    def _walk(
        self, start: str, edges: Mapping[str, tuple[Edge, ...]], *, ahead: bool
    ) -> Iterator[Edge]:
        seen, queue = {start}, deque([start])
        while queue:
            for edge in edges.get(queue.popleft(), ()):
                yield edge
                after = edge.package if ahead else edge.dependent
                if after not in seen:
                    seen.add(after)
                    queue.append(after)

    def _distances(self, sources: Collection[str], target: str) -> dict[str, int]:
        """How many edges each package is away from the target; no way leads through a source."""
        found, queue = {target: 0}, deque([target])
        while queue:
            name = queue.popleft()
            for edge in self.needed_by(name):
                if edge.dependent not in found:
                    found[edge.dependent] = found[name] + 1
                    if edge.dependent not in sources:
                        queue.append(edge.dependent)
        return found

    def _nearer(
        self, name: str, distance: Mapping[str, int], sources: Collection[str], target: str
    ) -> Iterator[Edge]:
        """The edges that lead one step nearer to the target, and not through a source."""
        for edge in self.needs(name):
            if distance.get(edge.package) == distance[name] - 1 and (
                edge.package == target or edge.package not in sources
            ):
                yield edge

    def _spell(
        self,
        starts: Iterable[tuple[int, str]],
        distance: Mapping[str, int],
        sources: Collection[str],
        target: str,
    ) -> Iterator[Chain]:
        def onward(name: str, chain: Chain) -> Iterator[Chain]:
            if name == target:
                yield chain
                return
            for edge in self._nearer(name, distance, sources, target):
                yield from onward(edge.package, (*chain, edge))

        for _, name in starts:
            yield from onward(name, ())


def _grouped(edges: Iterable[Edge], *, by_dependent: bool) -> Mapping[str, tuple[Edge, ...]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.dependent if by_dependent else edge.package, []).append(edge)
    return {name: tuple(group) for name, group in found.items()}
