"""What every benchmark is given: how often to measure, and where."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.processes import Installed

_MAKE = """
import sys
from condarium.settings import Settings
from condarium.storage.store import Store
Store(Settings.read({}, store=sys.argv[1])).database.close()
"""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """`cache` stays between runs; `scratch` is on its file system, and goes at the very end.

    Nothing is removed earlier: for minutes after many files were removed, ext4 makes new ones
    several times slower, because it spares the places of those that went last.
    """

    runs: int
    quick: bool
    cache: Path
    scratch: Path
    data: Path | None
    installed: Installed

    def folder(self, name: str) -> Path:
        return self.scratch / f"{name}-{uuid4().hex[:8]}"

    def store(self) -> Path:
        """A store with its database made, and no packages in it."""
        template = self.scratch / "empty-store"
        if not template.exists():
            self.installed.process_seconds([self.installed.python, "-c", _MAKE, template])
        return Path(shutil.copytree(template, self.folder("store")))
