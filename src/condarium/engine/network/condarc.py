"""Finding conda's settings: the files on conda's search path, then the CONDA_* variables."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from condarium.errors import BadCondarc
from condarium.model.condarc import Condarc, merge
from condarium.model.condarc_text import parse_condarc, parse_variables
from condarium.model.document import Document

SYSTEM_FOLDERS = (Path("/etc/conda"), Path("/var/lib/conda"))


def read_condarc(
    environ: Mapping[str, str], home: Path, *, system: tuple[Path, ...] = SYSTEM_FOLDERS
) -> Condarc:
    """Read every file of `search_path` and the CONDA_* variables, and merge them.

    Where nothing says `ssl_verify`, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE count as they do in
    conda. Raises BadCondarc where a file cannot be read or says what it may not say.
    """
    layers = [
        parse_condarc(_read(path), environ, home)
        for path in search_path(environ, home, system=system)
    ]
    condarc = merge([*layers, parse_variables(environ, home)])
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    if condarc.ssl_verify is True and bundle:
        return replace(condarc, ssl_verify=bundle)
    return condarc


def search_path(
    environ: Mapping[str, str], home: Path, *, system: tuple[Path, ...] = SYSTEM_FOLDERS
) -> list[Path]:
    """Give the files that exist, weakest first, each once."""
    found: dict[Path, None] = {}
    for folder in _folders(environ, home, system):
        found |= dict.fromkeys(_files_of(folder))
    root, prefix = _root(environ), environ.get("CONDA_PREFIX")
    named = environ.get("CONDARC")
    late = [home / ".condarc", *(_files_of(Path(prefix)) if prefix and prefix != root else ())]
    if named:
        path = Path(named).expanduser()
        late.extend(_files_of(path) if path.is_dir() else [path])
    return [path for path in dict.fromkeys([*found, *late]) if path.is_file()]


def _folders(environ: Mapping[str, str], home: Path, system: tuple[Path, ...]) -> Iterator[Path]:
    yield from system
    if root := _root(environ):
        yield Path(root)
    if configuration := environ.get("XDG_CONFIG_HOME"):
        yield Path(configuration) / "conda"
    yield home / ".config" / "conda"
    yield home / ".conda"


def _root(environ: Mapping[str, str]) -> str | None:
    """The folder of conda's base environment; only conda itself sets CONDA_ROOT."""
    if root := environ.get("CONDA_ROOT"):
        return root
    executable = environ.get("CONDA_EXE")
    return str(Path(executable).parent.parent) if executable else None


def _files_of(folder: Path) -> list[Path]:
    more = folder / "condarc.d"
    drop_ins = [*more.glob("*.yml"), *more.glob("*.yaml")]
    return [folder / ".condarc", folder / "condarc", *sorted(drop_ins)]


def _read(path: Path) -> Document:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCondarc(
            str(path), found=f"a file that cannot be read ({error.strerror})", expected="a text"
        ) from error
    return Document(str(path), content, path.parent)
