"""Proxies of channels elsewhere: pulled through on demand, and there when upstream is not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made
from tests.support.elsewhere import as_shards, as_zst, change_records, elsewhere, remove
from tests.support.hosting import Clock, create, host, hosted_store
from tests.support.server import ChannelServer, Corrupt, Status

from condarium.channels.remote.pulling import ensure_bytes
from condarium.channels.remote.refreshing import EVERY, Refresher
from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.revising.draft import NotALocalChannel
from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.channels.views.packages import NoSuchPackageFile, find_package
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import ChannelKind, Filter, HostedFile, UnionMode
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

TOOL_1, TOOL_2 = "noarch/tool-1.0-0.conda", "noarch/tool-2.0-0.conda"
LIB = "linux-64/lib-1.0-0.conda"
PACKAGES = [
    Made("tool", "1.0", license="MIT", timestamp=1_000_000_000_000),
    Made("tool", "2.0", license="GPL-3.0-only", timestamp=1_772_000_000_000),
    Made("lib", "1.0", subdir="linux-64", license="MIT", timestamp=1_000_000_000_000),
]
INDEXES = "repodata*"
FORMS = {"shards": as_shards, "zst": as_zst, "json": lambda folder: None}


class Upstream:
    """A channel elsewhere that a test changes, and a proxy of it with a clock."""

    def __init__(self, store: Store, clock: Clock, folder: Path, server: ChannelServer) -> None:
        self.store, self.clock, self.folder, self.server = store, clock, folder, server
        self.refresher, self.catalogue = Refresher(store), Catalogue(store)

    def proxy(self, name: str = "far", **filtered: Any) -> None:
        create(
            self.store,
            name,
            kind=ChannelKind.PROXY,
            upstream=self.server.url,
            filter=Filter(**filtered),
        )

    def offer(self, packages: list[Made], form: str) -> None:
        """Have these packages more, and the indexes anew in one form."""
        elsewhere(self.folder, packages)
        FORMS[form](self.folder)

    def later(self, by: timedelta = EVERY) -> None:
        self.clock.advance(by)

    def open(self, view: str = "far") -> Listing:
        parsed = View.parse(view)
        self.refresher.behind(parsed.channel)
        return self.catalogue.open(parsed)

    def shown(self, view: str = "far") -> set[str]:
        listing = self.open(view)
        return {
            f"{subdir}/{file_name}"
            for subdir, names in listing.maps.items()
            for digest in names.values()
            for file_name in decode_shard(read_shard(self.store, listing, digest)).records
        }

    def download(self, path: str, view: str = "far") -> HostedFile:
        subdir, _, file_name = path.partition("/")
        listing = self.open(view)
        for _ in range(2):  # as the server does: found, fetched, found again
            with self.store.database.read() as facts:
                channel, file = find_package(self.store, facts, listing, subdir, file_name)
            ensure_bytes(self.store, channel, file)
        assert self.store.blobs.size(file.sha256) == file.size
        return file


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    clock, folder = Clock(), elsewhere(tmp_path / "elsewhere", PACKAGES)
    with ChannelServer(folder) as server, hosted_store(tmp_path, clock) as store:
        yield Upstream(store, clock, folder, server)


@pytest.mark.parametrize("form", FORMS)
def test_what_upstream_has(form: str, upstream: Upstream) -> None:
    FORMS[form](upstream.folder)
    upstream.proxy()
    assert upstream.shown() == {TOOL_1, TOOL_2, LIB}
    assert upstream.download(LIB).name == "lib"
    upstream.offer([Made("tool", "3.0")], form)
    assert len(upstream.shown()) == 3  # upstream is not asked again so soon
    upstream.later()
    assert len(upstream.shown()) == 4
    assert upstream.open().revision == "r2"
    assert upstream.shown("far/as-of/r1") == {TOOL_1, TOOL_2, LIB}


@pytest.mark.parametrize("form", FORMS)
def test_nothing_new_costs_one_small_request_for_each_subdir(form: str, upstream: Upstream) -> None:
    FORMS[form](upstream.folder)
    upstream.proxy()
    upstream.open()
    upstream.later()
    upstream.server.forget()
    assert upstream.open().revision == "r1"
    assert [request.status for request in upstream.server.requests] == [304, 304]


def test_shards_are_fetched_when_they_are_asked_for(upstream: Upstream) -> None:
    as_shards(upstream.folder)
    upstream.proxy()
    listing = upstream.open()
    assert upstream.server.count("*.msgpack.zst", status=200) == 2  # the indexes
    for _ in range(2):
        read_shard(upstream.store, listing, listing.names("noarch")["tool"])
    assert upstream.server.count("*/s/*.msgpack.zst") == 1


def test_a_shard_that_lies(upstream: Upstream) -> None:
    as_shards(upstream.folder)
    upstream.proxy()
    upstream.server.fault("*/s/*", Corrupt())
    with pytest.raises(UpstreamFailed, match="SHA-256"):
        upstream.shown()
    upstream.server.heal()
    assert len(upstream.shown()) == 3


@pytest.mark.parametrize("form", FORMS)
def test_upstream_is_down(form: str, upstream: Upstream) -> None:
    """What is known is shown, and the state says since when upstream fails."""
    FORMS[form](upstream.folder)
    upstream.proxy()
    before = upstream.shown()
    upstream.download(TOOL_1)
    upstream.later()
    upstream.server.fault("*", Status(500))
    since = upstream.clock.now
    assert upstream.shown() == before
    upstream.download(TOOL_1)
    upstream.later(timedelta(hours=1))
    (state,) = upstream.refresher.behind(ChannelName("far")).values()
    assert (state.up, state.failing_since) == (False, since)
    assert "500" in state.reason
    with pytest.raises(UpstreamFailed):
        upstream.download(LIB)
    upstream.server.heal()
    upstream.later()
    (state,) = upstream.refresher.behind(ChannelName("far")).values()
    assert state.up
    assert upstream.download(LIB)


def test_upstream_that_was_never_up(upstream: Upstream) -> None:
    upstream.proxy()
    upstream.server.fault("*", Status(500))
    with pytest.raises(UpstreamFailed):
        upstream.open()
    upstream.server.heal()
    assert len(upstream.shown()) == 3


@pytest.mark.parametrize("content", [b"<html>sign in", b""], ids=["a page", "nothing"])
def test_an_index_that_is_none(content: bytes, upstream: Upstream) -> None:
    as_shards(upstream.folder)
    upstream.proxy()
    before = upstream.shown()
    upstream.later()
    for path in upstream.folder.glob(f"*/{INDEXES}"):
        path.write_bytes(content)
    assert upstream.shown() == before
    assert not upstream.refresher.behind(ChannelName("far"))[ChannelName("far")].up


@pytest.mark.parametrize("form", FORMS)
def test_what_was_fetched_stays_when_upstream_deletes_it(form: str, upstream: Upstream) -> None:
    FORMS[form](upstream.folder)
    upstream.proxy()
    upstream.download(TOOL_1)
    upstream.download(LIB)
    remove(upstream.folder, TOOL_1, TOOL_2, LIB)
    upstream.offer([Made("tool", "3.0")], form)
    upstream.later()
    assert upstream.shown() == {TOOL_1, LIB, "noarch/tool-3.0-0.conda"}
    assert upstream.download(TOOL_1).name == "tool"
    with pytest.raises(NoSuchPackageFile):
        upstream.download(TOOL_2)
    upstream.offer([PACKAGES[2]], form)
    upstream.later()
    assert upstream.shown() == {TOOL_1, LIB, "noarch/tool-3.0-0.conda"}


FILTERS = [
    ({"specs": ("tool",)}, {TOOL_1, TOOL_2}),
    ({"specs": ("tool >=2",)}, {TOOL_2}),
    ({"specs": ("tool >=2", "lib")}, {TOOL_2, LIB}),
    ({"exclude": ("tool",)}, {LIB}),
    ({"exclude": ("tool <2",)}, {TOOL_2, LIB}),
    ({"exclude": ("t*",)}, {LIB}),
    ({"subdirs": ("noarch",)}, {TOOL_1, TOOL_2}),
    ({"licenses": ("mit",)}, {TOOL_1, LIB}),
    ({"specs": ("tool",), "licenses": ("MIT",)}, {TOOL_1}),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("filtered", "expected"), FILTERS, ids=[str(f) for f, _ in FILTERS])
def test_filters(
    filtered: dict[str, Any], expected: set[str], form: str, upstream: Upstream
) -> None:
    FORMS[form](upstream.folder)
    upstream.proxy(**filtered)
    assert upstream.shown() == expected
    for path in (TOOL_1, TOOL_2, LIB):
        if path in expected:
            upstream.download(path)
        else:
            with pytest.raises(NoSuchPackageFile):
                upstream.download(path)


@pytest.mark.parametrize("form", FORMS)
def test_cooldown(form: str, upstream: Upstream) -> None:
    """At first the builds' timestamps count; afterwards, when the proxy first saw a file."""
    FORMS[form](upstream.folder)
    upstream.proxy(cooldown=timedelta(days=7))
    new = "noarch/tool-3.0-0.conda"
    assert upstream.shown() == {TOOL_1, LIB}
    upstream.later(timedelta(days=2))
    upstream.offer([Made("tool", "3.0", timestamp=1_000_000_000_000)], form)
    assert new not in upstream.shown()
    upstream.later(timedelta(days=6))
    assert upstream.shown() == {TOOL_1, TOOL_2, LIB}
    with pytest.raises(NoSuchPackageFile):
        upstream.download(new)
    upstream.later(timedelta(days=2))
    assert upstream.shown() == {TOOL_1, TOOL_2, LIB, new}


def test_a_cooldown_view_and_upstreams_own_clock(upstream: Upstream) -> None:
    said = int((upstream.clock.now - timedelta(days=3)).timestamp() * 1000)
    change_records(upstream.folder, "noarch", tool={"indexed_timestamp": said})
    as_shards(upstream.folder)
    upstream.proxy()
    assert upstream.shown("far/cooldown/7d") == {LIB}
    assert upstream.shown("far/cooldown/2d") == {TOOL_1, TOOL_2, LIB}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("view", ["far", "far/cooldown/7d"])
def test_what_comes_later_is_young_whatever_upstream_says(
    form: str, view: str, upstream: Upstream
) -> None:
    change_records(upstream.folder, "noarch", tool={"timestamp": None})
    FORMS[form](upstream.folder)
    upstream.proxy(cooldown=timedelta(days=7) if view == "far" else None)
    assert upstream.shown(view) == {LIB}  # what has no timestamp counts as new
    for days, expected in ((1, {LIB}), (6, {TOOL_1, TOOL_2, LIB})):
        upstream.later(timedelta(days=days))
        fake = {"indexed_timestamp": 1_000_000_000_000, "timestamp": 1_000_000_000_000}
        elsewhere(upstream.folder, [Made("back", str(days)), Made("bare", str(days))])
        change_records(upstream.folder, "noarch", back=fake, bare={"timestamp": None})
        FORMS[form](upstream.folder)
        assert upstream.shown(view) == expected
    upstream.later(timedelta(days=1))
    assert {"noarch/back-1-0.conda", "noarch/bare-1-0.conda"} == upstream.shown(view) - {*expected}


def test_an_upstream_that_had_nothing_at_first(upstream: Upstream) -> None:
    upstream.proxy(specs=("back",))
    assert upstream.shown("far/cooldown/7d") == set()
    upstream.later()
    upstream.offer([Made("back", timestamp=1_000_000_000_000)], "json")
    assert upstream.shown("far/cooldown/7d") == set()
    assert upstream.open().revision == "r2"


def test_other_bytes_of_an_old_name_are_young(upstream: Upstream) -> None:
    upstream.proxy()
    assert LIB in upstream.shown("far/cooldown/7d")
    upstream.later(timedelta(days=8))
    change_records(upstream.folder, "linux-64", lib={"sha256": "0" * 64, "md5": None})
    assert upstream.shown("far/cooldown/7d") == {TOOL_1, TOOL_2}


@pytest.mark.parametrize("mode", UnionMode)
def test_a_union_with_a_proxy(mode: UnionMode, upstream: Upstream) -> None:
    as_shards(upstream.folder)
    upstream.proxy()
    host(upstream.store, "own", [Made("tool", "9.0")])
    members = (ChannelName("own"), ChannelName("far"))
    create(upstream.store, "all", kind=ChannelKind.UNION, members=members, mode=mode)
    tools = {TOOL_1, TOOL_2} if mode is UnionMode.MERGE else set()
    assert upstream.shown("all") == {"noarch/tool-9.0-0.conda", LIB, *tools}
    upstream.download(LIB, "all")


def test_no_proxy_is_changed_by_hand(upstream: Upstream) -> None:
    upstream.proxy()
    with pytest.raises(NotALocalChannel):
        host(upstream.store, "far", [Made("mine")])
