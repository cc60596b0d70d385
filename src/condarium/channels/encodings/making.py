"""Making a set of encodings: all files of one subdir of a view, or of the view, at once."""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from threading import Lock

import msgspec

from condarium.channels.encodings import files
from condarium.channels.encodings.channeldata import channeldata
from condarium.channels.encodings.joining import shards_of
from condarium.channels.encodings.output import Output, compress, output
from condarium.channels.encodings.repodata import write_repodata
from condarium.channels.views.listing import Listing
from condarium.model.hosting.encoded import EncodedSet
from condarium.storage.store import Store

_REMEMBERED = 400_000
"""Of how many names, in maps, the digests are remembered; those of subdirs that do not change stay
the same."""
_digests: OrderedDict[int, tuple[Mapping[str, bytes], bytes]] = OrderedDict()
_remembering = Lock()


def content_of(listing: Listing, subdir: str) -> str:
    """A digest of what a set of files joins: the shards of a subdir, or of all."""
    digest = sha256()
    for each in [subdir] if subdir else sorted(listing.subdirs):
        digest.update(f"{each}\0".encode() + _map_digest(listing.names(each)))
    return digest.hexdigest()


def make(store: Store, listing: Listing, subdir: str) -> set[str]:
    """Make a set of files and put it in the place of the one before; give what that replaces.

    Blobs come first, then one transaction names all of them: nobody sees files of two revisions.
    """
    opened = store.now()
    with store.shared(), ExitStack() as opened_files:
        outputs = {
            file_name: opened_files.enter_context(output(store))
            for file_name in files.files_of(subdir)
        }
        _write(store, listing, subdir, outputs)
        made = EncodedSet(
            content=content_of(listing, subdir),
            revision=listing.revision,
            files={
                file_name: written.keep(store, file_name, revision=listing.revision)
                for file_name, written in outputs.items()
            },
        )
        with store.database.note() as facts:
            return facts.encodings.keep(listing.channel, str(listing.view), subdir, made, at=opened)


def reuse(store: Store, listing: Listing, subdir: str) -> set[str] | None:
    """Take the files of another view that shows the same; None where there is none.

    So an instant costs nothing if another of the same revision was asked for before.
    """
    opened, content = store.now(), content_of(listing, subdir)
    with store.database.read() as facts:
        if facts.encodings.alike(listing.channel, subdir, content) is None:
            return None
    with store.database.note() as facts:
        found = facts.encodings.alike(listing.channel, subdir, content)
        if found is None:
            return None
        taken = of_revision(found, listing.revision)
        return facts.encodings.keep(listing.channel, str(listing.view), subdir, taken, at=opened)


def of_revision(kept: EncodedSet, revision: str) -> EncodedSet:
    """The same files, said to be of another revision, in which they are the same."""
    same = {name: replace(each, revision=revision) for name, each in kept.files.items()}
    return replace(kept, revision=revision, files=same)


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


def _map_digest(names: Mapping[str, bytes]) -> bytes:
    found = _digests.get(id(names))
    if found is not None and found[0] is names:
        return found[1]
    digest = sha256()
    for name in sorted(names):
        digest.update(f"{name}\0".encode() + names[name])
    _remember(names, digest.digest())
    return digest.digest()


def _remember(names: Mapping[str, bytes], digest: bytes) -> None:
    with _remembering:
        _digests[id(names)] = names, digest
        held = sum(1 + len(each) for each, _ in _digests.values())
        while held > _REMEMBERED and len(_digests) > 1:
            _, (dropped, _) = _digests.popitem(last=False)
            held -= 1 + len(dropped)
