"""Metadata patches: pure rules of what a channel's records say, whatever their packages say.

Two kinds are read: the YAML rules of conda-forge's repodata patches, and patch_instructions.json.
Rules do what their documentation promises, and never fail on a record: a comparison or a change
that a record has no value for is left out. Versions are compared as conda does.
"""

from condarium.model.patches.patch import SEMANTICS, BadPatch, Patch, read_patch
from condarium.model.patches.patch_set import Patched, PatchSet, Record

__all__ = ["SEMANTICS", "BadPatch", "Patch", "PatchSet", "Patched", "Record", "read_patch"]
