"""A store, opened: facts, blobs, and the folder in which prefixes are."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from condarium.errors import NotFound, StoreUnusable
from condarium.settings import Settings
from condarium.storage.holding import Flock, StoreLock, share, take_alone, try_alone
from condarium.storage.layout import Layout
from condarium.storage.modes import close_to_others, make_folder

if TYPE_CHECKING:
    from sqlalchemy import URL

    from condarium.storage.blobs import Blobs
    from condarium.storage.database import Database


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Clock:
    """A clock that never goes back, as a machine's may: a past that was shown stays as it was."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._lock = now, Lock()
        self._latest = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        with self._lock:
            self._latest = max(self._latest, self._now())
            return self._latest


class NoSuchStore(NotFound):
    """There is no store at this place."""

    def __init__(self, path: object) -> None:
        self.path = path
        super().__init__(
            f"there is no store at {path}",
            hint="Check --store and CONDARIUM_STORE; `condarium env build` makes a store.",
        )


class Store:
    """Everything that condarium keeps.

    Nothing is opened, and neither database nor blob client imported, before it is used: SQLAlchemy
    alone takes longer to import than `--help` may take.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] = _utc_now) -> None:
        self.settings = settings
        self.layout = Layout(settings.store)
        self.now = _Clock(now)
        self.closing = ExitStack()
        """What is to be closed with the store."""

    @cached_property
    def database(self) -> "Database":
        from condarium.storage.database import open_database

        self._make_folder()
        return open_database(
            self.database_url,
            lock=self.layout.locks / "migrate",
            now=self.now,
            upgrade=self.settings.auto_upgrade,
        )

    @property
    def database_url(self) -> "str | URL":
        from condarium.storage.sqlite import sqlite_url

        return self.settings.database or sqlite_url(self.layout.database)

    @cached_property
    def blobs(self) -> "Blobs":
        from condarium.storage.blobs import Blobs

        if self.settings.blobs:
            return Blobs.at_url(self.settings.blobs)
        self._make_folder()
        return Blobs.in_folder(self.layout.blobs)

    @property
    def is_there(self) -> bool:
        """Whether anybody made it. One whose database is elsewhere may have no folder here yet."""
        layout = self.layout
        return bool(self.settings.database) or layout.locks.is_dir() or layout.database.exists()

    def keep_secrets(self) -> None:
        """Close the database to others who have accounts on this machine: there are secrets in it.

        One without them may be read by all who may read the store's folder.
        """
        if not self.settings.database:
            close_to_others(self.layout.database)

    def check_there(self) -> None:
        """Raise NoSuchStore where a folder was named that is none: to ask must not make one."""
        if self.settings.named and not self.is_there:
            raise NoSuchStore(self.layout.root)

    @contextmanager
    def shared(self, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Keep `gc` from running, to put blobs and name them, or to have packages stay.

        `waiting` is called if it runs now. Whoever may only read the store goes on without.
        """
        with share(self._locks, waiting=waiting):
            yield

    @contextmanager
    def alone(self, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Have the store while nobody shares it, on this machine or another with the same facts.

        `waiting` is called if somebody does. Raises StoreReadOnly.
        """
        with take_alone(self._locks, waiting=waiting):
            yield

    def try_alone(self) -> AbstractContextManager[object] | None:
        """Have the store alone until that is left; None where somebody shares it now."""
        return try_alone(self._locks)

    @property
    def _locks(self) -> list[StoreLock]:
        here = Flock(self.layout.store_lock)
        return [here, self.database.lock] if self.settings.database else [here]

    def close(self) -> None:
        self.closing.close()
        if "database" in vars(self):
            self.database.close()

    def _make_folder(self) -> None:
        try:
            make_folder(self.layout.locks)
        except OSError as error:
            raise StoreUnusable(self.layout.root, error.strerror or str(error)) from error
