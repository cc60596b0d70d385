"""Bringing a whole store back: its facts and blobs, and its prefixes made again from them."""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.operating import StoreRestored
from condarium.model.progress import Progress
from condarium.operation import Argument, operation
from condarium.storage.store import Store


@operation(
    "restore", permission=Permission.STORE_MAINTAIN, changes=True, local=True, makes_store=True
)
def restore(
    store: Store,
    source: Annotated[
        str, Argument("a folder, or s3://BUCKET/PREFIX, that has backups", metavar="SRC")
    ],
    name: Annotated[
        str | None,
        Argument("which of them; by default the newest", positional=True, metavar="BACKUP"),
    ] = None,
    *,
    with_prefixes: Annotated[
        bool, Argument("make the prefixes of all active generations again")
    ] = False,
    actor: Actor,
    progress: Progress,
) -> StoreRestored:
    """Bring a store back from a backup, into an empty one.

    Where that is, settings say: it may be SQLite and a folder, or PostgreSQL and a bucket, whatever
    the backup was made of. Every hash is compared. A restore that was killed is begun again.
    Raises StoreNotEmpty, NoSuchBackup, BackupDamaged.
    """
    from dataclasses import replace

    from condarium.operating import bringing_back

    restored = bringing_back.bring_back(store, source, name, actor=actor, progress=progress)
    if not with_prefixes:
        return restored
    made, failed = _make_prefixes(store, actor=actor, progress=progress)
    waiting = tuple(each for each in restored.waiting if each not in made)
    return replace(restored, prefixes=len(made), waiting=waiting, failed=failed)


def _make_prefixes(
    store: Store, *, actor: Actor, progress: Progress
) -> tuple[set[str], dict[str, str]]:
    """Make the prefix of every active generation; give which were made, and why others were not.

    Those that were built for another platform than this have none here.
    """
    from condarium.environments import archiving
    from condarium.environments.activation import settle
    from condarium.errors import CondariumError, NotOnThisPlatform

    with store.database.read() as facts:
        environments = facts.environments.all()
    made, failed = set(), {}
    for environment in environments:
        if environment.active is None:
            continue
        try:
            archiving.restore(
                store, environment.name, environment.active, actor=actor, progress=progress
            )
        except NotOnThisPlatform:
            continue
        except CondariumError as error:
            failed[str(environment.name)] = error.message
            continue
        settle(store, environment)
        made.add(str(environment.name))
    return made, failed
