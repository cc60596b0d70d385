"""The questions about packages that can be asked, in channels or in an environment.

Whoever has a role anywhere may ask about channels elsewhere; an environment that a question names,
they must be allowed to read.
"""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.answers import Dependencies, Dependents, Found, Reasons
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store

PackageSpec = Annotated[
    str, Argument('a package, or a MatchSpec in quotes: "numpy >=1.26"', metavar="SPEC")
]
InEnvironment = Annotated[
    EnvironmentName | None,
    Argument("ask about what this environment has", "-n", positional=True, metavar="NS/NAME"),
]
Channels = Annotated[
    tuple[str, ...],
    Argument(
        "a channel: a name, a URL or a path; may be given several times; by default those of the "
        ".condarc",
        "-c",
    ),
]
Platform = Annotated[
    str | None, Argument("a platform such as osx-arm64; by default that of this machine")
]
Refresh = Annotated[bool, Argument("ask the channels' servers anew for what they have")]
Limit = Annotated[int | None, Argument("at most N lines", metavar="N")]


@operation("query search", permission=Permission.QUERY_ASK, makes_store=True, where=Where.ANYWHERE)
def search(
    store: Store,
    spec: Annotated[
        str,
        Argument(
            'a package, a name with "*" in it, or a MatchSpec in quotes: "numpy >=1.26"',
            metavar="SPEC",
        ),
    ],
    *,
    environment: InEnvironment = None,
    channel: Channels = (),
    platform: Platform = None,
    limit: Limit = None,
    refresh: Refresh = False,
) -> Found:
    """Find packages by name and version, the newest first.

    For one package, lists its versions; for one version, its builds; for several packages, the
    newest version of each.
    Raises NothingFits, which says what there is instead.
    """
    from condarium.environments import questions

    where = questions.Where(
        environment=environment, channels=channel, platform=platform, refresh=refresh
    )
    return questions.search(store, spec, where, limit=limit)


@operation("query depends", permission=Permission.QUERY_ASK, makes_store=True, where=Where.ANYWHERE)
def depends(
    store: Store,
    spec: PackageSpec,
    *,
    environment: InEnvironment = None,
    channel: Channels = (),
    platform: Platform = None,
    tree: Annotated[bool, Argument("also what those need in turn", "-t")] = False,
    refresh: Refresh = False,
    actor: Actor,
) -> Dependencies:
    """Show what a package needs.

    In channels, that is the newest package that fits, of the first channel that has it; as a tree,
    the packages that a solve chooses for it on this machine. In an environment, it is the package
    that is there.
    """
    from condarium.environments import questions

    if tree and environment is None:  # which is solved
        actor.require(Permission.LOCK_SOLVE)
    where = questions.Where(
        environment=environment, channels=channel, platform=platform, refresh=refresh
    )
    return questions.depends(store, spec, where, tree=tree)


@operation(
    "query whoneeds", permission=Permission.QUERY_ASK, makes_store=True, where=Where.ANYWHERE
)
def whoneeds(
    store: Store,
    spec: PackageSpec,
    *,
    environment: InEnvironment = None,
    channel: Channels = (),
    platform: Platform = None,
    tree: Annotated[
        bool, Argument("also who needs those in turn; for an environment", "-t")
    ] = False,
    limit: Limit = None,
    refresh: Refresh = False,
) -> Dependents:
    """Show which packages need a package, and in which words they ask for it.

    In channels, a line stands for the newest build of a package that asks. With a version, only
    those count whose words the newest package that fits it meets.
    """
    from condarium.environments import questions

    where = questions.Where(
        environment=environment, channels=channel, platform=platform, refresh=refresh
    )
    return questions.dependents(store, spec, where, tree=tree, limit=limit)


@operation("query why", permission=Permission.QUERY_ASK, makes_store=True, where=Where.ANYWHERE)
def why(
    store: Store,
    package: Annotated[str, Argument("the package's name")],
    environment: Annotated[
        EnvironmentName | None,
        Argument("the environment that it is in", "-n", positional=True, metavar="NS/NAME"),
    ] = None,
    generation: Annotated[
        int | None, Argument("a generation; by default the active one", positional=True)
    ] = None,
    *,
    file: Annotated[
        Document | None,
        Argument("ask about what this environment.yml would give", "-f", metavar="FILE"),
    ] = None,
    platform: Annotated[
        str | None,
        Argument("one of the platforms that are locked; by default that of this machine"),
    ] = None,
    actor: Actor,
    progress: Progress,
) -> Reasons:
    """Show why a package is in an environment.

    The answer is a tree of the shortest chains from what the environment.yml asks for to the
    package. Where an environment was built from a lock alone, they begin at what nothing else
    needs. Raises NotInstalled where the package is not there.
    """
    from condarium.environments import reasons

    if file is not None:  # which is solved
        actor.require(Permission.LOCK_SOLVE)
    return reasons.why(
        store, package, environment, generation, file=file, platform=platform, progress=progress
    )
