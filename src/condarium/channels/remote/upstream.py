"""Channels elsewhere: how this store reads them, and how it says that it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

from condarium.engine.network.condarc import read_condarc
from condarium.engine.network.errors import (
    ChannelUnauthorized,
    ChannelUnreachable,
    NoSuchChannel,
)
from condarium.engine.network.remote_files import (
    NoSuchRemoteFile,
    RemoteFiles,
    RemoteTimedOut,
    RemoteTooLarge,
)
from condarium.errors import CondariumError, Failed
from condarium.model.channels import BadChannel, ChannelUrl, parse_channel_url, resolve_channel
from condarium.storage.store import Store

_readers: WeakKeyDictionary[Store, dict[str, RemoteFiles]] = WeakKeyDictionary()
_lock = Lock()


class UpstreamFailed(Failed):
    """A channel elsewhere did not give what was asked of it."""

    def __init__(self, what: str, reason: str, *, hint: str | None = None) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what}: {reason}", hint=hint)


class UpstreamTimedOut(UpstreamFailed):
    """A channel elsewhere took too long to answer."""


class UpstreamLacks(UpstreamFailed):
    """A channel elsewhere no longer has what its index named."""


def remote_files(store: Store, upstream: str = "") -> RemoteFiles:
    """What reads files elsewhere with the store's settings; connections are kept with the store.

    `upstream` is a channel's URL whose credentials are to be used, if it has any.
    """
    with _lock:
        if store not in _readers:
            store.closing.callback(_forget, store)
        readers = _readers.setdefault(store, {})
        if upstream not in readers:
            environ, home = store.settings.environ, store.settings.home
            readers[upstream] = RemoteFiles(
                read_condarc(environ, home),
                environ=environ,
                home=home,
                channels=[parse_channel_url(upstream)] if upstream else (),
            )
        return readers[upstream]


def _forget(store: Store) -> None:
    for files in _readers.pop(store, {}).values():
        files.close()


def find_channel(store: Store, name: str) -> ChannelUrl:
    """Find what a name, a URL or a path stands for. Raises BadChannel, ChannelDenied."""
    environ, home = store.settings.environ, store.settings.home
    condarc = read_condarc(environ, home)
    found = resolve_channel(name, condarc, relative_to=Path.cwd(), home=home)
    if len(found) != 1:
        hint = "Name the one that is meant."
        raise BadChannel(name, f"it stands for {len(found)} channels", hint=hint)
    return found[0]


@contextmanager
def upstream_failures(what: str) -> Iterator[None]:
    """Say of what a channel elsewhere fails at that it is needed for `what`."""
    try:
        yield
    except NoSuchRemoteFile as error:
        hint = "Upstream has deleted it, or never had it."
        raise UpstreamLacks(what, error.message, hint=hint) from error
    except RemoteTimedOut as error:
        raise UpstreamTimedOut(what, error.message, hint=error.hint) from error
    except (ChannelUnreachable, ChannelUnauthorized, NoSuchChannel, RemoteTooLarge) as error:
        raise _failed(what, error) from error


def _failed(what: str, error: CondariumError) -> UpstreamFailed:
    return UpstreamFailed(what, error.message, hint=error.hint)
