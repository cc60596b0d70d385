"""What goes wrong when a package is fetched, and in which words."""

import errno
import re
import socket
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit

from condarium.engine.network.errors import known_reason, last_cause
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


class PackageUnreadable(Failed):
    """A package is the one that was locked, and cannot be unpacked."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = redact_url(url), last_cause(reason)
        super().__init__(
            f"{self.url} has the hash that was locked, and is not a package that can be unpacked: "
            f"{self.reason}",
            hint="Tell whoever keeps the channel; ask for another version or build meanwhile.",
        )


class PackagesAltered(Failed):
    """Packages in the store are no longer what they were when they were fetched."""

    def __init__(self, stems: Sequence[str]) -> None:
        self.stems = tuple(sorted(stems))
        super().__init__(
            f"files of {', '.join(self.stems)} in the package store were changed or deleted",
            hint="Something writes to the store while it is used: files in environments are shared "
            "with it. `condarium env verify` shows which environments have other files now.",
        )


class LinkFailed(Failed):
    """A prefix could not be put together."""

    def __init__(self, prefix: object, reason: str) -> None:
        self.prefix, self.reason = prefix, reason
        super().__init__(
            f"the prefix {prefix} could not be put together: {reason}",
            hint="Try again; if it stays so, report it with what CONDARIUM_DEBUG=1 prints.",
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


def worth_another_try(error: Exception, times: int) -> bool:
    """Whether the same request may go better after so many times.

    Not what the disk or the server decided; statuses that may pass (5xx, 429) rattler's client has
    tried again already. Other bytes than those that were locked may be spoiled on the way, but a
    second time they are what the server has.
    """
    if isinstance(error, PackageCorrupt):
        return times < 2
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
    if status in (404, 410) or (number == errno.ENOENT and url.startswith("file:")):
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
    reason, hint = known_reason(text) or known_reason(_found_out(url, text)) or ("", "")
    return PackageUnfetchable(
        url,
        reason or _reason(error),
        hint=hint or "Check the network and try again.",
    )


def say_unlinkable(prefix: object, error: Exception) -> CondariumError:
    number = _errno(error)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"while it made {prefix}")
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreReadOnly(_reason(error))
    return LinkFailed(prefix, _reason(error))


def is_about_the_disk(error: Exception) -> bool:
    """Whether the operating system refused to read or write, in whatever words."""
    return _errno(error) is not None


def _reason(error: Exception) -> str:
    cause = last_cause(str(error))
    if _NO_CAUSE.match(cause):
        return "the server cannot be reached, or breaks the connection off"
    return cause or repr(error)


_NO_CAUSE = re.compile(r"error sending request|Request failed after")
"""What rattler says of a download when it keeps the cause to itself."""


def _found_out(url: str, text: str) -> str:
    """Ask for a connection to find out why there was none, where rattler does not say it.

    Nothing is found out where a proxy stands between. The words are those of rattler.
    """
    place = urlsplit(url)
    if not _NO_CAUSE.search(text) or place.scheme in urllib.request.getproxies():
        return ""
    port = place.port or {"http": 80}.get(place.scheme, 443)
    try:
        socket.create_connection((place.hostname or "", port), timeout=2).close()
    except socket.gaierror:
        return "dns error"
    except TimeoutError:
        return "timed out"
    except OSError as error:
        return error.strerror or ""
    return ""


def _status(text: str) -> int | None:
    found = re.search(r"\b(?:status(?: code)?|HTTP)[^\d]{0,20}(\d{3})\b|\((\d{3}) [A-Z]", text)
    return int(found[1] or found[2]) if found else None


def _errno(error: Exception) -> int | None:
    """The operating system's error, if that is what it was: rattler says it in words only."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"os error (\d+)", str(error))
    number = int(found[1]) if found else None
    disk = (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.ENOENT, errno.EIO),
    )
    return number if number in disk else None
