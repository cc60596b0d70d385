"""What a request carries: read in pieces, and never more of it in memory than is meant to be."""

import tempfile
from collections.abc import AsyncGenerator
from typing import IO

from condarium.errors import BadInput
from condarium.server.problems import TooLarge
from condarium.server.responses import Receive
from condarium.storage.layout import Layout
from condarium.storage.modes import make_folder

_AT_ONCE = 1 << 20
"""How many bytes are given at once."""


class UploadBroken(BadInput):
    """The upload ended before it was whole."""


async def pieces_of(receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    """The request's body, in pieces that are worth a thread. Raises TooLarge, UploadBroken."""
    pieces: list[bytes] = []
    total, going = 0, True
    while going:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UploadBroken
        piece, going = message.get("body", b""), message.get("more_body", False)
        total += len(piece)
        if total > limit:
            raise TooLarge(limit)
        pieces.append(piece)
        if not going or sum(map(len, pieces)) >= _AT_ONCE:
            yield b"".join(pieces)
            pieces = []


def nameless_file(layout: Layout) -> IO[bytes]:
    """A file in the store that is gone when it is closed, or when this process is killed."""
    make_folder(layout.incoming)
    return tempfile.TemporaryFile(dir=layout.incoming)
