"""Locks of channels elsewhere, and what a channel here shows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.engine.lockfiles.lockfile import read_lock
from condarium.environments import locking
from condarium.model.document import Document
from condarium.model.progress import Quiet
from condarium.model.view import View
from condarium.storage.store import Store

PLATFORM = "linux-64"


def lock_of(
    store: Store, channel: str | Path, specs: Sequence[str], platforms: Sequence[str] = (PLATFORM,)
) -> Document:
    """Solve specs against a channel, as anybody does who writes an environment.yml."""
    url = channel.as_uri() if isinstance(channel, Path) else channel
    spec = json.dumps({"channels": [url], "dependencies": list(specs)})
    locked = locking.lock(
        store,
        Document("environment.yml", spec.encode()),
        platforms=platforms,
        cuda=None,
        refresh=True,
        progress=Quiet(),
    )
    return Document("fit.lock", locked.content.encode())


def names_in_lock(lock: Document, platform: str = PLATFORM) -> list[str]:
    document = read_lock(lock.content, source=lock.name)
    return [f"{each.name} {each.version}" for each in document.locked(platform)]


def shown(store: Store, view: str = "lab") -> dict[str, Mapping[str, Any]]:
    """All records of a view by `subdir/file_name`."""
    listing = Catalogue(store).open(View.parse(view))
    return {
        f"{subdir}/{file_name}": record
        for subdir, names in listing.maps.items()
        for digest in names.values()
        for file_name, record in decode_shard(store.blobs.get(digest.hex())).records.items()
    }
