"""Channels of a real store, and beside each a naive one to which the same happens.

lab = LawfulChannels(store, clock, packages)
lab.publish("lab", [0, 3], ["dev"])
lab.yank("lab", [("noarch", "tool-1.0-0.conda")])
lab.check_present()
lab.check_past()
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from condarium.channels.changing import labelling, patching, reverting, yanking
from condarium.channels.changing.publishing import publish
from condarium.channels.encodings.encodings import Encodings
from condarium.channels.revising.draft import revise
from condarium.channels.shard import decode_shard, decompress
from condarium.channels.verifying import verify
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import read_shard
from condarium.channels.views.shard_index import encode_shard_index
from condarium.model.document import Document
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import ChannelKind, UnionMode
from condarium.model.progress import Quiet
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store
from tests.support.channel import Made, make_package
from tests.support.hosting import ADA, Clock, create
from tests.support.naive_channel import (
    Held,
    NaiveChannel,
    Rule,
    Shown,
    Shows,
    first_wins,
    merged,
    read_record,
)

LOCAL = ("lab", "far")
UNIONS = {"first": UnionMode.FIRST, "merge": UnionMode.MERGE}
LABELS = ("main", "dev", "team/rc")
COOLDOWNS = (None, timedelta(hours=1), timedelta(days=2))
PACKAGES = [
    Made(name, version, subdir=subdir, depends=["text >=1"] if name == "tool" else [])
    for name in ("text", "tool")
    for version in ("1.0", "2.0", "3.0")
    for subdir in ("noarch", "linux-64")
]

File = tuple[str, str]
"""A subdir and a file name."""


def make_packages(folder: Path) -> list[Path]:
    return [make_package(package, into=folder) for package in PACKAGES]


def _depend(subdir: str, file: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if record["name"] == "tool":
        record["depends"] = [*record["depends"], "extra >=2"]
    return record


def _need_newer_text(subdir: str, file: str, record: dict[str, Any]) -> dict[str, Any] | None:
    record["depends"] = ["text >=2" if each == "text >=1" else each for each in record["depends"]]
    return record


def _need_newest_extra(subdir: str, file: str, record: dict[str, Any]) -> dict[str, Any] | None:
    depends = ["extra >=3" if each == "extra >=2" else each for each in record["depends"]]
    record["depends"] = depends
    return record


def _instruct(subdir: str, file: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if file == "text-2.0-0.conda" and subdir == "noarch":
        return None
    if file == "tool-1.0-0.conda" and subdir == "noarch":
        record.update(license="MIT", extra={"reviewed": True})
    return record


def _revoke(subdir: str, file: str, record: dict[str, Any]) -> dict[str, Any] | None:
    if file == "tool-3.0-0.conda" and subdir == "linux-64":
        record.update(revoked=True, depends=[*record["depends"], "package_has_been_revoked"])
    return record


_INSTRUCTIONS = {
    "packages.conda": {"tool-1.0-0.conda": {"license": "MIT", "extra": {"reviewed": True}}},
    "remove": ["text-2.0-0.conda"],
}
PATCHES: list[tuple[str, str, str | None, Rule]] = [
    ("a.yaml", "if:\n  name: tool\nthen:\n  - add_depends: extra >=2\n", None, _depend),
    (
        "b.yaml",
        "if:\n  has_depends: text >=1\nthen:\n"
        "  - replace_depends:\n      old: text >=1\n      new: text >=2\n",
        None,
        _need_newer_text,
    ),
    (
        "c.yaml",
        "if:\n  name: tool\n  has_depends: extra*\nthen:\n"
        "  - replace_depends:\n      old: extra >=2\n      new: extra >=3\n",
        None,
        _need_newest_extra,
    ),
    ("patch_instructions.json", json.dumps(_INSTRUCTIONS), "noarch", _instruct),
    ("revoke.json", json.dumps({"linux-64": {"revoke": ["tool-3.0-0.conda"]}}), None, _revoke),
]


@dataclass
class LawfulChannels:
    store: Store
    clock: Clock
    packages: Sequence[Path]
    naive: dict[str, NaiveChannel] = field(default_factory=dict)
    past: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """The bytes of indexes of past views, as they were when they were asked for first."""

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.store)
        self._decoded: dict[bytes, Shown] = {}
        for name in LOCAL:
            create(self.store, name)
            self.naive[name] = NaiveChannel(name)
        members = tuple(map(ChannelName, LOCAL))
        for name, mode in UNIONS.items():
            create(self.store, name, kind=ChannelKind.UNION, members=members, mode=mode)

    # --- what happens ---

    def publish(self, channel: str, packages: Sequence[int], labels: Sequence[str]) -> None:
        naive, now = self.naive[channel], int(self.clock.now.timestamp() * 1000)
        opened: list[Held] = []
        for path in (self.packages[number] for number in packages):
            file = (path.parent.name, path.name)
            record = naive.records.setdefault(file, read_record(path, indexed_at=now))
            opened.append(_fact("file", file, record["sha256"]))
            opened += [_fact("label", file, label) for label in labels or ["main"]]
        self._note(channel, "publish", opened=opened)
        uploads = [Upload(path=self.packages[n], name=self.packages[n].name) for n in packages]
        publish(
            self.store,
            ChannelName(channel),
            uploads,
            labels=labels,
            reason="why",
            actor=ADA,
            progress=Quiet(),
        )

    def label(self, channel: str, files: Sequence[File], label: str) -> None:
        self._note(channel, "label add", opened=[_fact("label", file, label) for file in files])
        labelling.add(*self._of(channel), label, _specs(files), **_given())

    def unlabel(self, channel: str, files: Sequence[File], label: str) -> None:
        self._note(channel, "label remove", closed=[_fact("label", file, label) for file in files])
        labelling.remove(*self._of(channel), label, _specs(files), **_given())

    def copy(self, channel: str, label: str, to: str) -> None:
        files = self.labelled(channel, label)
        self._note(channel, "label copy", opened=[_fact("label", file, to) for file in files])
        labelling.copy(*self._of(channel), label, to, **_given())

    def promote(self, channel: str, label: str, to: str) -> None:
        files = self.labelled(channel, label)
        opened = [_fact("label", file, to) for file in files]
        closed = [_fact("label", file, label) for file in files]
        self._note(channel, "label promote", opened=opened, closed=closed)
        labelling.promote(*self._of(channel), label, to, **_given())

    def yank(self, channel: str, files: Sequence[File]) -> None:
        self._note(channel, "yank", opened=[_fact("yank", file) for file in files])
        yanking.yank(*self._of(channel), _specs(files), **_given())

    def unyank(self, channel: str, files: Sequence[File]) -> None:
        self._note(channel, "unyank", closed=[_fact("yank", file) for file in files])
        yanking.unyank(*self._of(channel), _specs(files), **_given())

    def remove(self, channel: str, files: Sequence[File]) -> None:
        held = self.naive[channel].holding(self.naive[channel].head)
        closed = [fact for fact in held if (fact[1], fact[3]) in files]
        self._note(channel, "remove-package", closed=closed)
        yanking.remove_packages(*self._of(channel), _specs(files), **_given())

    def patch(self, channel: str, number: int) -> None:
        name, text, subdir, rule = PATCHES[number]
        naive = self.naive[channel]
        document = Document(name, text.encode())
        digest = self.store.blobs.put(document.content)
        if not any(fact[4] == digest for fact in naive.holding(naive.head)):
            position = len(naive.rules) + 1
            naive.rules[position] = rule
            self._note(channel, "patch add", opened=[("patch", "", "", "", digest, position)])
        patching.add(*self._of(channel), [document], subdir=subdir, reason="why", actor=ADA)

    def unpatch(self, channel: str, position: int) -> None:
        held = self.naive[channel].holding(self.naive[channel].head)
        self._note(channel, "patch undo", closed=[f for f in held if f[5] == position])
        patching.undo(*self._of(channel), position, reason="why", actor=ADA)

    def revert(self, channel: str, number: int) -> None:
        """Go back to what a revision was, and see that the bytes of then are there again."""
        naive = self.naive[channel]
        then, now = naive.holding(number), naive.holding(naive.head)
        self._note(channel, "revert", opened=then - now, closed=now - then)
        with revise(*self._of(channel), "revert", reason="why", actor=ADA) as draft:
            draft.open(*map(_as_fact, then - now))
            draft.close(*map(_as_fact, now - then))
            if any(fact[0] == "patch" for fact in then ^ now):
                for subdir in draft.facts.holdings.subdirs(draft.channel):
                    names = draft.facts.shards.names(draft.channel, subdir)
                    draft.touch((subdir, name) for name in names)
        for label in LABELS:
            present = View(channel=ChannelName(channel), label=label)
            past = View(channel=ChannelName(channel), label=label, as_of=number)
            assert self.catalogue.open(present).maps == self.catalogue.open(past).maps

    def undo(self, channel: str) -> None:
        """Undo the last revision."""
        naive = self.naive[channel]
        number, last = naive.head, naive.log[-1]
        self._note(channel, "revert", opened=last.closed, closed=last.opened)
        reverting.revert(*self._of(channel), f"r{number}", reason="why", actor=ADA)
        assert naive.holding(naive.head) == naive.holding(number - 1)

    # --- what there is ---

    def files(self, channel: str) -> list[File]:
        return self._having(channel, "file")

    def labelled(self, channel: str, label: str) -> list[File]:
        return self._having(channel, "label", label)

    def _having(self, channel: str, kind: str, value: str | None = None) -> list[File]:
        held = self.naive[channel].holding(self.naive[channel].head)
        return sorted((f[1], f[3]) for f in held if f[0] == kind and value in (None, f[4]))

    # --- what must hold ---

    def check_present(self) -> None:
        """Every label, and one with every cooldown, of a catalogue that was there all the time
        and of a new one."""
        fresh = Catalogue(self.store)
        label = LABELS[self.naive["lab"].head % len(LABELS)]
        views = [(each, None) for each in LABELS] + [(label, each) for each in COOLDOWNS[1:]]
        for (each, cooldown), name in product(views, (*LOCAL, *UNIONS)):
            self._check(View(channel=ChannelName(name), label=each, cooldown=cooldown), fresh)
        for name in LOCAL:
            self._check_revision(name, self.naive[name].head, [label], fresh)

    def check_past(self) -> None:
        """Every revision, and every instant of one, with every label and cooldown."""
        self.clock.advance(timedelta(hours=1))
        fresh = Catalogue(self.store)
        for name in LOCAL:
            for number in range(self.naive[name].head + 1):
                self._check_revision(name, number, LABELS, fresh)
        instants = [entry.at for name in LOCAL for entry in self.naive[name].log]
        for instant, label in product(instants, LABELS):
            for name in (*LOCAL, *UNIONS):
                self._check(View(channel=ChannelName(name), label=label, as_of=instant), fresh)
        self.check_log()

    def check_encodings(self) -> None:
        """Every encoding of some views says what all the others say."""
        encodings = Encodings(self.store, self.catalogue)
        views = [View(channel=ChannelName(name), label=label) for name in (*LOCAL, *UNIONS)
                 for label in LABELS[:2]]  # fmt: skip
        lab = ChannelName("lab")
        views.append(View(channel=lab, as_of=max(self.naive["lab"].head - 2, 0)))
        views.append(View(channel=lab, cooldown=COOLDOWNS[1]))
        for view in views:
            for subdir in self.catalogue.open(view).subdirs:
                self._check_encodings(encodings, view, subdir)

    def _check_encodings(self, encodings: Encodings, view: View, subdir: str) -> None:
        def get(file_name: str) -> bytes:
            return self.store.blobs.get(encodings.get(view, subdir, file_name).digest)

        shows = self._naively(view).get(subdir, {}).values()
        records = {file: record for shown in shows for file, record in shown.records.items()}
        removed = sorted(file for shown in shows for file in shown.removed)
        repodata = json.loads(get("repodata.json"))
        assert repodata["packages.conda"] == records, str(view)
        assert (repodata["packages"], repodata["removed"]) == ({}, removed), str(view)
        exports = json.loads(get("run_exports.json"))
        assert exports["packages.conda"] == {file: {"run_exports": {}} for file in records}
        for file_name in ("repodata.json", "run_exports.json"):
            assert decompress(get(f"{file_name}.zst")) == get(file_name)

    def check_verified(self) -> None:
        for name in (*LOCAL, *UNIONS):
            found = verify(
                self.store, ChannelName(name), all_revisions=True, read=True, progress=Quiet()
            )
            assert found.problems == ()

    def check_log(self) -> None:
        for name, naive in self.naive.items():
            with self.store.database.read() as facts:
                log = list(facts.channels.log(facts.channels.get(ChannelName(name))))
            told = [(r.number, r.at, r.actor, r.action, r.reason, r.digest) for r in log[::-1]]
            assert told == [
                (e.number, e.at, e.actor, e.action, e.reason, e.digest) for e in naive.log
            ]
            changed = [(each.opened, each.closed) for each in log[::-1]]
            assert changed == [(len(e.opened), len(e.closed)) for e in naive.log]

    def _check_revision(
        self, name: str, number: int, labels: Sequence[str], fresh: Catalogue
    ) -> None:
        for label, cooldown in product(labels, COOLDOWNS):
            view = View(channel=ChannelName(name), label=label, as_of=number, cooldown=cooldown)
            self._check(view, fresh)

    def _check(self, view: View, fresh: Catalogue) -> None:
        listing = self.catalogue.open(view)
        assert fresh.open(view).maps == listing.maps
        assert self._shown(listing) == self._naively(view), str(view)
        if listing.past:
            for subdir in ("noarch", "linux-64"):
                content = encode_shard_index(view, subdir, listing.names(subdir))
                assert self.past.setdefault((str(view), subdir), content) == content, str(view)

    def _shown(self, listing: Listing) -> Shows:
        return {
            subdir: {name: self._decode(listing, digest) for name, digest in names.items()}
            for subdir, names in listing.maps.items()
            if names
        }

    def _decode(self, listing: Listing, digest: bytes) -> Shown:
        if digest not in self._decoded:
            shard = decode_shard(read_shard(self.store, listing, digest))
            self._decoded[digest] = Shown(dict(shard.records), list(shard.removed))
        return self._decoded[digest]

    def _naively(self, view: View) -> Shows:
        name = view.channel.name
        if name in LOCAL:
            return self._naively_of(view, name)
        shows = [self._naively_of(view, member) for member in LOCAL]
        return first_wins(shows) if UNIONS[name] is UnionMode.FIRST else merged(shows)

    def _naively_of(self, view: View, name: str) -> Shows:
        naive = self.naive[name]
        number, instant = naive.head, self.clock.now
        if isinstance(view.as_of, int):
            number = view.as_of
            instant = naive.log[number - 1].at if number else instant
        elif isinstance(view.as_of, datetime):
            number, instant = naive.number_at(view.as_of), view.as_of
        if view.cooldown is None:
            return naive.show(view.label, number)
        not_after = int(instant.timestamp() * 1000) - int(view.cooldown.total_seconds() * 1000)
        return naive.show(view.label, number, not_after=not_after)

    def _note(
        self, channel: str, action: str, *, opened: Iterable[Held] = (), closed: Iterable[Held] = ()
    ) -> None:
        self.naive[channel].append(
            self.clock.now, ADA.name, action, "why", opened=opened, closed=closed
        )

    def _of(self, channel: str) -> tuple[Store, ChannelName]:
        return self.store, ChannelName(channel)


def _fact(kind: str, file: File, value: str = "") -> Held:
    return (kind, file[0], file[1].rsplit("-", 2)[0], file[1], value, 0)


def _as_fact(held: Held) -> Fact:
    kind, subdir, name, file_name, value, position = held
    return Fact(
        kind=FactKind(kind),
        subdir=subdir,
        name=name,
        file_name=file_name,
        value=value,
        position=position,
    )


def _specs(files: Sequence[File]) -> list[str]:
    return ["/".join(file) for file in files]


def _given() -> dict[str, Any]:
    return {"dry_run": False, "reason": "why", "actor": ADA}
