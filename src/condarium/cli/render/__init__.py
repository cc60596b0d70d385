"""How results look to a person: one function for each type that an operation answers."""

from condarium.cli.render import (
    audit,
    channel_history,
    channel_patches,
    channel_queries,
    channels,
    environments,
    login,
    making,
    operating,
    questions,
    quickstart,
    remote,
    serve,
    sources,
    store,
    transfer,
    verify_channel,
)
from condarium.cli.render.registry import renderer

__all__ = [
    "access",
    "audit",
    "channel_history",
    "channel_patches",
    "channel_queries",
    "channels",
    "environments",
    "login",
    "making",
    "operating",
    "questions",
    "quickstart",
    "remote",
    "renderer",
    "serve",
    "sources",
    "store",
    "transfer",
    "verify_channel",
]
