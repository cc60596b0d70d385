"""Which blobs facts name: what `gc` keeps, and what a backup takes along."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import ChannelKind
from condarium.storage.tables import (
    builds,
    channels,
    derived,
    encodings,
    facts,
    files,
    generations,
    jobs,
    patches,
    shards,
    solves,
    sources,
)


class Naming:
    """Digests are SHA-256 as 64 hex digits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def needed(self) -> set[str]:
        """Those of which the bytes are nowhere else: the store has them, or has lost them."""
        local = select(channels.c.id).where(channels.c.kind == ChannelKind.LOCAL)
        return (
            self._among(
                select(generations.c.lock),
                select(generations.c.spec),
                select(builds.c.log),
                select(patches.c.document),
                select(sources.c.sha256),
                select(files.c.sha256).where(files.c.channel_id.in_(local)),
                select(shards.c.digest).where(shards.c.channel_id.in_(local)),
            )
            | self._documents()
        )

    def kept(self, *, solved_since: datetime | None = None) -> set[str]:
        """All that are named, of which a store need not have each.

        A proxy names what it has not fetched yet. Answers from before `solved_since` are left out;
        encodings are not among them: they are made again.
        """
        answers = select(solves.c.lock)
        if solved_since is not None:
            answers = answers.where(solves.c.at >= solved_since)
        upstream = select(facts.c.value).where(
            facts.c.kind == FactKind.SHARD, facts.c.until.is_(None)
        )
        return self.needed() | self._among(
            answers,
            select(files.c.sha256),
            select(shards.c.digest),
            select(derived.c.digest),
            upstream,
        )

    def encoded(self) -> set[str]:
        """The files that join shards: views, which can be made again."""
        return self._among(select(encodings.c.digest))

    def _documents(self) -> set[str]:
        rows = self._connection.execute(select(jobs.c.documents)).scalars()
        return {digest for documents in rows for digest in documents or ()}

    def _among(self, *chosen: Select[Any]) -> set[str]:
        return {digest for query in chosen for digest in self._digests(query)}

    def _digests(self, query: Select[Any]) -> Iterator[str]:
        for found in self._connection.execute(query.distinct()).scalars():
            if found:
                yield found.hex() if isinstance(found, bytes) else found
