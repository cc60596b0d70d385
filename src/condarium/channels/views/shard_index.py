"""The index of shards of a view's subdir (CEP 16)."""

from collections.abc import Mapping

import msgspec

from condarium.channels.shard import compress
from condarium.model.view import View

FILE_NAME = "repodata_shards.msgpack.zst"
_LEVEL = 1
"""Most of it are hashes, which no level makes smaller."""
_encoder = msgspec.msgpack.Encoder(order="sorted")


def encode_shard_index(view: View, subdir: str, names: Mapping[str, bytes]) -> bytes:
    """Encode which shard each name has; equal maps give equal bytes.

    It holds no instant, so that a subdir that a revision did not touch keeps its index. Shards
    lie at one place for all of a channel's views, and on its own origin, which credentials need.
    """
    up = "../" * (str(view).count("/") + 1)
    info = {"subdir": subdir, "base_url": "./", "shards_base_url": f"{up}shards/"}
    return compress(_encoder.encode({"version": 1, "info": info, "shards": names}), level=_LEVEL)
