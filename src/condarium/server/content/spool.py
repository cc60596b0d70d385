"""Large responses that are made in memory, as files.

A file is sent by the server's own threads; bytes are copied by the one that runs Python, which
answers a third as many requests where each has a megabyte.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from weakref import finalize

from condarium.server.responses import Body, FileBody

_LARGE = 256 << 10
_LATELY = 16
"""How many files stay although nothing refers to them: a response may be on its way to be sent."""


@dataclass(frozen=True, kw_only=True)
class SpooledBody(FileBody):
    """A file that takes room on disk for as long as somebody holds this."""


class Spool:
    """Keeps a file for as long as somebody holds the body that stands for it."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="condarium-serving-")
        self._lately: deque[SpooledBody] = deque(maxlen=_LATELY)

    def body(self, content: bytes) -> Body:
        """Give a file with the content, or the content itself: it is small, or there is no room."""
        if len(content) < _LARGE:
            return content
        path = Path(self._folder.name, token_hex(8))
        try:
            path.write_bytes(content)
        except OSError:
            with suppress(OSError):
                path.unlink()
            return content
        body = SpooledBody(path=path, size=len(content))
        finalize(body, path.unlink, missing_ok=True)
        self._lately.append(body)
        return body

    def close(self) -> None:
        self._lately.clear()
        self._folder.cleanup()
