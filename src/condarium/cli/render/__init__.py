"""How results look to a person: one function for each type that an operation answers."""

from condarium.cli.render import (
    channel_patches,
    channels,
    environments,
    making,
    questions,
    quickstart,
    remote,
    serve,
    sources,
    store,
)
from condarium.cli.render.registry import renderer

__all__ = [
    "channel_patches",
    "channels",
    "environments",
    "making",
    "questions",
    "quickstart",
    "remote",
    "renderer",
    "serve",
    "sources",
    "store",
]
