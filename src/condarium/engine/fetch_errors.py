"""What goes wrong when a package is fetched, and in which words."""

import errno
import re

from condarium.errors import CondariumError, Failed, StoreFull, StoreReadOnly
from condarium.model.secret import redact_url


class PackageUnfetchable(Failed):
    """A package could not be fetched."""

    def __init__(self, url: str, reason: str, *, hint: str | None = None) -> None:
        self.url, self.reason = redact_url(url), reason
        super().__init__(f"{self.url} could not be fetched: {reason}", hint=hint)


class PackageCorrupt(Failed):
    """A package is not the one that was locked."""

    def __init__(self, url: str, *, expected: str, found: str) -> None:
        self.url, self.expected, self.found = redact_url(url), expected, found
        super().__init__(
            f"{self.url} is not the package that was locked: "
            f"its hash is {found}, and {expected} was expected",
            hint="The channel replaced the file, or something on the way did. Nothing of it was "
            "kept. Lock again (--refresh) if the channel is right.",
        )


class LinkFailed(Failed):
    """A prefix could not be put together."""

    def __init__(self, prefix: object, reason: str) -> None:
        self.prefix, self.reason = prefix, reason
        super().__init__(
            f"the prefix {prefix} could not be put together: {reason}",
            hint="Try again; if a package in the store is damaged, `condarium gc --damaged` "
            "drops it.",
        )


class LinkScriptFailed(Failed):
    """A package's post-link script failed."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        super().__init__(
            f"the post-link script of {', '.join(names)} failed",
            hint="Build without --link-scripts to leave them out.",
        )


class Stalled(Exception):
    """A server sent nothing for too long."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"the server sent nothing for {seconds:g} s")


def worth_another_try(error: Exception) -> bool:
    """Whether the same request may go better: not what the disk or the server decided.

    Statuses that may pass (5xx, 429) rattler's client has tried again already.
    """
    if isinstance(error, CondariumError) or _errno(error):
        return False
    status = _status(str(error))
    return status is None


def say_unfetchable(url: str, name: str, error: Exception) -> CondariumError:
    if isinstance(error, CondariumError):
        return error
    number = _errno(error)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"while it fetched {name}")
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreReadOnly(str(error))
    text = str(error)
    status = _status(text)
    if status in (404, 410):
        return PackageUnfetchable(
            url,
            "the channel no longer has it",
            hint="Lock again (--refresh), or restore the file in the channel.",
        )
    if status in (401, 403):
        return PackageUnfetchable(
            url,
            f"the server refused it ({status})",
            hint="Check the credentials for this channel in the .condarc.",
        )
    if status is not None:
        return PackageUnfetchable(url, f"the server answered {status}", hint="Try again later.")
    return PackageUnfetchable(url, _reason(error), hint="Check the network and try again.")


def say_unlinkable(prefix: object, error: Exception) -> CondariumError:
    number = _errno(error)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"while it made {prefix}")
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreReadOnly(_reason(error))
    return LinkFailed(prefix, _reason(error))


def _reason(error: Exception) -> str:
    """The last line of what rattler said, which names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = redact_url(lines[-1] if lines else repr(error))
    return text.removeprefix("Caused by: ") or repr(error)


def _status(text: str) -> int | None:
    found = re.search(r"\b(?:status(?: code)?|HTTP)[^\d]{0,20}(\d{3})\b|\((\d{3}) [A-Z]", text)
    return int(found[1] or found[2]) if found else None


def _errno(error: Exception) -> int | None:
    """The operating system's error, if that is what it was: rattler says it in words only."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"os error (\d+)", str(error))
    number = int(found[1]) if found else None
    disk = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
    return number if number in disk else None
