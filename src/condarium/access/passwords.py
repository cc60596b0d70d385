"""Passwords: how they are checked, and how they are kept (argon2id, its library's defaults)."""

from functools import cache
from typing import TYPE_CHECKING

from condarium.errors import BadInput
from condarium.model.document import Document
from condarium.model.secret import Secret

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 12
_LONGEST = 1024
"""In characters: hashing takes time that grows with what is hashed."""


class WeakPassword(BadInput):
    """The password is too short, or is one that is guessed first."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the password {reason}",
            hint=f"Choose one of at least {SHORTEST} characters; several words do well.",
        )


def password_in(document: Document) -> Secret:
    """The password that a file holds: its first line. Raises BadInput where it is not UTF-8."""
    try:
        text = document.content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{document.name} is not UTF-8 text") from error
    return Secret(text.partition("\n")[0].rstrip("\r"))


def hash_password(password: Secret, *, name: str) -> str:
    """Hash the password of the account `name`, to keep. Raises WeakPassword."""
    text = password.reveal()
    if len(text) < SHORTEST:
        raise WeakPassword(f"has {len(text)} characters; expected {SHORTEST} or more")
    if len(text) > _LONGEST:
        raise WeakPassword(f"has more than {_LONGEST} characters")
    if len(set(text)) < 4 or name.lower() in (text.lower(), text[: len(text) // 2].lower()):
        raise WeakPassword("is one that is guessed first")
    return _hasher().hash(text)


def verify_password(kept: str | None, password: Secret) -> bool:
    """Tell whether a password is the one whose hash is kept; it takes as long where none is."""
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    text = password.reveal()[:_LONGEST]
    try:
        return _hasher().verify(kept or _of_nobody(), text) and kept is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def rehashed(kept: str, password: Secret) -> str | None:
    """Hash a password that is right anew, where it was with weaker parameters than are used now."""
    if not _hasher().check_needs_rehash(kept):
        return None
    return _hasher().hash(password.reveal()[:_LONGEST])


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _of_nobody() -> str:
    """A hash to compare with where there is no account, so that the time tells nothing."""
    return _hasher().hash("nobody has this password")
