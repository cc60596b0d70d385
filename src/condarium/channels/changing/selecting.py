"""Which package files of a channel a person means, by MatchSpec or by file name."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cmp_to_key
from itertools import islice

import msgspec

from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.engine.solving.record_spec import BadPackageSpec, RecordSpec
from condarium.errors import BadArguments, NotFound
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.patches.file_names import is_package, package_name
from condarium.model.subdirs import is_subdir
from condarium.model.version_order import compare_versions
from condarium.model.view import MAIN, ChannelName, View
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_records = msgspec.json.Decoder(dict)
_Names = Iterable[tuple[str, str]]
_Fits = Callable[[str, str, bytes], bool]
"""Whether a file is meant: by its subdir, its name and its record."""
_NAMED = 5
"""How many files an error names."""
_AT_ONCE = 400
"""How many package names are looked at together."""


class NothingFits(NotFound):
    """The channel has no package file that fits."""

    def __init__(
        self, channel: ChannelName, spec: str, *, label: str | None, there: str, hint: str | None
    ) -> None:
        self.channel, self.spec, self.label, self.there = channel, spec, label, there
        where = f"channel {channel}" if label is None else f"label {label} of channel {channel}"
        super().__init__(f"{where} has nothing that fits {spec!r}: {there}", hint=hint)


class NoSuchLabel(NotFound):
    """Nothing in the channel has this label."""

    def __init__(self, channel: ChannelName, label: str, there: Sequence[str]) -> None:
        self.channel, self.label, self.there = channel, label, tuple(there)
        known = f"its labels are {', '.join(there)}" if there else "it has no label"
        super().__init__(
            f"nothing in channel {channel} has the label {label}: {known}",
            hint=f"`condarium channel label list {channel}` shows what has which label.",
        )


@dataclass(frozen=True, kw_only=True)
class Held:
    """A package file that is in a channel now: the facts that it is, and what else is said of it.

    `yank` is None for a file that is not yanked.
    """

    file: Fact
    labels: dict[str, Fact] = field(default_factory=dict)
    yank: Fact | None = None

    @property
    def path(self) -> str:
        return f"{self.file.subdir}/{self.file.file_name}"

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that holds of it."""
        return (self.file, *self.labels.values(), *((self.yank,) if self.yank else ()))

    def labelled(self, label: str) -> Fact:
        """The fact that it has a label, whether it holds or not."""
        return replace(self.file, kind=FactKind.LABEL, value=label)

    def yanked(self) -> Fact:
        """The fact that it is yanked, whether it holds or not."""
        return replace(self.file, kind=FactKind.YANK, value="")


def select(
    facts: Facts, channel: HostedChannel, specs: Sequence[str], *, label: str | None = None
) -> tuple[Held, ...]:
    """Find the files that fit any of several specs, on request only those that carry a label.

    A spec is a MatchSpec (`numpy=1.26`, `py*`, `[subdir=noarch]`), or a file's name, with its
    subdir before it or without. Each must fit something. Raises BadPackageSpec, NothingFits.
    """
    if not specs:
        raise BadArguments(
            "there is no package to look for",
            hint="Name packages by MatchSpecs such as 'numpy ==1.26.4', or by their files' names.",
        )
    found: dict[str, Held] = {}
    for text in specs:
        fitting = {held.path: held for held in _fitting(facts, channel, text, label)}
        if not fitting:
            raise _nothing_fits(facts, channel, text, label)
        found |= fitting
    return tuple(found[path] for path in sorted(found))


def with_label(facts: Facts, channel: HostedChannel, label: str) -> tuple[Held, ...]:
    """Find all files that carry a label. Raises NoSuchLabel."""
    shown = facts.shards.at(channel, label, at=channel.head)
    names = [(subdir, name) for subdir, names in shown.items() for name in names]
    found = [held for held in held_files(facts, channel, names) if label in held.labels]
    if not found:
        there = sorted(facts.shards.labels(channel, at=channel.head))
        raise NoSuchLabel(channel.name, label, there)
    return tuple(sorted(found, key=lambda held: held.path))


def open_view(store: Store, view: View) -> Listing:
    """Open a view that a person names: a label that nothing ever had may be a slip.

    Raises NoSuchLabel, and what opening a view raises.
    """
    listing = Catalogue(store).open(view)
    if view.label == MAIN or any(listing.maps.values()):
        return listing
    channels = [leaf.channel for leaf in _leaves(listing)]
    with store.database.read() as facts:
        if not any(facts.shards.ever_had(channel, view.label) for channel in channels):
            shown = [facts.shards.labels(channel, at=channel.head) for channel in channels]
            raise NoSuchLabel(view.channel, view.label, sorted(set().union(*shown)))
    return listing


def _leaves(listing: Listing) -> Sequence[Listing]:
    """The listing itself, or those of a union's members."""
    return [leaf for part in listing.parts for leaf in _leaves(part)] or [listing]


def _fitting(facts: Facts, channel: HostedChannel, text: str, label: str | None) -> Iterator[Held]:
    names, fits = _read(facts, channel, text)
    for part in _parts(names):
        fitting = {
            (subdir, file_name)
            for subdir, _, file_name, record in facts.holdings.records_of(channel, part)
            if fits(subdir, file_name, record)
        }
        for held in held_files(facts, channel, part) if fitting else ():
            place = held.file.subdir, held.file.file_name
            if place in fitting and (label is None or label in held.labels):
                yield held


def held_files(facts: Facts, channel: HostedChannel, names: _Names) -> Iterator[Held]:
    """The files of some package names that are in the channel now."""
    about: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts.holdings.about(channel, names, at=channel.head):
        about[fact.subdir, fact.file_name].append(fact)
    for several in about.values():
        files = [fact for fact in several if fact.kind is FactKind.FILE]
        yanks = [fact for fact in several if fact.kind is FactKind.YANK]
        labels = {fact.value: fact for fact in several if fact.kind is FactKind.LABEL}
        if files:
            yield Held(file=files[0], labels=labels, yank=yanks[0] if yanks else None)


def _read(facts: Facts, channel: HostedChannel, text: str) -> tuple[_Names, _Fits]:
    """Where to look for what a spec means, and whether a file there is meant."""
    subdirs = sorted(facts.holdings.subdirs(channel))
    folder, _, file_name = text.strip().rpartition("/")
    if is_package(file_name):
        if folder and not is_subdir(folder):
            raise BadPackageSpec(text, f"Write SUBDIR/{file_name}, or only {file_name}.")
        name = package_name(file_name)
        places = [(subdir, name) for subdir in subdirs if folder in ("", subdir)]
        return places, lambda _subdir, found, _record: found == file_name
    spec = RecordSpec.parse(text)
    places = [
        (subdir, name)
        for subdir in subdirs
        if spec.subdir in (None, subdir)
        for name in ([spec.name] if spec.name else sorted(facts.holdings.names(channel, subdir)))
    ]
    return places, lambda subdir, found, record: spec.fits(subdir, found, _records.decode(record))


def _parts(names: _Names) -> Iterator[list[tuple[str, str]]]:
    rest = iter(names)
    while part := list(islice(rest, _AT_ONCE)):
        yield part


def _nothing_fits(
    facts: Facts, channel: HostedChannel, text: str, label: str | None
) -> NothingFits:
    file_name = text.strip().rpartition("/")[2]
    name = package_name(file_name) if is_package(file_name) else RecordSpec.parse(text).name
    subdirs = ", ".join(sorted(facts.holdings.subdirs(channel)))
    there = f"it has packages in {subdirs or 'no subdir'}"
    hint = f"`condarium channel packages {channel.name}` shows what it has."
    if name is not None:
        there, close = _what_there_is(facts, channel, name)
        hint = f"Did you mean {close}?" if close else hint
        if gone := _removed(facts, channel, name, file_name if is_package(file_name) else None):
            there = f"{there}; {gone}"
            hint = f"`condarium channel log {channel.name} --package {name}` tells its history."
    return NothingFits(channel.name, text, label=label, there=there, hint=hint)


def _what_there_is(facts: Facts, channel: HostedChannel, name: str) -> tuple[str, str | None]:
    """What the channel has of a package, or which other name is close to its."""
    subdirs = sorted(facts.holdings.subdirs(channel))
    held = [
        file.file for file in held_files(facts, channel, [(subdir, name) for subdir in subdirs])
    ]
    if not held:
        names = {each for subdir in subdirs for each in facts.holdings.names(channel, subdir)}
        close = get_close_matches(name, names - {name}, n=1, cutoff=0.75)
        return f"it has no package {name}", close[0] if close else None
    newest = sorted(held, key=cmp_to_key(_newer))
    files = [f"{fact.subdir}/{fact.file_name}" for fact in newest[:_NAMED]]
    more = f" and {len(newest) - _NAMED} more" if len(newest) > _NAMED else ""
    return f"of {name} it has {', '.join(files)}{more}", None


def _removed(facts: Facts, channel: HostedChannel, name: str, file_name: str | None) -> str:
    """Which of a package's files went last, where all did, or which of one name; empty for none."""
    subdirs = facts.holdings.subdirs(channel)
    spans = [
        span
        for span in facts.contents.spans_of(channel, name, subdirs)
        if span.fact.kind is FactKind.FILE and file_name in (None, span.fact.file_name)
    ]
    if not spans or any(span.until is None for span in spans):
        return ""
    last = max(spans, key=lambda span: span.until or 0)
    return f"{last.fact.subdir}/{last.fact.file_name} was removed in r{last.until}"


def _newer(left: Fact, right: Fact) -> int:
    """The order of files, the newest version first."""
    versions = [fact.file_name.rsplit("-", 2)[1] for fact in (right, left)]
    return compare_versions(*versions) or (left > right) - (left < right)
