"""Patches made out of texts, and out of records before and after."""

import json
from collections.abc import Mapping
from typing import Any

from condarium.model.document import Document
from condarium.model.patches import Patch, Record, read_patch
from condarium.model.patches.instructions import merged


def rules(text: str) -> Patch:
    return read_patch(Document("patch.yaml", text.encode()))


def instructions(subdir: str, **content: Any) -> Patch:
    """Make instructions; `packages_conda` stands for `packages.conda`."""
    named = {key.replace("_conda", ".conda"): value for key, value in content.items()}
    document = Document("patch_instructions.json", json.dumps(named).encode())
    return read_patch(document, subdir=subdir)


def instructions_between(before: Mapping[str, Record], after: Mapping[str, Record]) -> Any:
    """Express what has become of records as a patch_instructions.json.

    What is said of a .tar.bz2 file also reaches its .conda twin, so that one is set right again.
    """
    packages = dict[str, Any]()
    conda = dict[str, Any]()
    for file in sorted(before.keys() & after.keys(), key=lambda each: each.endswith(".conda")):
        if file.endswith(".tar.bz2"):
            if update := _update(before[file], after[file]):
                packages[file] = update
        else:
            other = packages.get(file.removesuffix(".conda") + ".tar.bz2", {})
            if update := _update(merged(before[file], other), after[file]):
                conda[file] = update
    gone = sorted(before.keys() - after.keys())
    return {"packages": packages, "packages.conda": conda, "revoke": [], "remove": gone}


def _update(before: Record, after: Record) -> Record:
    deleted = dict.fromkeys(before.keys() - after.keys())
    return {**deleted, **{k: v for k, v in after.items() if k not in before or before[k] != v}}
