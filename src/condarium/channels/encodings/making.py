"""Making a set of encodings: all files of one subdir of a view, or of the view, at once."""

from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256

import msgspec

from condarium.channels.encodings import files
from condarium.channels.encodings.channeldata import channeldata
from condarium.channels.encodings.joining import shards_of
from condarium.channels.encodings.output import Output, compress, output
from condarium.channels.encodings.repodata import write_repodata
from condarium.channels.views.listing import Listing
from condarium.model.encoded import EncodedSet
from condarium.storage.locks import locked
from condarium.storage.store import Store


def content_of(names: Mapping[str, bytes]) -> str:
    """A digest of a map of names to shards."""
    digest = sha256()
    for name in sorted(names):
        digest.update(f"{name}\0".encode() + names[name])
    return digest.hexdigest()


def make(store: Store, listing: Listing, subdir: str, *, content: str) -> set[str]:
    """Make a set of files and put it in the place of the one before; give what that replaces.

    Blobs come first, then one transaction names all of them: nobody sees files of two revisions.
    """
    opened = store.now()
    with locked(store.layout.store_lock, shared=True), ExitStack() as opened_files:
        outputs = {
            file_name: opened_files.enter_context(output(store))
            for file_name in files.files_of(subdir)
        }
        _write(store, listing, subdir, outputs)
        made = EncodedSet(
            content=content,
            revision=listing.revision,
            files={
                file_name: written.keep(store, file_name, revision=listing.revision)
                for file_name, written in outputs.items()
            },
        )
        with store.database.note() as facts:
            return facts.encodings.keep(listing.channel, str(listing.view), subdir, made, at=opened)


def _write(store: Store, listing: Listing, subdir: str, outputs: Mapping[str, Output]) -> None:
    if not subdir:
        outputs[files.CHANNELDATA].write(msgspec.json.encode(channeldata(store, listing)))
        outputs[files.NOTICES].write(msgspec.json.encode(notices()))
        return
    repodata, run_exports = outputs[files.REPODATA], outputs[files.RUN_EXPORTS]
    write_repodata(subdir, shards_of(store, listing, subdir), repodata, run_exports)
    compress(repodata, outputs[files.REPODATA_ZST])
    compress(run_exports, outputs[files.RUN_EXPORTS_ZST])


def notices() -> dict[str, object]:
    """What clients are to tell their users (CEP 6): nothing yet."""
    return {"notices": []}
