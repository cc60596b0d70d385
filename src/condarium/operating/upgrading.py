"""Bringing a store's database to the schema of this condarium."""

from condarium.model.operating import Upgraded
from condarium.storage.answers import HEAD
from condarium.storage.locks import locked
from condarium.storage.store import Store


def upgrade(store: Store, *, dry_run: bool) -> Upgraded:
    """Migrate, alone on this machine and, where others share the database, everywhere.

    Raises StoreTooNew, SchemaBroken.
    """
    from condarium.storage import upgrading

    url = store.database_url
    before = upgrading.revision_at(url)
    if dry_run or before == HEAD:
        return Upgraded(before=before, after=HEAD, dry_run=dry_run)
    with locked(store.layout.locks / "migrate"):
        copy = upgrading.copy_sqlite(url) if before else None
        migrated = upgrading.migrate(url)
    return Upgraded(before=migrated.before, after=migrated.after, dry_run=False, copy=copy)
