"""From the path of a URL to what it asks for.

A path is read from the right, because labels may have slashes:

    /lab/label/dev/linux-64/repodata.json      a file of a subdir of a view
    /lab/channeldata.json                      a file of a view
    /lab/shards/9f…e1.msgpack.zst              a shard of a channel
    /lab/label/dev/  /lab/linux-64/  /         a page
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from condarium.errors import BadInput, NotFound
from condarium.model.subdirs import is_subdir
from condarium.model.view import ChannelName, View

_LONGEST = 1024
"""In characters: a channel, a label (CEP 26), an instant, a cooldown and a file fit with ease."""
_SHARD = re.compile(r"([0-9a-f]{64})\.msgpack\.zst")
_FILES = ("channeldata.json", "notices.json")


class NoSuchAddress(NotFound):
    """There is nothing at this address."""

    def __init__(self, reason: str = "", *, hint: str | None = None) -> None:
        super().__init__(
            f"there is nothing at this address{': ' if reason else ''}{reason}",
            hint=hint
            or "An address is /CHANNEL/SUBDIR/FILE, and after the channel there may be any of "
            "/label/LABEL, /as-of/r12, /as-of/2026-03-01T09:00:00Z and /cooldown/7d.",
        )


@dataclass(frozen=True)
class FileAddress:
    """A file of a view, or of a subdir of it; without a name it is a page."""

    view: View
    subdir: str
    file_name: str


@dataclass(frozen=True)
class ShardAddress:
    """A shard of a channel, of which `view` is the head."""

    view: View
    digest: bytes


@dataclass(frozen=True)
class FrontPage:
    """The page of all channels."""


Address = FileAddress | ShardAddress | FrontPage


@lru_cache(maxsize=4096)
def parse_address(path: str) -> Address:
    """Read a path that begins with a slash and is not encoded. Raises NoSuchAddress."""
    if path == "/":
        return FrontPage()
    if len(path) > _LONGEST or not path.isprintable():
        raise NoSuchAddress
    *places, file_name = path[1:].split("/")
    if "" in places:
        raise NoSuchAddress
    try:
        return _address(places, file_name)
    except BadInput as error:
        raise NoSuchAddress(error.message) from error


def _address(places: list[str], file_name: str) -> Address:
    if places[1:] == ["shards"]:
        return ShardAddress(View(channel=ChannelName.parse(places[0])), _shard(file_name))
    if places and is_subdir(places[-1]):
        return FileAddress(View.parse("/".join(places[:-1])), places[-1], file_name)
    if file_name in _FILES:
        return FileAddress(View.parse("/".join(places)), "", file_name)
    if is_subdir(file_name):  # pages have a slash behind them, which may be forgotten
        return FileAddress(View.parse("/".join(places)), file_name, "")
    if _SHARD.fullmatch(file_name):
        raise NoSuchAddress("shards are at /CHANNEL/shards/")
    return FileAddress(View.parse("/".join([*places, file_name])), "", "")


def _shard(file_name: str) -> bytes:
    found = _SHARD.fullmatch(file_name)
    if not found:
        raise NoSuchAddress
    return bytes.fromhex(found[1])
