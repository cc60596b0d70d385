"""The pages of a store: what is asked for is read, and rendered."""

from datetime import datetime

from condarium.channels.encodings.browsing import files_of, packages_of
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.errors import NotFound
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor, Permission
from condarium.model.governance.resources import Resource
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import View
from condarium.storage.facts import Facts
from condarium.storage.store import Store
from condarium.web.rendering import render_channel, render_root, render_subdir

_LOG = 12
"""How many revisions the page of a channel links to."""


class NoSuchPage(NotFound):
    """The view has no such subdir."""

    def __init__(self, view: View, subdir: str) -> None:
        self.view, self.subdir = view, subdir
        super().__init__(f"{view} has no subdir {subdir}")


def page(
    store: Store,
    catalogue: Catalogue,
    view: View | None = None,
    subdir: str | None = None,
    *,
    url: str = "",
    query: str = "",
    number: int = 1,
    actor: Actor = NOBODY_IN_PARTICULAR,
) -> tuple[bytes, str]:
    """Give a page as UTF-8, and the revision that it shows, which is empty for that of channels.

    `actor` may see the view. `url` is where people reach this server; `query` and `number` choose
    what a list shows. Pages link to each other by relative paths, so a token in the path stays
    there. `security_policy` goes with them. Raises NoSuchPage, and what opening a view raises.
    """
    if view is None:
        return _root(store, url, actor).encode(), ""
    listing = catalogue.open(view)
    if subdir is None:
        text = _channel(store, listing, url=url, query=query, number=number, actor=actor)
    else:
        text = _subdir(store, listing, subdir, query=query, number=number, actor=actor)
    return text.encode(), listing.revision


def _root(store: Store, url: str, actor: Actor) -> str:
    """The channels that somebody may read: of the others, nobody is told that they exist."""
    with store.database.read() as facts:
        channels = [channel for channel in facts.channels.all() if _may_read(actor, channel)]
        lines = [(channel, _changed(facts, channel)) for channel in channels]
        lends = any(_may_borrow(actor, resource) for resource in facts.resources.all())
    return render_root(lines, url=url, actor=actor, lends=lends)


def _may_borrow(actor: Actor, resource: Resource) -> bool:
    thing = Thing(kind=ThingKind.RESOURCE, name=resource.name, public=resource.settings.public)
    return actor.may(Permission.RESOURCE_READ, thing)


def _may_read(actor: Actor, channel: HostedChannel) -> bool:
    name, kind = channel.name.name, ThingKind.CHANNEL
    thing = Thing(kind=kind, name=name, public=channel.public)
    return channel.public or actor.may(Permission.CHANNEL_READ, thing)


def _channel(
    store: Store, listing: Listing, *, url: str, query: str, number: int, actor: Actor
) -> str:
    part, packages = packages_of(store, listing, query=query, number=number)
    channel = listing.channel
    with store.database.read() as facts:
        labels = facts.shards.labels(channel, at=listing.number or 0)
        log = list(facts.channels.log(channel, limit=_LOG))
    return render_channel(
        listing.view,
        channel,
        revision=listing.revision,
        labels=sorted(labels - {"main"}),
        log=log,
        subdirs=sorted(listing.subdirs),
        part=part,
        packages=packages,
        url=url,
        actor=actor,
    )


def _subdir(
    store: Store, listing: Listing, subdir: str, *, query: str, number: int, actor: Actor
) -> str:
    if subdir not in listing.subdirs:
        raise NoSuchPage(listing.view, subdir)
    part, names = files_of(store, listing, subdir, query=query, number=number)
    return render_subdir(
        listing.view,
        listing.channel,
        subdir,
        revision=listing.revision,
        part=part,
        names=names,
        actor=actor,
    )


def _changed(facts: Facts, channel: HostedChannel) -> datetime | None:
    last = facts.channels.last(channel)
    return last.at if last else None
