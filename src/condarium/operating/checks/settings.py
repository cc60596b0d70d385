"""The settings: can they be read, and who else can read what is secret?"""

from collections.abc import Iterator
from pathlib import Path

from condarium.errors import CondariumError
from condarium.operating import configuration
from condarium.operating.checks.registry import Examination, Found, check, ok, problem, warning
from condarium.settings.options import OPTIONS


@check("settings")
def settings(examined: Examination) -> Iterator[Found]:
    file = examined.store.settings.file
    try:
        configuration.check(None, examined.store.settings)
    except CondariumError as error:
        yield problem(error.message, error.hint or "`condarium config check` says more.")
    else:
        yield ok(f"{file} is right" if file else "the environment is right; there is no file")
    for name, meant in configuration.unknown(examined.store.settings).items():
        yield warning(f"{name} says nothing", f"Did you mean {meant}?" if meant else "Remove it.")


@check("secrets")
def secrets(examined: Examination) -> Iterator[Found]:
    """Files with secrets are their owner's alone."""
    settings, layout = examined.store.settings, examined.store.layout
    files = [layout.root / "admin-token"]
    with examined.store.database.read() as facts:
        files += [layout.database] if facts.health.keeps_secrets() else []
    files += [settings.file] if settings.file and _has_secrets(examined) else []
    for option in OPTIONS:
        if option.name.endswith("_file") and (named := settings.environ.get(option.variable)):
            files.append(Path(named).expanduser())
    there = [file for file in files if file.is_file()]
    opened = [file for file in there if file.stat().st_mode & 0o007]
    for file in opened:
        yield warning(f"everybody may read {file}, which has secrets", f"chmod o-rwx {file}")
    if not opened:
        yield ok(f"{len(there)} files have secrets, and are closed to others")


def _has_secrets(examined: Examination) -> bool:
    from condarium.settings.configuration import read_file

    file = examined.store.settings.file
    try:
        said = read_file(file) if file else {}
    except CondariumError:
        return True
    return any(option.secret and option.variable in said for option in OPTIONS)
