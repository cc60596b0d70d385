"""multipart/form-data bodies (RFC 7578), as they arrive and in bounded memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from condarium.errors import BadInput

_LONGEST_HEAD = 16 << 10
_BOUNDARY = re.compile(rb'multipart/form-data\s*;.*?boundary="?([^"\s;]{1,70})"?', re.I)
_FIELD = re.compile(rb';\s*name="?((?:[^";\\]|\\.)*)"?', re.I)
_FILE_NAME = re.compile(rb';\s*filename="((?:[^"\\]|\\.)*)"', re.I)


class BadForm(BadInput):
    """The body is not a form."""

    def __init__(self, found: str, expected: str = "multipart/form-data") -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the body: found {found}; expected {expected}")


def boundary_of(content_type: bytes) -> bytes | None:
    """What stands between the parts of a form; None where the body is no form."""
    found = _BOUNDARY.match(content_type)
    return found[1] if found else None


@dataclass(frozen=True, eq=False)
class Part:
    """One field; the names of its headers are in lower case. Only a file has a file name."""

    headers: dict[bytes, bytes]

    @property
    def name(self) -> str:
        return self._said(_FIELD) or ""

    @property
    def file_name(self) -> str | None:
        return self._said(_FILE_NAME)

    def _said(self, what: re.Pattern[bytes]) -> str | None:
        found = what.search(self.headers.get(b"content-disposition", b""))
        return re.sub(rb"\\(.)", rb"\1", found[1]).decode(errors="replace") if found else None


class Form:
    """Takes a body piece by piece, and gives the bytes of its parts."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"
        self._read = self._content
        self._part: Part | None = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[tuple[Part, bytes]]:
        """Give each part at least once, when it begins. Raises BadForm."""
        self._held += data
        going = True
        while going:
            before = self._part
            content, going = self._read()
            if self._part and (content or self._part is not before):
                yield self._part, content

    def end(self) -> None:
        """Raise BadForm where this is not all of it."""
        if not self._ended:
            raise BadForm("one that ends too early")

    def _content(self) -> tuple[bytes, bool]:
        """What is sure to be content: a mark may begin at the end of what came so far."""
        content, mark, rest = self._held.partition(self._mark)
        if not mark:
            sure = max(0, len(self._held) - len(self._mark))
            content, self._held = self._held[:sure], self._held[sure:]
            return content, False
        self._held, self._read = rest, self._after_mark
        return content, True

    def _after_mark(self) -> tuple[bytes, bool]:
        self._part = None
        if len(self._held) < 2:
            return b"", False
        if self._held[:2] == b"--":
            self._ended, self._held, self._read = True, b"", self._nothing
            return b"", False
        self._read = self._head
        return b"", True

    def _head(self) -> tuple[bytes, bool]:
        head, mark, rest = self._held.partition(b"\r\n\r\n")
        if len(head) > _LONGEST_HEAD:
            raise BadForm("a part with a very long head")
        if not mark:
            return b"", False
        self._held, self._read = rest, self._content
        self._part = Part(dict(_header(line) for line in head.split(b"\r\n") if b":" in line))
        return b"", True

    def _nothing(self) -> tuple[bytes, bool]:
        self._held = b""
        return b"", False


class FileOfForm:
    """Gives the bytes of the first file in a body; `part` is what it says of itself."""

    def __init__(self, boundary: bytes) -> None:
        self._form = Form(boundary)
        self.part: Part | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises BadForm."""
        for part, content in self._form.feed(data):
            if self.part is None and part.file_name is not None:
                self.part = part
            if part is self.part and content:
                yield content

    def end(self) -> None:
        """Raise BadForm where there was no file, or not all of it."""
        if self.part is None:
            raise BadForm("none", "multipart/form-data with a file")
        self._form.end()


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()
