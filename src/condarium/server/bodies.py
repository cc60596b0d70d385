"""What a request carries: read in pieces, and never more of it in memory than is meant to be."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from time import monotonic
from typing import IO

from condarium.errors import BadInput
from condarium.server.problems import TooLarge
from condarium.server.responses import Receive
from condarium.storage.layout import Layout
from condarium.storage.modes import make_folder

_AT_ONCE = 1 << 20
"""How many bytes are given at once."""
PATIENCE = 30.0
"""How many seconds a body may take beside those that its bytes need."""
SLOWEST = 4096
"""How many bytes are expected each second, after all."""


class UploadBroken(BadInput):
    """The upload ended before it was whole."""


class TooSlow(BadInput):
    """The body comes so slowly that somebody may only want to keep us busy."""

    def __init__(self, received: int) -> None:
        self.received = received
        super().__init__(
            f"gave up after {received} bytes of the body: they came too slowly",
            hint="Send it again over a faster connection.",
        )


async def pieces_of(receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    """The request's body, in pieces that are worth a thread.

    Raises TooLarge, UploadBroken, TooSlow.
    """
    pieces: list[bytes] = []
    total, going = 0, True
    begun = monotonic()
    while going:
        left = begun + PATIENCE + total / SLOWEST - monotonic()
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError:
            raise TooSlow(total) from None
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
