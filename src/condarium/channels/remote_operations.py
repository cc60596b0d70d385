"""The operations between channels here and elsewhere; each says here what it takes and answers.

Work is imported where an operation runs, so that the command line can show its help without
importing a solver or a database.
"""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.hosting.imported import Imported
from condarium.model.progress import Progress
from condarium.model.view import MAIN, ChannelName
from condarium.operation import Argument, operation
from condarium.storage.store import Store

Channel = Annotated[ChannelName, Argument("the channel", metavar="CHANNEL")]
Reason = Annotated[str, Argument("why, for the log", "-m")]


@operation("channel import-index", permission=Permission.CHANNEL_PUBLISH, changes=True, job=True)
def import_index(
    store: Store,
    channel: Channel,
    source: Annotated[
        str, Argument("a channel (name, URL or folder), or an index file of one", metavar="SOURCE")
    ],
    *,
    subdir: Annotated[
        tuple[str, ...], Argument("take over only this subdir; several, given again")
    ] = (),
    fetch: Annotated[
        bool, Argument("fetch all packages now, not when somebody first asks for them")
    ] = False,
    label: Annotated[str, Argument("the label that the packages get", "-l")] = MAIN,
    reason: Reason = "",
    actor: Actor,
    progress: Progress,
) -> Imported:
    """Take over the records of a channel that is elsewhere, in one revision.

    Its index is repodata.json, its .zst, or shards. What is there already stays as it is. Records
    that no client could use are left out, with the reasons; so are those without a SHA-256, unless
    their bytes are fetched. Raises FileNameTaken, BadRepodata, ChannelUnreachable, UpstreamFailed.
    """
    from condarium.channels.remote import importing

    return importing.import_index(
        store,
        channel,
        source,
        subdirs=subdir,
        fetch=fetch,
        label=label,
        reason=reason,
        actor=actor,
        progress=progress,
    )
