"""The content plane: what clients of channels download.

What was answered before and cannot have changed since is answered on the event loop, in
microseconds: the database is asked whether anything was committed. All else is made by threads.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from condarium.access.decision import decide
from condarium.channels.encodings.encodings import Encodings
from condarium.channels.selecting import NoSuchLabel
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.errors import NotFound
from condarium.model.actor import Actor, Permission
from condarium.model.hosted import ChannelKind, HostedChannel, UnionMode
from condarium.model.view import MAIN, ChannelName, View
from condarium.server.addresses import Address, FileAddress, FrontPage, parse_address
from condarium.server.cache import Cache
from condarium.server.downloads import BytesAbsent, Downloads, channels_of
from condarium.server.pages import Asked, moved, render_page
from condarium.server.responses import ElsewhereBody, Headers, Response
from condarium.server.source_downloads import PREFIX as SOURCES
from condarium.server.source_downloads import source_response
from condarium.settings import ServerSettings
from condarium.storage.channels import NoSuchChannel
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.channels.remote.refreshing import Refresher

_READY = 64 << 20
"""How many bytes of responses are kept in memory."""
_THREADS = 8
_WAITING = 16
"""How many requests wait for channels elsewhere at once."""

Who = Callable[[], Actor]


class _BehindUpstream(Exception):
    """The channel is another one's proxy, or has such members: answering may take long."""


class NoChannelHere(NotFound):
    """There is no channel of this name that the request may see.

    It is said alike of channels that are not there and of private ones.
    """

    def __init__(self, channel: ChannelName) -> None:
        self.channel = channel
        super().__init__(
            f"there is no channel {channel} here that everybody may read",
            hint="If it is private, send a token: /t/TOKEN in front of the path, HTTP Basic, or "
            "`Authorization: Bearer TOKEN`.",
        )


class Content:
    """Answers what is asked of channels."""

    def __init__(self, store: Store, settings: ServerSettings) -> None:
        self._store, self._settings = store, settings
        self._catalogue = Catalogue(store)
        self._encodings = Encodings(store, self._catalogue)
        self._downloads = Downloads(store, self._catalogue, self._encodings, settings)
        self._ready: Cache[tuple[int, bool, Response]] = Cache(_READY)
        self._pool = ThreadPoolExecutor(_THREADS, "content")
        self._waiting = ThreadPoolExecutor(_WAITING, "upstream")

    def start(self) -> None:
        self._encodings.start()

    def stop(self) -> None:
        self._encodings.stop()
        for pool in (self._pool, self._waiting):
            pool.shutdown(wait=False, cancel_futures=True)
        self._downloads.close()

    async def respond(self, path: str, who: Who, asked: Callable[[], Asked]) -> Response:
        """Answer for a path without its token; `who` is asked where not everybody may read.

        `asked` is what the request says beside the path, which matters to pages. Raises NotFound,
        NotSignedIn, and what the store raises.
        """
        if ready := self._at_hand(path, who):
            return ready
        loop = asyncio.get_running_loop()
        if path.startswith(SOURCES):
            return await loop.run_in_executor(self._pool, self._source, path, who, asked())
        make = partial(self._make, path, parse_address(path), who, asked)
        try:
            return await loop.run_in_executor(self._pool, make)
        except (BytesAbsent, _BehindUpstream):
            return await loop.run_in_executor(self._waiting, partial(make, patient=True))

    def _at_hand(self, path: str, who: Who) -> Response | None:
        """What was answered before, if nothing was committed since."""
        known = self._ready.get(path)
        if known is None or known[0] != self._store.database.version():
            return None
        _, public, response = known
        return response if public or _may_read(who()) else None

    def _source(self, path: str, who: Who, asked: Asked) -> Response:
        what = path.removeprefix(SOURCES)
        return source_response(self._store, what, asked.query, lambda: _may_read(who()))

    def _make(
        self,
        path: str,
        address: Address,
        who: Who,
        asked: Callable[[], Asked],
        *,
        patient: bool = False,
    ) -> Response:
        """Make a response; it may wait for channels elsewhere only where it is patient."""
        version = self._store.database.version()
        if isinstance(address, FrontPage):
            return self._page(address, None, asked())
        channel = self._readable(address.view, who)
        upstream = self._refresh(channel, address.view, patient=patient)
        listing = replace(self._catalogue.open(address.view), channel=channel)
        if not listing.maps and address.view.label != MAIN:
            self._check_label(listing)
        if isinstance(address, FileAddress) and not address.file_name:
            if not path.endswith("/"):
                return moved(path)
            page = self._page(address, listing, asked())
            return page.plus(*upstream)
        try:
            response = self._downloads.get(listing, address)
        except BytesAbsent as absent:
            if not patient:
                raise
            _fetch(self._store, absent)
            response = self._downloads.get(listing, address)
        if version is not None and _keeps(listing) and not isinstance(response.body, ElsewhereBody):
            size = 1024 + (response.size if isinstance(response.body, bytes) else 0)
            self._ready.keep(path, (version, channel.public, response), size=size)
        return response.plus(*upstream)

    def _page(
        self, address: FrontPage | FileAddress, listing: Listing | None, asked: Asked
    ) -> Response:
        if self._settings.public_url:
            asked = replace(asked, origin=self._settings.public_url)
        return render_page(self._store, self._catalogue, address, listing, asked)

    def _check_label(self, listing: Listing) -> None:
        """Raises NoSuchLabel where nothing ever had it: it may be a slip."""
        label, channels = listing.view.label, channels_of(listing)
        with self._store.database.read() as facts:
            if not any(facts.shards.ever_had(channel, label) for channel in channels):
                there = [
                    label
                    for channel in channels
                    for label in facts.shards.labels(channel, at=channel.head)
                ]
                raise NoSuchLabel(listing.view.channel, label, sorted(set(there)))

    def _readable(self, view: View, who: Who) -> HostedChannel:
        """The channel, if it may be read; of others nothing is told, not even that they exist."""
        try:
            with self._store.database.read() as facts:
                channel = facts.channels.get(view.channel)
        except NoSuchChannel as error:
            if _may_read(who()):
                raise
            raise NoChannelHere(view.channel) from error
        if not channel.public and not _may_read(who()):
            raise NoChannelHere(view.channel)
        return channel

    def _refresh(self, channel: HostedChannel, view: View, *, patient: bool) -> Headers:
        """Bring what is behind a channel up to date, and say which upstreams are failing."""
        if channel.kind is ChannelKind.LOCAL or view.as_of is not None:
            return ()
        if not patient:
            raise _BehindUpstream
        states = self._refresher.behind(view.channel)
        failing = [(name, state.failing_since) for name, state in states.items()]
        said = ", ".join(f"{name} fails since {since:%FT%TZ}" for name, since in failing if since)
        return ((b"x-condarium-upstream", said.encode()),) if said else ()

    @cached_property
    def _refresher(self) -> "Refresher":
        from condarium.channels.remote.refreshing import Refresher

        return Refresher(self._store)


def _fetch(store: Store, absent: BytesAbsent) -> None:
    from condarium.channels.remote.pulling import ensure_bytes

    ensure_bytes(store, absent.channel, absent.file)


def _may_read(actor: Actor) -> bool:
    return decide(actor, Permission.CHANNEL_READ).allowed


def _keeps(listing: Listing) -> bool:
    """Whether the view stays as it is until something is committed.

    A cooldown ends by the clock, a channel elsewhere changes there, and what was merged for a
    union is not kept for ever.
    """
    if listing.parts:
        first = listing.channel.mode is UnionMode.FIRST
        return first and all(_keeps(part) for part in listing.parts)
    local = listing.channel.kind is ChannelKind.LOCAL
    return listing.past or (local and listing.view.cooldown is None)
