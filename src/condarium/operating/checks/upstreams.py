"""Channels elsewhere that proxies stand for: do they answer?"""

from collections.abc import Iterator

from condarium.engine.network.condarc import read_condarc
from condarium.engine.network.remote_files import NoSuchRemoteFile, RemoteFiles
from condarium.errors import CondariumError
from condarium.model.channel_url import parse_channel_url
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.operating.checks.registry import Examination, Found, check, ok, problem

_ASKED = "noarch/repodata_shards.msgpack.zst", "noarch/repodata.json.zst", "noarch/repodata.json"


@check("upstreams")
def upstreams(examined: Examination) -> Iterator[Found]:
    with examined.store.database.read() as facts:
        proxies = [each for each in facts.channels.all() if each.kind is ChannelKind.PROXY]
    examined.progress.phase("upstreams", len(proxies), "channels")
    failed = 0
    for channel in proxies:
        if said := _trouble(examined, channel):
            failed += 1
            hint = "What was fetched is served meanwhile; check the network, and credentials."
            yield problem(f"{channel.name}: {said}", hint)
        examined.progress.advance()
    if proxies and not failed:
        yield ok(f"{len(proxies)} answer")
    if not proxies:
        yield ok("no channel is a proxy")


def _trouble(examined: Examination, channel: HostedChannel) -> str | None:
    """Why the channel's upstream cannot be asked; None where it answers."""
    settings, upstream = examined.store.settings, channel.upstream or ""
    try:
        condarc = read_condarc(settings.environ, settings.home)
        url = parse_channel_url(upstream)
        files = RemoteFiles(condarc, environ=settings.environ, home=settings.home, channels=[url])
    except CondariumError as error:
        return error.message
    try:
        for path in _ASKED:
            try:
                files.get(f"{upstream.rstrip('/')}/{path}")
            except NoSuchRemoteFile:
                continue
            return None
        return "it has no noarch index"
    except CondariumError as error:
        return error.message
    finally:
        files.close()
