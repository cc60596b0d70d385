"""Arguments as a job keeps them: plain data, and documents as blobs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from condarium.errors import BadInput
from condarium.model.document import Document
from condarium.model.plain import to_plain
from condarium.model.secret import redact_url
from condarium.model.upload import Upload
from condarium.operation import Operation
from condarium.storage.blobs import Blobs
from condarium.values import accept


class NotAJob(BadInput):
    """The operation cannot be carried out by a worker."""

    def __init__(self, operation: str, reason: str) -> None:
        self.operation = operation
        super().__init__(
            f"{operation} cannot become a job: {reason}",
            hint=f"Run it yourself: condarium {operation}",
        )


class SecretInArguments(BadInput):
    """An argument of a job, which is kept and shown, has a password or a token in it."""

    def __init__(self, argument: str, value: str) -> None:
        self.argument, self.value = argument, value
        super().__init__(
            f"{argument}: found {value!r}, with credentials; expected a URL without them, for the "
            "arguments of jobs are kept",
            hint="Whoever administers this server gives it the credentials, in its .condarc or "
            "RATTLER_AUTH_FILE.",
        )


def pack(arguments: Mapping[str, Any], blobs: Blobs) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Arguments in their plain form, and the blobs that their documents became.

    Hold the store's lock, shared, until the job is there that names them.
    """
    documents: list[str] = []

    def plain(value: Any) -> Any:
        match value:
            case Document():
                documents.append(blobs.put(value.content))
                folder = str(value.folder) if value.folder is not None else None
                said = {"name": value.name, "blob": documents[-1], "folder": folder}
                return {**said, "bytes": len(value.content)}
            case timedelta():
                return f"{value.total_seconds():f}s"
            case tuple():
                return [plain(each) for each in value]
        return to_plain(value)

    return {name: plain(value) for name, value in arguments.items()}, tuple(documents)


def bytes_of(packed: Any) -> int:
    """How many bytes the documents among packed arguments have."""
    match packed:
        case {"blob": str(), "bytes": int(size)}:
            return size
        case dict():
            return sum(map(bytes_of, packed.values()))
        case list():
            return sum(map(bytes_of, packed))
    return 0


def unpack(operation: Operation, packed: Mapping[str, Any], blobs: Blobs) -> dict[str, Any]:
    """The arguments that an operation takes. Raises BadArgument where it takes others by now."""
    from pathlib import Path

    def value(found: Any) -> Any:
        match found:
            case {"name": str(name), "blob": str(digest)}:
                folder = found.get("folder")
                return Document(name, blobs.get(digest), Path(folder) if folder else None)
            case list():
                return [value(each) for each in found]
        return found

    known = {parameter.name: parameter for parameter in operation.parameters}
    return {
        name: accept(known[name], value(found), label=name)
        for name, found in packed.items()
        if name in known
    }


def check_keeps(operation: Operation) -> None:
    """Raise NotAJob for what a worker cannot do elsewhere and later."""
    if operation.local and not operation.job:
        raise NotAJob(operation.name, "it works on the machine of whoever calls it")
    if any(parameter.type is Upload for parameter in operation.parameters):
        raise NotAJob(operation.name, "it takes files that are handed in")


def check_keeps_no_secret(arguments: Mapping[str, Any]) -> None:
    """Raise SecretInArguments where a text has a URL with credentials: whoever sees jobs reads it.

    A document is not looked into; it is kept as long as the job is.
    """
    for name, argument in arguments.items():
        for value in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(value, str) and redact_url(value) != value:
                raise SecretInArguments(name.rstrip("_"), redact_url(value))
