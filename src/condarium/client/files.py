"""The files that a caller names: read whole, and written whole or not at all."""

import os
import stat
from pathlib import Path
from typing import Any

from condarium.errors import BadInput, Failed
from condarium.model.document import Document
from condarium.model.upload import Upload
from condarium.operation import Parameter
from condarium.values import accept as accept_value


class UnreadableFile(BadInput):
    """A file that was named cannot be read."""

    def __init__(self, name: str, reason: str, *, hint: str | None = None) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}", hint=hint)


class UnwritableFile(Failed):
    """A file cannot be written."""

    def __init__(self, name: object, reason: str) -> None:
        self.name, self.reason = str(name), reason
        super().__init__(
            f"{name} cannot be written: {reason}",
            hint="Name a file in a folder that exists and that you may write to.",
        )


def accept(parameter: Parameter, value: object, *, label: str) -> Any:
    """Give what the operation takes, where files are named by their paths.

    Raises BadArgument, BadName for a name, and UnreadableFile for a file.
    """
    return accept_value(parameter, value, label=label, readers=_READERS)


def read_document(name: str | bytes) -> Document:
    """Read the file at a path; what it holds is relative to its folder. Raises UnreadableFile."""
    name = os.fsdecode(name)
    path = Path(name).expanduser()
    try:
        return Document(_sayable(name), path.read_bytes(), path.absolute().parent)
    except FileNotFoundError:
        raise UnreadableFile(name, "there is no such file", hint=_instead(path.parent)) from None
    except IsADirectoryError:
        raise UnreadableFile(name, "found a folder; expected a file", hint=_in(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(name, f"cannot be read: {reason}") from error


def _sayable(name: str) -> str:
    """A file's name as text that can be stored: on a disk it may be any bytes."""
    return os.fsencode(name).decode(errors="replace")


def find_upload(name: str | bytes) -> Upload:
    """Find a file to hand in, which is not read yet. Raises UnreadableFile."""
    name = os.fsdecode(name)
    path = Path(name).expanduser()
    try:
        with path.open("rb"):
            return Upload(path.name, path.absolute())
    except FileNotFoundError:
        raise UnreadableFile(name, "there is no such file") from None
    except IsADirectoryError:
        raise UnreadableFile(name, "found a folder; expected a file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(name, f"cannot be read: {reason}") from error


def check_writable(path: Path) -> None:
    """Find out before long work whether its result can be saved. Raises UnwritableFile."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UnwritableFile(path, f"there is no folder {folder}")
    if path.is_dir():
        raise UnwritableFile(path, "it is a folder")
    if not os.access(path if _is_special(path) else folder, os.W_OK):
        raise UnwritableFile(path, "permission denied")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that readers see the old text or the new one. Raises UnwritableFile.

    A link stays a link, and a file that is there keeps its mode.
    """
    content = text.encode()
    try:
        if _is_special(path):  # a pipe or /dev/null must not be replaced by a file
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except OSError as error:
        raise UnwritableFile(path, error.strerror or str(error)) from error


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name[:80]}.{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


_READERS = {Document: read_document, Upload: find_upload}


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _in(folder: Path) -> str | None:
    """What may be meant by a folder: a file in it, or all that are of a kind."""
    for kind in ("*.yaml", "*.yml", "*.json"):
        if _instead(folder) is None and any(folder.glob(kind)):
            return f"Name its files: {folder / kind}"
    return _instead(folder)


def _instead(folder: Path) -> str | None:
    for name in ("environment.yml", "environment.yaml", "pixi.lock"):
        if (folder / name).is_file():
            return f"There is {folder / name}."
    return None
