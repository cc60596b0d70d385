"""Encodings: whether the files that are kept join the shards of the revision that they claim."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from hashlib import sha256

import msgspec
import zstandard

from condarium.channels.encodings import files
from condarium.channels.encodings.channeldata import channeldata
from condarium.channels.encodings.joining import shards_of
from condarium.channels.encodings.making import content_of
from condarium.channels.encodings.output import Output, output
from condarium.channels.encodings.repodata import write_repodata
from condarium.channels.verifying.findings import Findings
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.errors import CondariumError
from condarium.model.hosting.encoded import EncodedSet
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.model.progress import Progress
from condarium.model.view import View
from condarium.storage.store import Store

_TWINS = {files.REPODATA: files.REPODATA_ZST, files.RUN_EXPORTS: files.RUN_EXPORTS_ZST}
_HINT = "It is a cache: publish anything, and it is made anew; or restore it from a backup."


def check_encodings(
    store: Store, channel: HostedChannel, findings: Findings, progress: Progress
) -> None:
    """Join the shards anew, and compare. The files of a cooldown that has moved on are skipped."""
    catalogue = Catalogue(store)
    with store.database.read() as facts:
        kept = [
            (view, subdir, found)
            for view, subdir in facts.inspection.encoded(channel)
            if (found := facts.encodings.get(channel, view, subdir))
        ]
    progress.phase("compare encodings", len(kept), "sets of files")
    for view, subdir, found in kept:
        _check_set(store, channel, catalogue, view, subdir, found, findings)
        progress.advance()


def _check_set(
    store: Store,
    channel: HostedChannel,
    catalogue: Catalogue,
    view: str,
    subdir: str,
    found: EncodedSet,
    findings: Findings,
) -> None:
    damaged = False
    for encoded in found.files.values():
        findings.counts["encodings"] += 1
        if wrong := findings.what_is_wrong(encoded.digest, encoded.size):
            if _replaced(store, channel, view, subdir, found):
                return
            damaged = True
            where = _where(view, subdir, encoded.file_name)
            expected = f"{encoded.size} bytes of SHA-256 {encoded.digest}"
            findings.problem("encoding", where, found=wrong, expected=expected, hint=_HINT)
    listing = None if damaged else _claimed(catalogue, View.parse(view), found)
    if listing is None:
        return
    expected = f"what {found.revision} shows"
    if content_of(listing, subdir) != found.content:
        if _is_exact(listing):
            where = f"{view}/{subdir}"
            other = "files of another revision"
            findings.problem("encoding", where, found=other, expected=expected, hint=_HINT)
        return
    with suppress(CondariumError):  # a shard cannot be read, which is told already
        for file_name in _differing(store, listing, subdir, found):
            where = _where(view, subdir, file_name)
            findings.problem(
                "encoding", where, found="other content", expected=expected, hint=_HINT
            )


def _replaced(
    store: Store, channel: HostedChannel, view: str, subdir: str, found: EncodedSet
) -> bool:
    """Whether a server has written other files meanwhile, and discarded these."""
    with store.database.read() as facts:
        return facts.encodings.get(channel, view, subdir) != found


def _claimed(catalogue: Catalogue, view: View, found: EncodedSet) -> Listing | None:
    """The view as it was at the revision that files claim, if that can be told."""
    if view.as_of is None and view.cooldown is None and "@" not in found.revision:
        view = replace(view, as_of=int(found.revision[1:]))
    try:
        return catalogue.open(view)
    except CondariumError:
        return None


def _is_exact(listing: Listing) -> bool:
    """Whether a view cannot have moved on since files were made of it."""
    local = listing.channel.kind is ChannelKind.LOCAL
    return local and listing.view.as_of is not None and listing.view.cooldown is None


def _differing(store: Store, listing: Listing, subdir: str, found: EncodedSet) -> Iterator[str]:
    with ExitStack() as opened:
        made = _made(store, listing, subdir, opened)
        for file_name, content in made.items():
            kept = found.files.get(file_name)
            if kept is None or not _same(store, kept.digest, content):
                yield file_name
            twin = found.files.get(_TWINS.get(file_name, ""))
            if kept and twin and _unpacked(store, twin.digest) != kept.digest:
                yield twin.file_name


def _made(store: Store, listing: Listing, subdir: str, opened: ExitStack) -> Mapping[str, Output]:
    if not subdir:
        made = {files.CHANNELDATA: opened.enter_context(output(store))}
        made[files.CHANNELDATA].write(msgspec.json.encode(channeldata(store, listing)))
        return made
    made = {name: opened.enter_context(output(store)) for name in _TWINS}
    shards = shards_of(store, listing, subdir)
    write_repodata(subdir, shards, made[files.REPODATA], made[files.RUN_EXPORTS])
    return made


def _unpacked(store: Store, digest: str) -> str | None:
    """The SHA-256 of what a .zst file holds, None where it cannot be read."""
    reader, found = zstandard.ZstdDecompressor().decompressobj(), sha256()
    try:
        for piece in store.blobs.pieces(digest):
            found.update(reader.decompress(piece))
    except zstandard.ZstdError:
        return None
    return found.hexdigest()


def _same(store: Store, digest: str, made: Output) -> bool:
    """Whether a file says what was made now, though perhaps in another order."""
    if made.digest == digest:
        return True
    made.file.flush()
    made.file.seek(0)
    same: bool = msgspec.json.decode(store.blobs.get(digest)) == msgspec.json.decode(
        made.file.read()
    )
    return same


def _where(view: str, subdir: str, file_name: str) -> str:
    return "/".join(part for part in (view, subdir, file_name) if part)
