"""Channels of a store, with what a test puts into them.

    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool", "1.0"), Made("tool", "2.0", subdir="linux-64")])
        host(store, "lab", [Made("tool", "3.0")], labels=["dev"], reason="try it")
        change(store, "lab", "yank", opened=[...])

Packages are real files, checked and published as everybody's are.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from condarium.channels.changing.publishing import publish
from condarium.channels.revising.draft import Draft, revise
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedPatch
from condarium.model.hosting.report import Published
from condarium.model.patches import read_patch
from condarium.model.progress import Quiet
from condarium.model.upload import Upload
from condarium.model.view import ChannelName
from condarium.settings import Settings
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store
from tests.support.channel import Made, make_package

ADA = Actor(name="ada")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is told to go on."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@contextmanager
def hosted_store(folder: Path, clock: Clock | None = None, **environ: str) -> Iterator[Store]:
    """Open a store of its own under a folder, by a clock or by that of the machine.

    `environ` are variables such as CONDARIUM_DATABASE and CONDARIUM_BLOBS.
    """
    settings = Settings.read({"HOME": str(folder), **environ}, store=folder / "store")
    store = Store(settings, now=clock) if clock else Store(settings)
    try:
        yield store
    finally:
        store.close()


def host(
    store: Store,
    channel: str,
    packages: Sequence[Made] = (),
    *,
    labels: Sequence[str] = (),
    reason: str = "",
    actor: Actor = ADA,
) -> Published | None:
    """Publish packages in one revision into a channel, which is made where there is none."""
    name = ChannelName(channel)
    with store.database.read() as facts:
        try:
            facts.channels.get(name)
            there = True
        except NoSuchChannel:
            there = False
    if not there:
        create(store, channel)
    if not packages:
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [make_package(package, into=Path(folder)) for package in packages]
        uploads = [Upload(path=path, name=path.name) for path in paths]
        return publish(
            store, name, uploads, labels=labels, reason=reason, actor=actor, progress=Quiet()
        )


def create(store: Store, channel: str, **fields: Any) -> None:
    """Make a channel: a local one, unless `kind` and what goes with it say otherwise."""
    made = {
        "kind": ChannelKind.LOCAL,
        "public": True,
        "description": "",
        "created_at": store.now(),
        "created_by": ADA.name,
        **fields,
    }
    with store.database.note() as facts:
        facts.channels.create(HostedChannel(id=0, name=ChannelName(channel), head=0, **made))


def change(
    store: Store,
    channel: str,
    action: str,
    *,
    opened: Sequence[Fact] = (),
    closed: Sequence[Fact] = (),
    reason: str = "",
) -> None:
    """Append a revision that opens and closes facts."""
    with revise(store, ChannelName(channel), action, reason=reason, actor=ADA) as draft:
        draft.open(*opened)
        draft.close(*closed)
        if any(each.kind is FactKind.PATCH for each in (*opened, *closed)):
            _touch_all(draft)


def fact(kind: str, subdir: str, file_name: str, value: str = "") -> Fact:
    """A fact about a package file, such as `fact("yank", "noarch", "tool-1.0-0.conda")`."""
    name = file_name.rsplit("-", 2)[0]
    return Fact(kind=FactKind(kind), subdir=subdir, name=name, file_name=file_name, value=value)


def patch(store: Store, channel: str, rules: str, *, name: str = "patch.yaml") -> Fact:
    """Add a patch after those that a channel has, by the text of its rules; give its fact."""
    content = rules.encode()
    read = read_patch(Document(name, content))
    digest = store.blobs.put(content)
    with revise(store, ChannelName(channel), "patch add", reason="", actor=ADA) as draft:
        holdings, hosted = draft.facts.holdings, draft.channel
        position = max(holdings.patches(hosted), default=0) + 1
        subdirs = holdings.subdirs(hosted)
        draft.add_patch(
            HostedPatch(
                position=position,
                document=digest,
                name=name,
                kind=read.kind,
                subdir=None,
                summary=read.describe(),
                candidates={subdir: read.candidates(subdir) for subdir in subdirs},
            )
        )
        added = Fact(kind=FactKind.PATCH, value=digest, position=position)
        draft.open(added)
        _touch_all(draft)
    return added


def _touch_all(draft: Draft) -> None:
    for subdir in draft.facts.holdings.subdirs(draft.channel):
        draft.touch((subdir, name) for name in draft.facts.shards.names(draft.channel, subdir))
