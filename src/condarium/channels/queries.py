"""The operations that read channels."""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.hosting.answers import (
    ChannelDetail,
    FoundInChannel,
    Labels,
    Patches,
    ViewFiles,
    ViewPackages,
)
from condarium.model.hosting.history import ChannelDiff, ChannelLog
from condarium.model.hosting.report import ChannelSummary
from condarium.model.hosting.verification import ChannelVerified
from condarium.model.paging import Page
from condarium.model.progress import Progress
from condarium.model.view import ChannelName, View
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

Channel = Annotated[ChannelName, Argument("the channel's name")]
ViewOf = Annotated[
    View,
    Argument(
        "a channel, or a view of one: lab, lab/label/dev, lab/as-of/r12, lab/cooldown/7d",
        metavar="VIEW",
    ),
]
Subdirs = Annotated[
    tuple[str, ...],
    Argument("look only into this subdir; may be given several times", "-s", metavar="SUBDIR"),
]
Limit = Annotated[int, Argument("show at most N; 0 for all", metavar="N")]


@operation("channel list", permission=Permission.CHANNEL_READ, where=Where.INSIDE)
def list_channels(
    store: Store, *, limit: PageSize = None, cursor: Cursor = None, actor: Actor
) -> Page[ChannelSummary]:
    """List the channels of this store by name: those that the actor may read."""
    from condarium.channels.asking import overview

    return overview.list_channels(store, actor=actor, limit=limit, cursor=cursor)


@operation("channel show", permission=Permission.CHANNEL_READ)
def show(store: Store, channel: Channel) -> ChannelDetail:
    """Show what a channel is and what it has.

    What is counted is in the channel now, under any label.
    """
    from condarium.channels.asking import overview

    return overview.show_channel(store, channel)


@operation("channel search", permission=Permission.CHANNEL_READ)
def search(
    store: Store,
    view: ViewOf,
    spec: Annotated[
        str,
        Argument(
            'a package, a name with "*" in it, or a MatchSpec in quotes: "numpy >=1.26"',
            metavar="SPEC",
        ),
    ],
    *,
    subdir: Subdirs = (),
    limit: Annotated[int | None, Argument("show at most N; 0 for all", metavar="N")] = None,
    progress: Progress,
) -> FoundInChannel:
    """Find packages in a channel by name and version, the newest first.

    For one package, lists its versions; for one version, its builds; for several packages, the
    newest version of each. What is yanked is not found.
    Raises NothingInView, which says what there is instead.
    """
    from condarium.channels.asking import searching

    return searching.search(store, view, spec, subdirs=subdir, limit=limit, progress=progress)


@operation("channel packages", permission=Permission.CHANNEL_READ)
def packages(
    store: Store,
    view: ViewOf,
    pattern: Annotated[
        str | None, Argument('a name, or a part of names with "*": "py*"', positional=True)
    ] = None,
    *,
    subdir: Subdirs = (),
    limit: Limit = 100,
    cursor: Cursor = None,
    progress: Progress,
) -> ViewPackages:
    """List the packages of a channel by name.

    Raises NothingInView where a pattern matches none of them.
    """
    from condarium.channels.asking import inventory

    return inventory.packages(
        store, view, pattern, subdirs=subdir, limit=limit, cursor=cursor, progress=progress
    )


@operation("channel files", permission=Permission.CHANNEL_READ)
def files(
    store: Store,
    view: ViewOf,
    spec: Annotated[
        str | None,
        Argument(
            'a package, a name with "*" in it, or a MatchSpec in quotes',
            positional=True,
            metavar="SPEC",
        ),
    ] = None,
    *,
    subdir: Subdirs = (),
    limit: Limit = 100,
    cursor: Cursor = None,
    progress: Progress,
) -> ViewFiles:
    """List the package files of a channel, with their hashes and labels.

    Files that are yanked or that a patch removes are listed too: indexes do not show them, but
    they can be downloaded. Raises NothingInView where nothing fits.
    """
    from condarium.channels.asking import inventory

    return inventory.files(
        store, view, spec, subdirs=subdir, limit=limit, cursor=cursor, progress=progress
    )


@operation("channel label list", permission=Permission.CHANNEL_READ)
def list_labels(store: Store, channel: Channel) -> Labels:
    """List the labels of a channel, with what carries them now."""
    from condarium.channels.asking import overview

    return overview.list_labels(store, channel)


@operation("channel patch list", permission=Permission.CHANNEL_READ)
def list_patches(
    store: Store,
    channel: Channel,
    *,
    all: Annotated[bool, Argument("also those that were undone", "-a")] = False,  # noqa: A002 - what people type
) -> Patches:
    """List the metadata patches of a channel in the order in which they apply."""
    from condarium.channels.asking import overview

    return overview.list_patches(store, channel, undone=all)


@operation("channel log", permission=Permission.CHANNEL_READ)
def log(
    store: Store,
    channel: Channel,
    revision: Annotated[
        str | None,
        Argument("show what this revision changed, such as r12", positional=True),
    ] = None,
    *,
    package: Annotated[
        str | None, Argument("show the history of this package", "-p", metavar="NAME")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ChannelLog:
    """Show the revisions of a channel: who changed what, when and why.

    For one revision, or for one package, tells each change; of a package also the patches that
    changed its records.
    """
    from condarium.channels.asking import history
    from condarium.errors import BadArguments

    if revision is not None and package is not None:
        raise BadArguments("give a revision or a package, not both")
    if cursor is not None and (revision is not None or package is not None):
        raise BadArguments("a cursor goes on in all revisions, not in those of a package")
    if revision is not None:
        return history.log_of_revision(store, channel, revision, limit=limit)
    if package is not None:
        return history.log_of_package(store, channel, package, limit=limit)
    return history.log(store, channel, limit=limit, cursor=cursor)


@operation("channel diff", permission=Permission.CHANNEL_READ)
def diff(
    store: Store,
    channel: Channel,
    before: Annotated[
        str,
        Argument(
            "what to compare: r12, an instant such as 2026-03-01T09:00:00Z, label/dev, or a view",
            metavar="A",
        ),
    ],
    after: Annotated[
        str | None,
        Argument("what to compare it with; by default the present", positional=True, metavar="B"),
    ] = None,
    *,
    actor: Actor,
    progress: Progress,
) -> ChannelDiff:
    """Show what changed in a channel between two revisions, instants or views.

    Tells packages and files that came or went, records that patches changed, and labels, yanks and
    patches that hold at one of them only.
    """
    from condarium.channels.asking import comparing

    old = comparing.find_view(store, channel, before, actor=actor)
    new = comparing.find_view(store, channel, after or str(channel), actor=actor)
    return comparing.compare(store, old, new, progress=progress)


@operation("channel verify", permission=Permission.CHANNEL_READ, job=True)
def verify(
    store: Store,
    channel: Channel,
    *,
    all_revisions: Annotated[
        bool, Argument("compare what is shown of every revision, not only of the present")
    ] = False,
    no_bytes: Annotated[
        bool, Argument("look whether blobs are there, but do not read them")
    ] = False,
    progress: Progress,
) -> ChannelVerified:
    """Compare all that is shown of a channel with its facts, and every blob with its hash.

    The log's chain of digests is computed anew from the facts; shards are folded anew; packages,
    patches and encodings must be there, and be what facts and shards say.
    """
    from condarium.channels import verifying

    return verifying.verify(
        store, channel, all_revisions=all_revisions, read=not no_bytes, progress=progress
    )
