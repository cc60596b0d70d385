"""Encodings as they are asked for."""

from concurrent.futures import Future
from datetime import timedelta
from threading import Event, Lock

from condarium.channels.encodings.apart import make_apart
from condarium.channels.encodings.discarding import Discarding
from condarium.channels.encodings.files import files_of
from condarium.channels.encodings.interest import Interest
from condarium.channels.encodings.making import content_of, make, of_revision, reuse
from condarium.channels.encodings.rewriting import Rewriting
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.errors import NotFound
from condarium.model.hosting.encoded import Encoded, EncodedSet
from condarium.model.view import View
from condarium.storage.store import Store

_SMALL = 300
"""How many package names are joined at once rather than in a process of their own, which takes
half a second to start."""
_REMEMBERED = 4096

_Shown = tuple[int, str, timedelta | None, bool, str, str]
"""The channel, label, cooldown and state of a view, whether it is of the present, and a subdir."""


class NoSuchEncoding(NotFound):
    """The view has no such file."""

    def __init__(self, view: View, subdir: str, file_name: str) -> None:
        self.view, self.subdir, self.file_name = view, subdir, file_name
        place = f"{subdir}/{file_name}" if subdir else file_name
        super().__init__(
            f"{view} has no {place}",
            hint=f"There are {', '.join(files_of(subdir))}, in the subdirs of the view.",
        )


class NotMade(Exception):
    """The files are not made yet, and whoever asked does not want to wait for it."""

    def __init__(self, view: View, subdir: str, file_name: str) -> None:
        self.view, self.subdir, self.file_name = view, subdir, file_name
        super().__init__(f"{view} {subdir}")


class Encodings:
    """The encodings of all views of a store; may be asked by several threads at once."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._catalogue = store, catalogue
        self._lock = Lock()
        self._version: int | None = None
        self._known: dict[_Shown, EncodedSet] = {}
        self._making: dict[tuple[View, str], Future[None]] = {}
        self._stopping = Event()
        self._discarding = Discarding(store)
        self._interest = Interest()
        self._rewriting: Rewriting | None = None

    def get(self, view: View, subdir: str, file_name: str, *, making: bool = True) -> Encoded:
        """Give a file of a view, made now if there is none.

        While `start` is in force, a view of the present may be given as it was a little while ago:
        the file's revision says so, and all files of a subdir are of one revision.

        Raises NoSuchEncoding, EncodingFailed, NotMade unless `making`, and what opening the view
        raises.
        """
        listing = self._catalogue.open(view)
        if file_name not in files_of(subdir) or (subdir and subdir not in listing.subdirs):
            raise NoSuchEncoding(view, subdir, file_name)
        found = self._set(listing, subdir, making=making)
        if found is None:
            raise NotMade(view, subdir, file_name)
        if listing.view.as_of is None:
            self._interest.note((listing.view, subdir))
        return found.files[file_name]

    @property
    def lag(self) -> float:
        """For how many seconds files have been out of date that are being rewritten."""
        return self._rewriting.lag if self._rewriting else 0.0

    def start(self) -> None:
        """Rewrite in the background, as views change, until `stop`."""
        self._stopping.clear()
        self._rewriting = Rewriting(
            self._store,
            self._catalogue,
            self._interest,
            make=self._make,
            discarding=self._discarding,
        )
        self._rewriting.start()

    def stop(self) -> None:
        """End that; a rewriting under way is given up."""
        self._stopping.set()
        if self._rewriting is not None:
            self._rewriting.stop()
            self._rewriting = None

    def _set(self, listing: Listing, subdir: str, *, making: bool) -> EncodedSet | None:
        """What there is of a view, as long as the store says that nothing has happened."""
        version, shown = self._store.database.version(), _shown(listing, subdir)
        with self._lock:
            if version is None or version != self._version or len(self._known) > _REMEMBERED:
                self._known.clear()
                self._version = version
            known = self._known.get(shown)
        if known is None:
            known = self._fitting(listing, subdir, making=making)
            with self._lock:
                if known is not None and version == self._version:
                    self._known[shown] = known
        return known

    def _fitting(self, listing: Listing, subdir: str, *, making: bool) -> EncodedSet | None:
        """What is kept of a view, if it is right or may be late; else make it first."""
        content = content_of(listing, subdir)
        kept_up = self._rewriting is not None and (listing.view, subdir) in self._interest
        is_late = kept_up and listing.view.as_of is None
        while True:
            with self._store.database.read() as facts:
                kept = facts.encodings.get(listing.channel, str(listing.view), subdir)
            if kept is not None and kept.content == content:
                return of_revision(kept, listing.revision)
            if kept is not None and is_late:
                return kept
            if not making:
                return None
            if kept is None and self._rewriting is not None and listing.view.as_of is None:
                self._make_others(listing, subdir)
            self._make(listing.view, subdir)
            # what was made may be later than the listing, of a view that is not of the past
            is_late = is_late or not listing.past

    def _make_others(self, listing: Listing, subdir: str) -> None:
        """Bring a view's other subdirs up first: a new one may need what is new in them."""
        with self._store.database.read() as facts:
            late = [
                other
                for other in listing.subdirs - {subdir}
                if (kept := facts.encodings.get(listing.channel, str(listing.view), other))
                and kept.content != content_of(listing, other)
            ]
        for other in late:
            self._make(listing.view, other)

    def _make(self, view: View, subdir: str) -> None:
        """Make a set, or wait for whoever in this process makes it already."""
        key = view, subdir
        with self._lock:
            theirs = self._making.get(key)
            if theirs is None:
                mine = self._making[key] = Future[None]()
        if theirs is not None:
            theirs.result()
            return
        try:
            self._write(view, subdir)
            mine.set_result(None)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._making[key]

    def _write(self, view: View, subdir: str) -> None:
        """Make a set, in a process of its own where it is large and this one serves."""
        listing = self._catalogue.open(view)
        replaced = reuse(self._store, listing, subdir)
        if replaced is None:
            names = [listing.names(subdir)] if subdir else listing.maps.values()
            apart = self._rewriting is not None and sum(map(len, names)) > _SMALL
            replaced = (
                make_apart(self._store, view, subdir, stopping=self._stopping)
                if apart
                else make(self._store, listing, subdir)
            )
        if self._rewriting is not None:
            self._discarding.later(replaced)


def _shown(listing: Listing, subdir: str) -> _Shown:
    """What decides which files a view has; only those of the present may be late."""
    view = listing.view
    present = view.as_of is None
    return listing.channel.id, view.label, view.cooldown, present, listing.state, subdir
