"""Source archives, and the URLs at which upstream had them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from condarium.model.hosting.source import Source, SourceUrl
from condarium.storage.tables import source_urls, sources
from condarium.storage.upsert import upsert


class Sources:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, source: Source) -> None:
        """Write an archive down; of one that is there, only whether it is public changes."""
        values = {
            "size": source.size,
            "file_name": source.file_name,
            "at": source.at,
            "actor": source.actor,
        }
        self._connection.execute(
            upsert(
                self._connection,
                sources,
                {"sha256": source.sha256},
                values={"public": source.public},
                at_first=values,
            )
        )

    def seen(self, sha256: str, urls: Iterable[str], at: datetime) -> None:
        """Write down that upstream has an archive at these URLs."""
        for url in urls:
            key = {"url": url, "sha256": sha256}
            self._connection.execute(
                upsert(self._connection, source_urls, key, at_first={"at": at})
            )

    def get(self, sha256: str) -> Source | None:
        return next(self._sources(sources.c.sha256 == sha256), None)

    def at_url(self, url: str) -> list[Source]:
        """The archives that were seen at a URL, the latest first: upstream may have changed it."""
        chosen = (
            select(source_urls.c.sha256)
            .where(source_urls.c.url == url)
            .order_by(source_urls.c.at.desc())
        )
        found = (self.get(digest) for digest in self._connection.execute(chosen).scalars())
        return [source for source in found if source is not None]

    def all(self) -> list[Source]:
        """Every archive, by file name."""
        return list(self._sources())

    def blobs(self) -> set[str]:
        return set(self._connection.execute(select(sources.c.sha256)).scalars())

    def _sources(self, *conditions: Any) -> Iterator[Source]:
        chosen = select(sources).where(*conditions).order_by(sources.c.file_name, sources.c.at)
        for row in self._connection.execute(chosen).all():
            yield _source(row, self._urls(row.sha256))

    def _urls(self, sha256: str) -> tuple[SourceUrl, ...]:
        chosen = select(source_urls).where(source_urls.c.sha256 == sha256)
        ordered = self._connection.execute(chosen.order_by(source_urls.c.at, source_urls.c.url))
        return tuple(SourceUrl(url=row.url, at=row.at) for row in ordered)


def _source(row: Row[Any], urls: tuple[SourceUrl, ...]) -> Source:
    return Source(**row._asdict(), urls=urls)
