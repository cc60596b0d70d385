"""The settings, read once at the entry point and passed on."""

from condarium.settings.reading import BadSetting
from condarium.settings.server import ServerSettings
from condarium.settings.store import Settings

__all__ = ["BadSetting", "ServerSettings", "Settings"]
