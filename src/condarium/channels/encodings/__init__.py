"""Monolithic encodings: an index as one file, for clients that do not read shards.

Each is a join of the shards that a view names, so all agree with them and with each other.
"""

from condarium.channels.encodings.encodings import Encodings, NoSuchEncoding
from condarium.channels.encodings.files import CHANNEL_FILES, SUBDIR_FILES
from condarium.model.hosting.encoded import Encoded

__all__ = ["CHANNEL_FILES", "SUBDIR_FILES", "Encoded", "Encodings", "NoSuchEncoding"]
