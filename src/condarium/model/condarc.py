"""What a `.condarc` says: the settings of conda that condarium honours, as one value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from condarium.model.secret import redact_url

if TYPE_CHECKING:  # to read texts needs yaml; to use what was read does not
    from condarium.model.condarc_text import Item, Layer, Setting

ANACONDA_MAIN = "https://repo.anaconda.com/pkgs/main"
ANACONDA_R = "https://repo.anaconda.com/pkgs/r"

ChannelPriority = Literal["strict", "flexible", "disabled"]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Condarc:
    """conda's settings, merged from every file and variable; the texts are as they were written.

    `channels` is empty where nobody named any: condarium has no channel of its own accord.
    `channel_priority` is strict where nobody says otherwise (conda's own default is flexible).
    `ssl_verify` is True, False, "truststore" (what the operating system trusts) or the path of a
    file or folder of certificates. Timeouts are in seconds. The repr has no credentials.
    """

    channels: tuple[str, ...] = ()
    default_channels: tuple[str, ...] = (ANACONDA_MAIN, ANACONDA_R)
    channel_alias: str = "https://conda.anaconda.org"
    custom_channels: Pairs = ()
    custom_multichannels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    channel_priority: ChannelPriority = "strict"
    allowlist_channels: tuple[str, ...] = ()
    denylist_channels: tuple[str, ...] = ()
    pinned_packages: tuple[str, ...] = ()
    ssl_verify: bool | str = True
    proxy_servers: Pairs = ()
    offline: bool = False
    remote_connect_timeout_secs: float = 9.15
    remote_read_timeout_secs: float = 60.0
    remote_max_retries: int = 3
    sources: tuple[str, ...] = ()
    """What was read, weakest first: for `--verbose` and for errors."""

    @property
    def strict(self) -> bool:
        """Whether a channel hides the packages of the same name in those after it.

        `flexible` counts as strict: rattler knows strict and disabled, and to mix channels freely
        is not what somebody asked for who said flexible.
        """
        return self.channel_priority != "disabled"

    def __repr__(self) -> str:
        said = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
        return redact_url(f"Condarc({said})")


def merge(layers: Sequence["Layer"]) -> Condarc:
    """Put layers together as conda does; the strongest is the last.

    The last one wins for single values; lists are joined, the stronger in front, each item once;
    maps are joined key by key. `#!final` ends it: no later layer changes that setting.
    """
    said: dict[str, list[Setting]] = {}
    for layer in layers:
        for setting in layer.settings:
            said.setdefault(setting.key, []).append(setting)
    merged = {key: _merge_one(_until_final(settings)) for key, settings in said.items()}
    return Condarc(sources=tuple(layer.name for layer in layers), **merged)


def _until_final(settings: list["Setting"]) -> list["Setting"]:
    for index, setting in enumerate(settings):
        if setting.final:
            return settings[: index + 1]
    return settings


def _merge_one(settings: list["Setting"]) -> Any:
    kind = settings[-1].kind
    if kind == "list":
        return _join([setting.value for setting in settings])
    if kind in ("map", "map of lists"):
        return _overlay([setting.value for setting in settings])
    return settings[-1].value


def _join(lists: Sequence[Sequence["Item"]]) -> tuple[str, ...]:
    every = [item for items in reversed(lists) for item in items]
    return _once(
        [
            *(item.text for item in every if item.flag == "top"),
            *(item.text for item in every if item.flag not in ("top", "bottom")),
            *(item.text for item in every if item.flag == "bottom"),
        ]
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _overlay(maps: Sequence[Sequence[tuple[str, Any, bool]]]) -> tuple[tuple[str, Any], ...]:
    merged: dict[str, Any] = {}
    fixed: set[str] = set()
    for entries in maps:
        merged |= {name: value for name, value, _ in entries if name not in fixed}
        fixed |= {name for name, _, final in entries if final}
    return tuple(merged.items())
