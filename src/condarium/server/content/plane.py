"""The content plane: what clients of channels download.

What was answered before and cannot have changed since is answered on the event loop, in
microseconds: the database is asked whether anything was committed. All else is made by threads.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from condarium.access.refusals import note_refusal
from condarium.channels.changing.selecting import NoSuchLabel
from condarium.channels.encodings.encodings import Encodings, NotMade
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.errors import NotFound
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.model.view import MAIN, ChannelName, View
from condarium.server.content.addresses import (
    Address,
    FileAddress,
    FrontPage,
    ShardAddress,
    parse_address,
)
from condarium.server.content.cache import Cache
from condarium.server.content.downloads import BytesAbsent, Downloads, channels_of, makes_shards
from condarium.server.content.pages import Asked, moved, render_page
from condarium.server.content.source_downloads import PREFIX as SOURCES
from condarium.server.content.source_downloads import source_response
from condarium.server.content.spool import SpooledBody
from condarium.server.content.workers import Busy, Workers
from condarium.server.doors.credentials import Caller
from condarium.server.responses import ElsewhereBody, Headers, Response
from condarium.settings import ServerSettings
from condarium.storage.facts import Facts
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.channels.remote.refreshing import Refresher

_READY = 64 << 20
"""How many bytes of responses are kept, in memory and as files made for them."""
_TRIES = 8
"""How often a response is begun; once would do, if nobody published meanwhile."""
_LABELS = 20
"""How many labels an error names."""

_log = logging.getLogger(__name__)


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
        self._ready: Cache[tuple[int, tuple[Thing, ...], Response]] = Cache(_READY)
        self._ready_for: int | None = None
        self._workers = Workers()

    @property
    def lag(self) -> float:
        """For how many seconds large index files have been out of date."""
        return self._encodings.lag

    def start(self) -> None:
        self._encodings.start()

    def stop(self) -> None:
        self._encodings.stop()
        self._workers.stop()
        self._downloads.close()

    async def respond(self, path: str, who: Caller, asked: Callable[[], Asked]) -> Response:
        """Answer for a path without its token; `who` is asked where not everybody may read.

        `asked` is what the request says beside the path, which matters to pages. Raises NotFound,
        NotSignedIn, Busy, and what the store raises.
        """
        if ready := self._at_hand(path, who):
            return ready
        if path.startswith(SOURCES):
            return await self._workers.run(partial(self._source, path, who, asked()))
        return await self._respond(partial(self._make, path, parse_address(path), who, asked))

    async def _respond(self, make: Callable[..., Response]) -> Response:
        """Have a response made by those who may wait for as long as it takes."""
        patient = False
        for _ in range(_TRIES):
            try:
                return await self._workers.run(partial(make, patient=patient), patient=patient)
            except (BytesAbsent, _BehindUpstream):
                if patient:
                    raise
                patient = True
            except NotMade as absent:
                wanted = absent.view, absent.subdir
                await self._workers.encode(wanted, partial(self._encode, absent))
        raise Busy

    def _at_hand(self, path: str, who: Caller) -> Response | None:
        """What was answered before, if nothing was committed since."""
        known = self._ready.get(path)
        if known is None or known[0] != self._store.database.version():
            return None
        _, private, response = known
        if not private:
            return response
        actor = who.known()
        return response if actor and _may_read(actor, private) else None

    def _source(self, path: str, who: Caller, asked: Asked) -> Response:
        what = path.removeprefix(SOURCES)
        return source_response(self._store, what, asked.query, lambda: _may_read_all(who()))

    def _encode(self, absent: NotMade) -> None:
        self._encodings.get(absent.view, absent.subdir, absent.file_name)

    def _make(
        self,
        path: str,
        address: Address,
        who: Caller,
        asked: Callable[[], Asked],
        *,
        patient: bool,
    ) -> Response:
        """Make a response; it may wait for channels elsewhere only where it is patient."""
        version = self._store.database.version()
        if isinstance(address, FrontPage):
            return self._page(address, None, asked(), who())
        channel = self._readable(address.view, who)
        upstream = self._refresh(channel, address.view, patient=patient)
        self._check_label(channel, address.view)
        listing = replace(self._catalogue.open(address.view), channel=channel)
        if isinstance(address, FileAddress) and not address.file_name:
            if not path.endswith("/"):
                return moved(path)
            return self._page(address, listing, asked(), who()).plus(*upstream)
        response = self._download(listing, address, patient=patient)
        self._keep_ready(path, version, listing, response)
        return response.plus(*upstream)

    def _download(
        self, listing: Listing, address: FileAddress | ShardAddress, *, patient: bool
    ) -> Response:
        """What is at an address; a package that is not here yet is fetched by the patient."""
        try:
            return self._downloads.get(listing, address)
        except BytesAbsent as absent:
            if not patient:
                raise
            _fetch(self._store, absent)
        return self._downloads.get(listing, address)

    def _keep_ready(
        self, path: str, version: int | None, listing: Listing, response: Response
    ) -> None:
        """Keep a response that is right until something is committed, and drop those before."""
        if version is None or not _keeps(listing) or isinstance(response.body, ElsewhereBody):
            return
        if version != self._ready_for:
            self._ready.clear()
            self._ready_for = version
        held = response.size if isinstance(response.body, bytes | SpooledBody) else 0
        private = _private(channels_of(listing))
        self._ready.keep(path, (version, private, response), size=1024 + held)

    def _page(
        self,
        address: FrontPage | FileAddress,
        listing: Listing | None,
        asked: Asked,
        actor: Actor,
    ) -> Response:
        if self._settings.public_url:
            asked = replace(asked, origin=self._settings.public_url)
        return render_page(self._store, self._catalogue, address, listing, asked, actor)

    def _check_label(self, channel: HostedChannel, view: View) -> None:
        """Raises NoSuchLabel where nothing ever had it: it may be a slip, or anything at all."""
        if view.label == MAIN:
            return
        with self._store.database.read() as facts:
            channels = _with_members(facts, channel)
            if any(facts.shards.ever_had(each, view.label) for each in channels):
                return
            there = {
                label for each in channels for label in facts.shards.some_labels(each, _LABELS)
            }
        raise NoSuchLabel(view.channel, view.label, sorted(there)[:_LABELS])

    def _readable(self, view: View, who: Caller) -> HostedChannel:
        """The channel, if it may be read; of others nothing is told, not even that they exist."""
        try:
            with self._store.database.read() as facts:
                channel = facts.channels.get(view.channel)
                private = _private(_with_members(facts, channel))
        except NoSuchChannel as error:
            if _may_read_all(who()):
                raise
            raise self._refused(view.channel, who()) from error
        if private and not _may_read(who(), private):
            raise self._refused(view.channel, who())
        return channel

    def _refused(self, channel: ChannelName, actor: Actor) -> NoChannelHere:
        """Note it alike for what is private and what is not there: it takes as long."""
        thing = Thing(kind=ThingKind.CHANNEL, name=channel.name)
        reasons = actor.decide(Permission.CHANNEL_READ, thing).reasons
        note_refusal(self._store, actor, "channel download", thing, reasons, often=True)
        return NoChannelHere(channel)

    def _refresh(self, channel: HostedChannel, view: View, *, patient: bool) -> Headers:
        """Bring what is behind a channel up to date, and say which upstreams are failing."""
        if channel.kind is ChannelKind.LOCAL:
            return ()
        if not patient:
            raise _BehindUpstream
        if view.as_of is not None:
            return ()
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


def _private(channels: Iterable[HostedChannel]) -> tuple[Thing, ...]:
    """Those of some channels that not everybody may read."""
    return tuple(
        Thing(kind=ThingKind.CHANNEL, name=channel.name.name)
        for channel in channels
        if not channel.public
    )


def _may_read(actor: Actor, private: Iterable[Thing]) -> bool:
    return all(actor.may(Permission.CHANNEL_READ, channel) for channel in private)


def _may_read_all(actor: Actor) -> bool:
    """Whether nothing is hidden from somebody."""
    return actor.may(Permission.CHANNEL_READ, PLATFORM)


def _with_members(facts: Facts, channel: HostedChannel) -> list[HostedChannel]:
    """The channel, and a union's members and theirs."""
    members = [facts.channels.get(name) for name in channel.members]
    return [channel, *(each for member in members for each in _with_members(facts, member))]


def _keeps(listing: Listing) -> bool:
    """Whether the view stays as it is until something is committed, opened or not.

    A channel elsewhere changes there, a cooldown ends by the clock, and what is made for a view is
    noted anew each day that it is opened, or else not kept.
    """
    if makes_shards(listing):
        return False
    if listing.parts:
        return all(_keeps(part) for part in listing.parts)
    return listing.past or listing.channel.kind is ChannelKind.LOCAL
