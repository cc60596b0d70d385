"""condarium: the conda infrastructure an organisation runs for itself."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from condarium.client import Client

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the client when it is first asked for, so that importing condarium stays cheap."""
    if name == "Client":
        return import_module("condarium.client").Client
    raise AttributeError(f"module 'condarium' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
