"""The Python API: the same operations as the command line, in process."""

from condarium.client.client import Client

__all__ = ["Client"]
