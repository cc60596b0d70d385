"""The one file in a multipart/form-data body (RFC 7578), as it arrives and in bounded memory."""

import re
from collections.abc import Iterator

from condarium.errors import BadInput

_LONGEST_HEAD = 16 << 10
_BOUNDARY = re.compile(rb'multipart/form-data\s*;.*?boundary="?([^"\s;]{1,70})"?', re.I)
_FILE_NAME = re.compile(rb';\s*filename="((?:[^"\\]|\\.)*)"', re.I)


class BadForm(BadInput):
    """The body is not a form with a file."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"the body is no multipart/form-data with one file: found {found}")


def boundary_of(content_type: bytes) -> bytes | None:
    """What stands between the parts of a form; None where the body is no form."""
    found = _BOUNDARY.match(content_type)
    return found[1] if found else None


class FileOfForm:
    """Takes a body piece by piece, and gives the bytes of its first file.

    `headers` are that part's, with names in lower case, and `name` its file name.
    """

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"
        self._read = self._part
        self._in_file = False
        self.headers: dict[bytes, bytes] | None = None
        self.name = ""
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises BadForm."""
        self._held += data
        going = True
        while going:
            content, going = self._read()
            if content and self._in_file:
                yield content

    def end(self) -> None:
        """Raise BadForm where there was no file, or not all of it."""
        if self.headers is None:
            raise BadForm("none")
        if not self.ended:
            raise BadForm("one that ends too early")

    def _part(self) -> tuple[bytes, bool]:
        """What is sure to be content: a mark may begin at the end of what came so far."""
        content, mark, rest = self._held.partition(self._mark)
        if not mark:
            sure = max(0, len(self._held) - len(self._mark))
            content, self._held = self._held[:sure], self._held[sure:]
            return content, False
        self._held, self._read = rest, self._after_mark
        return content, True

    def _after_mark(self) -> tuple[bytes, bool]:
        self._in_file = False
        if len(self._held) < 2:
            return b"", False
        if self._held[:2] == b"--":
            self.ended, self._held, self._read = True, b"", self._nothing
            return b"", False
        self._read = self._head
        return b"", True

    def _head(self) -> tuple[bytes, bool]:
        head, mark, rest = self._held.partition(b"\r\n\r\n")
        if len(head) > _LONGEST_HEAD:
            raise BadForm("a part with a very long head")
        if not mark:
            return b"", False
        self._held, self._read = rest, self._part
        self._begin(dict(_header(line) for line in head.split(b"\r\n") if b":" in line))
        return b"", True

    def _nothing(self) -> tuple[bytes, bool]:
        self._held = b""
        return b"", False

    def _begin(self, headers: dict[bytes, bytes]) -> None:
        named = _FILE_NAME.search(headers.get(b"content-disposition", b""))
        if named and self.headers is None:
            self._in_file, self.headers = True, headers
            self.name = re.sub(rb"\\(.)", rb"\1", named[1]).decode(errors="replace")


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()
