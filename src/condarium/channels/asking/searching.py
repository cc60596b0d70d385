"""Searching a view of a channel."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from condarium.channels.changing.selecting import open_view
from condarium.channels.remote.first_asking import ask_first
from condarium.channels.views.contents import age, names_in, read_packages
from condarium.channels.views.listing import Listing
from condarium.engine.solving.record_specs import RecordSpec
from condarium.engine.solving.repository import search_problem
from condarium.errors import BadArguments, BadInput, NotFound
from condarium.model.answers import FoundPackage, grouped, grouping
from condarium.model.hosting.answers import FoundInChannel
from condarium.model.hosting.hosted import Record
from condarium.model.progress import Progress, Quiet
from condarium.model.similar import nearest
from condarium.model.view import View
from condarium.storage.store import Store


class BadSearch(BadInput):
    """The text does not say which packages are meant."""

    def __init__(self, found: str, problem: str) -> None:
        self.found = found
        super().__init__(
            f"found {found!r}; expected a package, such as numpy, or a MatchSpec", hint=problem
        )


class NothingInView(NotFound):
    """No package in the view fits what was asked for. `there` says what there is instead."""

    def __init__(self, view: View, spec: str, *, there: str = "") -> None:
        self.view, self.spec, self.there = str(view), spec, there
        hint = there or f"`condarium channel packages {view}` shows what there is."
        super().__init__(f"nothing in {view} fits {spec!r}", hint=hint)


def search(
    store: Store,
    view: View,
    spec: str,
    *,
    subdirs: Collection[str] = (),
    limit: int | None = None,
    progress: Progress,
) -> FoundInChannel:
    """Raises NothingInView, BadSearch, BadSubdir, NoSuchChannel, NoSuchLabel,
    UpstreamFailed."""
    check_limit(limit)
    wanted = read_spec(view, spec)
    ask_first(store, view)
    listing = open_view(store, view)
    names = [name for name in names_in(listing, subdirs) if wanted.is_for(name)]
    found: list[FoundPackage] = []
    for package in read_packages(store, listing, names, subdirs=subdirs, progress=progress):
        fitting = [file for file in package.files if wanted.fits(file[2], file[0])]
        fitting.sort(key=lambda file: age(file[2]), reverse=True)
        found += [_found(listing, *file) for file in fitting]
    if not found:
        refuse(store, listing, wanted, spec, subdirs)
    packages = tuple(found)
    groups = grouped(packages, grouping(packages))
    shown = groups[: limit or None]
    return FoundInChannel(
        view=view,
        revision=listing.revision,
        spec=spec,
        packages=tuple(package for group in shown for package in group),
        limit=limit,
        omitted=len(groups) - len(shown),
    )


def check_limit(limit: int | None) -> None:
    """Raises BadArguments. 0 stands for no limit."""
    if limit is not None and limit < 0:
        raise BadArguments(f"--limit: found {limit}; expected 1 or more, or 0 for all")


def read_spec(view: View, text: str) -> RecordSpec:
    """Read a MatchSpec, or a name with `*` in it. Raises BadSearch."""
    channel, _, rest = text.rpartition("::")
    if channel and channel != view.channel.name:
        raise BadSearch(text, f"The channel is {view.channel}: leave '{channel}::' out.")
    if problem := search_problem(rest):
        raise BadSearch(text, problem)
    return RecordSpec(rest)


def refuse(
    store: Store, listing: Listing, wanted: RecordSpec, spec: str, subdirs: Collection[str]
) -> NoReturn:
    """Say what there is instead. Raises NothingInView."""
    names = [name for name in names_in(listing) if wanted.is_for(name)]
    there = _versions(store, listing, names[0]) if len(names) == 1 else ""
    if not names:
        there = _elsewhere(store, listing, wanted.name) or _alike(listing, wanted.name)
    elif not there and len(names) > 1:
        where = f" in {' and '.join(subdirs)}" if subdirs else ""
        there = f"Of {len(names):,} packages of such a name, none fits{where}."
    raise NothingInView(listing.view, spec, there=there)


def _versions(store: Store, listing: Listing, name: str) -> str:
    """The versions of a package that its view has, the newest first, and where."""
    (package,) = read_packages(store, listing, [name], progress=Quiet())
    files = sorted(package.files, key=lambda file: age(file[2]), reverse=True)
    if not files:
        return (
            f"All files of {name} are yanked, or patched away: `condarium channel files "
            f"{listing.view} {name}` shows them. {_elsewhere(store, listing, name)}".rstrip()
        )
    versions = list(dict.fromkeys(str(record["version"]) for _, _, record in files))
    more = f" and {len(versions) - 5} older ones" if len(versions) > 5 else ""
    subdirs = ", ".join(sorted({subdir for subdir, _, _ in files}))
    return f"There is {name} {', '.join(versions[:5])}{more}, in {subdirs}."


def _elsewhere(store: Store, listing: Listing, name: str) -> str:
    """Other views of the channel that have a package of this name now: its labels."""
    with store.database.read() as facts:
        labels = {
            key.label
            for subdir in facts.holdings.subdirs(listing.channel)
            for key in facts.shards.of_names(listing.channel, subdir, [name])
        }
    views = [View(channel=listing.view.channel, label=label) for label in sorted(labels)]
    others = ", ".join(str(view) for view in views if view != listing.view)
    return f"There is a package {name} in {others}." if others else ""


def _alike(listing: Listing, name: str) -> str:
    near = nearest(name.strip("*"), names_in(listing))
    return f"Did you mean {' or '.join(near)}?" if near else ""


def _found(listing: Listing, subdir: str, file_name: str, record: Record) -> FoundPackage:
    return FoundPackage(
        name=record["name"],
        version=str(record["version"]),
        build=record.get("build", ""),
        subdir=subdir,
        channel=listing.view.channel.name,
        url=f"{listing.view}/{subdir}/{file_name}",
        size=record.get("size"),
        sha256=record.get("sha256"),
        license=record.get("license"),
        timestamp=_instant(record.get("timestamp")),
        depends=_texts(record.get("depends")),
        constrains=_texts(record.get("constrains")),
    )


def _instant(timestamp: int | None) -> datetime | None:
    """Records give seconds or milliseconds since 1970."""
    if not timestamp:
        return None
    seconds = timestamp / 1000 if timestamp > 253_402_300_799 else timestamp
    return datetime.fromtimestamp(seconds, tz=UTC)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, Sequence) else ()
