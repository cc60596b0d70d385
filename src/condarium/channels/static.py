"""A channel that is a folder of files: what any web server can serve, and any client can read."""

from pathlib import Path

from condarium.engine.packaging import index_folder


def index_channel(path: Path) -> None:
    """Write the indexes of the packages in a folder: repodata.json, its .zst and the shards.

    `noarch` is there even when it is empty, because clients always ask for it. Run it again after
    packages were added or removed; one at a time.
    """
    (path / "noarch").mkdir(parents=True, exist_ok=True)
    index_folder(path)
