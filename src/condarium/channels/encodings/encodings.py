"""Encodings as they are asked for."""

from dataclasses import replace

from condarium.channels.encodings.files import files_of
from condarium.channels.encodings.making import content_of, make
from condarium.channels.views.catalogue import Catalogue
from condarium.errors import NotFound
from condarium.model.encoded import Encoded
from condarium.model.view import View
from condarium.storage.store import Store


class NoSuchEncoding(NotFound):
    """The view has no such file."""

    def __init__(self, view: View, subdir: str, file_name: str) -> None:
        self.view, self.subdir, self.file_name = view, subdir, file_name
        place = f"{subdir}/{file_name}" if subdir else file_name
        super().__init__(
            f"{view} has no {place}",
            hint=f"There are {', '.join(files_of(subdir))}, in the subdirs of the view.",
        )


class Encodings:
    """The encodings of all views of a store; may be asked by several threads at once."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store, self._catalogue = store, catalogue

    def get(self, view: View, subdir: str, file_name: str) -> Encoded:
        """Give a file of a view. Raises NoSuchEncoding, and what opening the view raises."""
        listing = self._catalogue.open(view)
        if file_name not in files_of(subdir) or (subdir and subdir not in listing.subdirs):
            raise NoSuchEncoding(view, subdir, file_name)
        content = content_of(listing.names(subdir))
        with self._store.database.read() as facts:
            kept = facts.encodings.get(listing.channel, str(listing.view), subdir)
        if kept is None or kept.content != content:
            make(self._store, listing, subdir, content=content)
            with self._store.database.read() as facts:
                kept = facts.encodings.get(listing.channel, str(listing.view), subdir)
            assert kept is not None
        return replace(kept.files[file_name], revision=listing.revision)

    def start(self) -> None:
        """Rewrite what is asked for in the background, as views change."""

    def stop(self) -> None:
        """End that."""
