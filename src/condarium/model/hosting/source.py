"""Source archives: what packages are built from, kept by hash for the day that upstream is gone."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from condarium.errors import BadInput
from condarium.model.secret import redact_url

_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadSource(BadInput):
    """A source archive is not what it was said to be."""

    def __init__(self, what: str, *, found: str, expected: str) -> None:
        self.what, self.found, self.expected = what, found, expected
        super().__init__(
            f"{what}: found {found}; expected {expected}",
            hint="Nothing was kept. Check the file, its URL and its hash against the recipe.",
        )


@dataclass(frozen=True, kw_only=True)
class SourceUrl:
    """Where upstream had an archive, and when it was first said so here."""

    url: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source archive. `size` is in bytes; `public` whether it may be had without a token."""

    sha256: str
    size: int
    file_name: str
    public: bool
    at: datetime
    actor: str
    urls: tuple[SourceUrl, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AddedSource:
    """`status` says whether the archive is new, has a new URL, or both were there already."""

    source: Source
    status: Literal["added", "url added", "there already"]
    warnings: tuple[str, ...] = ()


def check_sha256(text: str) -> str:
    """Give a SHA-256 in lower case. Raises BadSource."""
    digest = text.strip().lower().removeprefix("sha256:")
    if not _SHA256.fullmatch(digest):
        raise BadSource("sha256", found=repr(text), expected="64 hexadecimal digits")
    return digest


def check_source_url(text: str) -> str:
    """Give a URL of an archive. Raises BadSource; credentials have no place in it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https", "ftp") or not parts.hostname:
        raise BadSource("url", found=repr(redact_url(text)), expected="an http or https URL")
    if parts.username or parts.password:
        raise BadSource("url", found="credentials in it", expected="a URL that all may see")
    return text
