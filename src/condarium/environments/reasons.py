"""Why a package is where it is: the shortest chains from what was asked for."""

import re

from condarium.environments.installed import Installed, installed_by, installed_in
from condarium.environments.questions import BadPackageSpec
from condarium.errors import BadArguments
from condarium.model.answers import Reasons, Step
from condarium.model.dependency_graph import Chain
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.storage.store import Store

_MOST_CHAINS = 100


def why(
    store: Store,
    package: str,
    environment: EnvironmentName | None,
    generation: int | None,
    *,
    file: Document | None,
    platform: str | None,
    progress: Progress,
) -> Reasons:
    """Raises NotInstalled, NoSuchEnvironment, and what a solve of the file raises."""
    _check_name(package)
    if environment and not file:
        store.check_there()
        place = installed_in(store, environment, generation, platform=platform)
    elif file and not environment:
        place = installed_by(store, file, platform=platform, progress=progress)
    else:
        raise BadArguments(
            "give an environment or an environment.yml, one of them",
            hint=f"condarium query why {package} NS/NAME, or -f environment.yml.",
        )
    return _reasons(place, place.node(package))


def _reasons(place: Installed, node: str) -> Reasons:
    sources = frozenset(place.asked) if place.spec else place.graph.roots()
    found = place.graph.shortest_chains(sources, node, limit=_MOST_CHAINS)
    heads = {chain[0].dependent for chain in found.chains}
    above = {edge.dependent for edge in place.graph.above(node)}
    return Reasons(
        package=node,
        version=place.versions.get(node),
        source=place.source,
        platform=place.platform,
        asked=place.asked.get(node, ()),
        chains=tuple(_steps(place, chain) for chain in found.chains),
        through=tuple(sorted((above & sources) - heads - {node})),
        spec=place.spec is not None,
        omitted=found.omitted,
    )


def _steps(place: Installed, chain: Chain) -> tuple[Step, ...]:
    head = chain[0].dependent
    first = Step(package=head, version=place.versions.get(head), specs=place.asked.get(head, ()))
    others = (
        Step(package=edge.package, version=place.versions.get(edge.package), specs=edge.specs)
        for edge in chain
    )
    return (first, *others)


def _check_name(package: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_][\w.\-]*", package):
        raise BadPackageSpec(package, "Write the name alone, without a version.")
