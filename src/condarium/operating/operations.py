"""The operations on a store as a whole: its configuration, backups, schema and health."""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.operating import (
    BackedUp,
    BackupLine,
    BackupsPruned,
    BackupsVerified,
    ConfigurationChecked,
    Diagnosis,
    OptionValue,
    Template,
    Upgraded,
)
from condarium.model.progress import Progress
from condarium.operation import Argument, operation
from condarium.storage.store import Store

Place = Annotated[
    str, Argument("a folder, or s3://BUCKET/PREFIX, that has backups", metavar="DEST")
]
DryRun = Annotated[bool, Argument("say what would be done, and do nothing")]


@operation(
    "config template",
    permission=Permission.STORE_INSPECT,
    local=True,
    makes_store=True,
    saves="content",
)
def template() -> Template:
    """Print a configuration file with every option at its default."""
    from condarium.operating import configuration

    return Template(content=configuration.template())


@operation("config check", permission=Permission.STORE_INSPECT, local=True, makes_store=True)
def check(
    store: Store,
    file: Annotated[
        str | None,
        Argument("the file; by default the one that holds", positional=True, metavar="FILE"),
    ] = None,
) -> ConfigurationChecked:
    """Say all that is wrong in a configuration file, and in the environment.

    Raises BadConfiguration, with lines, and BadSetting.
    """
    from pathlib import Path

    from condarium.operating import configuration

    return configuration.check(Path(file).expanduser() if file else None, store.settings)


@operation("config show", permission=Permission.STORE_INSPECT, local=True, makes_store=True)
def show(store: Store) -> tuple[OptionValue, ...]:
    """Show what holds for every option, and where it was said; secrets are masked."""
    from condarium.operating import configuration

    return configuration.show(store.settings)


@operation("backup", permission=Permission.STORE_MAINTAIN, changes=True, job=True)
def backup(
    store: Store,
    dest: Annotated[
        str, Argument("a folder, or s3://BUCKET/PREFIX; it may have backups", metavar="DEST")
    ],
    *,
    actor: Actor,
    progress: Progress,
) -> BackedUp:
    """Back up a store while it is in use.

    Facts are of one instant; of blobs, only those are copied that no earlier backup there has.
    Whoever can read the backup can read all that is private in the store.
    """
    from condarium.operating import backing_up
    from condarium.storage.backing_up.backups import check_address

    check_address(dest, actor)
    return backing_up.back_up(store, dest, actor=actor, progress=progress)


@operation("backup list", permission=Permission.STORE_MAINTAIN, makes_store=True)
def list_(store: Store, dest: Place, *, actor: Actor) -> tuple[BackupLine, ...]:
    """List the backups in a place, the oldest first."""
    from condarium.storage.backing_up.backups import BackupPlace, check_address, line_of

    check_address(dest, actor)
    return tuple(line_of(*each) for each in BackupPlace.at(dest).manifests().items())


@operation("backup verify", permission=Permission.STORE_MAINTAIN, makes_store=True, job=True)
def verify(
    store: Store,
    dest: Place,
    *,
    all_bytes: Annotated[
        bool, Argument("read every blob and compare its hash, not only its size")
    ] = False,
    actor: Actor,
    progress: Progress,
) -> BackupsVerified:
    """Verify that every backup in a place can be restored."""
    from condarium.operating import verifying_backups
    from condarium.storage.backing_up.backups import check_address

    check_address(dest, actor)
    return verifying_backups.verify(dest, all_bytes=all_bytes, progress=progress)


@operation(
    "backup prune", permission=Permission.STORE_MAINTAIN, changes=True, job=True, makes_store=True
)
def prune(
    store: Store,
    dest: Place,
    *,
    keep_last: Annotated[
        int, Argument("how many of the newest backups stay", positional=False, metavar="N")
    ],
    dry_run: DryRun = False,
    actor: Actor,
    progress: Progress,
) -> BackupsPruned:
    """Remove old backups, and the blobs that only they need."""
    from condarium.operating import pruning
    from condarium.storage.backing_up.backups import check_address

    check_address(dest, actor)
    return pruning.prune(store, dest, keep_last=keep_last, dry_run=dry_run, progress=progress)


@operation("upgrade", permission=Permission.STORE_MAINTAIN, changes=True, local=True)
def upgrade(store: Store, *, dry_run: DryRun = False) -> Upgraded:
    """Bring the database's schema up to date with this condarium.

    It is one transaction: a database is never half migrated. Of an SQLite database a copy is left
    beside it. Stop servers and workers of the older release before.
    """
    from condarium.operating import upgrading

    return upgrading.upgrade(store, dry_run=dry_run)


@operation("doctor", permission=Permission.STORE_INSPECT)
def doctor(
    store: Store,
    *,
    all_bytes: Annotated[bool, Argument("compare the hash of every blob, not of some")] = False,
    progress: Progress,
) -> Diagnosis:
    """Look for what is wrong with a store and with what it stands on.

    Checks the database, blobs, file systems, clock, free space, locks, links, workers, upstreams,
    secrets, the audit chain and the settings; the exit status is 1 where there is a problem.
    """
    from condarium.operating import examining

    return examining.examine(store, all_bytes=all_bytes, progress=progress)
