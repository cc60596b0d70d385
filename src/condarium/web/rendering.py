"""Pages as text: data in, HTML out. Everything is escaped; a page needs nothing but itself."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from condarium.channels.encodings.browsing import FilesOfName, PackageLine, Part
from condarium.model.actor import Actor
from condarium.model.hosting.fact import Revision
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.instants import say_instant
from condarium.model.view import MAIN, View, say_as_of, say_cooldown
from condarium.model.visible import visible

_UNITS = ("B", "kB", "MB", "GB", "TB")


def render_root(
    channels: Sequence[tuple[HostedChannel, datetime | None]],
    *,
    url: str,
    actor: Actor | None = None,
    lends: bool = False,
) -> str:
    """The page of all channels, each with when it changed last, as `actor` sees it.

    `lends` is whether there are machines to borrow.
    """
    return render("root.html", channels=channels, url=url, up="", actor=actor, lends=lends)


def render_channel(
    view: View,
    channel: HostedChannel,
    *,
    revision: str,
    labels: Sequence[str],
    log: Sequence[Revision],
    subdirs: Sequence[str],
    part: Part,
    packages: Sequence[PackageLine],
    url: str,
    actor: Actor | None = None,
) -> str:
    """The page of a view. `url` is that of the server, without a slash at its end."""
    return render(
        "channel.html",
        **_about(view, channel, revision),
        labels=labels,
        log=log,
        subdirs=subdirs,
        part=part,
        packages=packages,
        url=f"{url}/{view}",
        up=_up(view),
        actor=actor,
    )


def render_subdir(
    view: View,
    channel: HostedChannel,
    subdir: str,
    *,
    revision: str,
    part: Part,
    names: Sequence[FilesOfName],
    actor: Actor | None = None,
) -> str:
    """The page of the files of one subdir of a view."""
    return render(
        "subdir.html",
        **_about(view, channel, revision),
        subdir=subdir,
        part=part,
        names=names,
        up=f"../{_up(view)}",
        actor=actor,
    )


@cache
def security_policy() -> str:
    """The Content-Security-Policy that goes with every page: its own style and script, no more."""
    style, script = (_hash(_asset(name)) for name in ("style.css", "filter.js"))
    return (
        f"default-src 'none'; style-src '{style}'; script-src '{script}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def web_url(value: object) -> str:
    """What a package says is a link, if it is one to the web; else nothing."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if not isinstance(value, str):
        return ""
    try:
        parsed = urlsplit(value.strip())
    except ValueError:
        return ""
    return value.strip() if parsed.scheme in ("http", "https") and parsed.netloc else ""


def _about(view: View, channel: HostedChannel, revision: str) -> dict[str, Any]:
    return {"view": view, "channel": channel, "revision": revision, "words": _words(view)}


def _words(view: View) -> list[str]:
    """What makes the view another one than the channel as it is."""
    words = [f"label {view.label}"] if view.label != MAIN else []
    words += [f"as of {say_as_of(view.as_of)}"] if view.as_of is not None else []
    words += [f"after {say_cooldown(view.cooldown)} of cooldown"] if view.cooldown else []
    return words


def _up(view: View) -> str:
    """From the page of a view to that of all channels."""
    return "../" * (str(view).count("/") + 1)


def render(template: str, /, **values: Any) -> str:
    """A page from a template, with the page's `up`: the way from it to that of all channels."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("condarium.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bytes": say_bytes,
        "day": lambda instant: instant.astimezone(UTC).strftime("%Y-%m-%d"),
        "instant": say_instant,
        "path": lambda text: quote(str(text), safe="/:"),
        "web_url": web_url,
    }
    environment.globals |= {"style": _asset("style.css"), "script": _asset("filter.js")}
    return environment


def _shown(value: Any) -> Any:
    """What a page says of others' texts; what is HTML by itself is ours."""
    return visible(value, lines=True) if type(value) is str else value


def say_bytes(size: int | None) -> str:
    """A size for people; nothing where it is not known."""
    if size is None:
        return ""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"


def _asset(name: str) -> str:
    return (files("condarium.web") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
