"""Where things lie in a store's folder; described in docs/reference/formats.md."""

from dataclasses import dataclass
from pathlib import Path

from condarium.model.names import EnvironmentName


@dataclass(frozen=True)
class Layout:
    root: Path

    @property
    def database(self) -> Path:
        return self.root / "condarium.db"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def packages(self) -> Path:
        """rattler's package cache; on the file system of `prefixes`, so that files link."""
        return self.root / "packages"

    @property
    def repodata(self) -> Path:
        return self.root / "repodata"

    @property
    def pypi(self) -> Path:
        """uv's cache of PyPI packages."""
        return self.root / "pypi"

    @property
    def bytecode(self) -> Path:
        """Compiled Python files by the hash of their source, linked into every prefix."""
        return self.root / "bytecode"

    @property
    def records(self) -> Path:
        """conda-meta's records of packages by the hash of their content, linked as bytecode is."""
        return self.root / "records"

    @property
    def incoming(self) -> Path:
        """What is being fetched or taken in, by those who share the store's lock."""
        return self.root / "incoming"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def store_lock(self) -> Path:
        """Shared by all who make prefixes, or need packages or blobs to stay; `gc` has it alone."""
        return self.locks / "store"

    @property
    def prefixes(self) -> Path:
        return self.root / "prefixes"

    @property
    def environments(self) -> Path:
        """The folder that conda's `envs_dirs` understands, a folder per namespace."""
        return self.root / "envs"

    def prefix(self, prefix: str) -> Path:
        return self.prefixes / prefix

    def link(self, environment: EnvironmentName) -> Path:
        """The link that people use: it points to the active generation's prefix."""
        return self.root.joinpath("envs", environment.namespace, environment.name)
