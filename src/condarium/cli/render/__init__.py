"""How results look to a person: one function for each type that an operation answers."""

from condarium.cli.render import environments, making, questions, quickstart, remote, store
from condarium.cli.render.registry import renderer

__all__ = ["environments", "making", "questions", "quickstart", "remote", "renderer", "store"]
