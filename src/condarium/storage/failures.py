"""What goes wrong below storage, in our own words.

Drivers and object stores tell disk trouble in text only, so that is where it is recognised.
"""

import errno
import re

from condarium.errors import (
    BadInput,
    CondariumError,
    Conflict,
    DatabaseFailed,
    Failed,
    StoreFull,
    StoreReadOnly,
)


class BadStoreAddress(BadInput):
    """CONDARIUM_DATABASE or CONDARIUM_BLOBS does not say where to keep things."""

    def __init__(self, what: str, found: str, expected: str, *, hint: str | None = None) -> None:
        self.what, self.found, self.expected = what, found, expected
        super().__init__(f"{what}: found {found}; expected {expected}", hint=hint)


class BlobsFailed(Failed):
    """The object store did not do what was asked."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the store of blobs failed: {found}",
            hint="Check that CONDARIUM_BLOBS names a bucket that exists, and the AWS_* variables "
            "for its endpoint, region and credentials.",
        )


class StoreBusy(Conflict):
    """Another change to this store takes long."""

    def __init__(self) -> None:
        super().__init__(
            "another change to this store takes long: it was waited for in vain",
            hint="Try again in a while. Where many write, keep facts in PostgreSQL "
            "(CONDARIUM_DATABASE), where one change does not hold up those to other channels.",
        )


class StoreUnreadable(Failed):
    """Something in the store may not be read."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the store may not be read: {found}",
            hint="Ask whoever owns it to let you read it: chmod -R g+rX or o+rX.",
        )


def say_database_error(error: Exception) -> CondariumError:
    """Put in words what a database driver raised."""
    text = str(error).strip()
    if "disk is full" in text or "No space left on device" in text:
        return StoreFull("for the database")
    if "database is locked" in text:
        return StoreBusy()
    if "readonly database" in text or "read-only file system" in text.lower():
        return StoreReadOnly(f"its database: {text}")
    if "not a database" in text or "malformed" in text:
        return DatabaseFailed(
            text, hint="Restore the database from a backup, or move it away to begin a new one."
        )
    return DatabaseFailed(text)


def say_blobs_error(error: Exception, *, reading: bool = False) -> CondariumError:
    """Put in words what obstore raised; after the first lines it prints its own structures."""
    text = " ".join(str(error).partition("Debug source:")[0].split())
    number = re.search(r"os error (\d+)", text)
    if reading and (
        isinstance(error, PermissionError) or (number and int(number[1]) == errno.EACCES)
    ):
        return StoreUnreadable(text)
    return say_system_error(int(number[1]) if number else None, text) or BlobsFailed(text)


def say_system_error(number: int | None, text: str) -> CondariumError | None:
    """The error for a full disk or one that may not be written to; None for any other."""
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"({text})")
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreReadOnly(text)
    return None
