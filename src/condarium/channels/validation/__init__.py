"""Packages, checked before anything of them is visible: `read_package` reads or refuses one."""

from condarium.channels.validation.limits import Limits
from condarium.channels.validation.reading import read_package
from condarium.channels.validation.refusal import RULES, PackageRefused

__all__ = ["RULES", "Limits", "PackageRefused", "read_package"]
