"""Read a patch_instructions.json: of one subdir, or of several by their names."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from condarium.model.patches.file_names import CONDA, is_package
from condarium.model.patches.instructions import Instructions
from condarium.model.patches.json_places import load_json, place_at, place_of
from condarium.model.subdirs import is_subdir, likely_subdir
from condarium.model.yamlnodes import Findings, quoted

_KEYS = ("packages", "packages.conda", "revoke", "remove")
_VERSION = "patch_instructions_version"
_WHAT_IT_IS = "say which package it is and are never patched"
_WHICH_BYTES = "say which bytes it has and are never patched"
_NEVER = {
    **dict.fromkeys(("name", "version", "build", "subdir"), _WHAT_IT_IS),
    **dict.fromkeys(("md5", "sha256", "size"), _WHICH_BYTES),
    **dict.fromkeys(("legacy_bz2_md5", "legacy_bz2_size"), _WHICH_BYTES),
    "indexed_timestamp": "is set by the channel and never changes (CEP 47)",
}
_LISTS = ("depends", "constrains")

Path = tuple[str | int, ...]


class InstructionsReader:
    """Reads one text; what is wrong goes to `findings`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def read(self, subdir: str | None) -> dict[str, Instructions]:
        """Give the instructions by their subdir; `subdir` is theirs if they do not say it."""
        content = self._parse()
        if content is None:
            return {}
        if content and all(_is_likely_subdir(key) for key in content):
            for key in content:
                if not is_subdir(key):
                    hint = f"Did you mean {likely_subdir(key)!r}?"
                    self._problem((key,), quoted(key), "a subdir", hint)
            return {key: self._instructions(value, (key,)) for key, value in content.items()}
        if subdir is None:
            hint = 'Say the subdir, or put the instructions below its name: {"linux-64": {…}}.'
            self._problem((), "instructions without a subdir", "instructions of one subdir", hint)
        return {subdir or "": self._instructions(content, ())}

    def _parse(self) -> dict[str, Any] | None:
        text = self._findings.text
        try:
            content, twice = load_json(text)
        except json.JSONDecodeError as error:
            place = place_at(text, error.pos)
            hint = "Check commas, quotes and brackets here and in the line before."
            self._findings.problem(place, f"what is not JSON ({error.msg})", "JSON", hint)
            return None
        except RecursionError:
            self._findings.problem(None, "lists or mappings in each other", "a few levels")
            return None
        for key in twice:
            second = place_at(text, text.rfind(json.dumps(key)))
            found = f"{key!r} a second time"
            self._findings.problem(second, found, "every key once", "Put both into one.")
        if not isinstance(content, dict):
            self._problem((), _kind(content), "an object with packages, revoke, remove …")
            return None
        return content

    def _instructions(self, content: Any, at: Path) -> Instructions:
        if not isinstance(content, dict):
            self._problem(at, _kind(content), "an object with packages, revoke, remove …")
            content = {}
        for key in content.keys() - {*_KEYS, _VERSION}:
            near = get_close_matches(key, _KEYS, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]!r}?" if near else None
            self._problem((*at, key), f"the key {key!r}", ", ".join(_KEYS), hint)
        if content.get(_VERSION, 1) != 1:
            found = f"version {content[_VERSION]!r}"
            self._problem((*at, _VERSION), found, "version 1, the only one there is")
        return Instructions(
            packages=self._updates(content, "packages", at),
            packages_conda=self._updates(content, "packages.conda", at),
            revoke=self._files(content, "revoke", at),
            remove=self._files(content, "remove", at),
        )

    def _updates(
        self, content: Mapping[str, Any], key: str, at: Path
    ) -> dict[str, Mapping[str, Any]]:
        updates = content.get(key, {})
        if not isinstance(updates, dict):
            self._problem((*at, key), _kind(updates), "an object: file name → changes")
            return {}
        for file, update in updates.items():
            self._check_file(file, (*at, key, file), only_conda=key == "packages.conda")
            self._check_update(update, (*at, key, file))
        return updates

    def _check_update(self, update: Any, at: Path) -> None:
        if not isinstance(update, dict):
            hint = "To take a file out of the index, name it under 'remove'."
            self._problem(at, _kind(update), "an object: the keys that change", hint)
            return
        for key, value in update.items():
            if key in _NEVER:
                hint = f"A package's {key} {_NEVER[key]}: leave it out."
                self._problem((*at, key), f"a change of {key!r}", "keys that may change", hint)
            elif key in _LISTS and value is not None and not _is_texts(value):
                self._problem((*at, key), _no_texts(value), "a list of texts, or null")

    def _files(self, content: Mapping[str, Any], key: str, at: Path) -> frozenset[str]:
        files = content.get(key, [])
        if not _is_texts(files):
            self._problem((*at, key), _no_texts(files), "a list of file names")
            return frozenset()
        for number, file in enumerate(files):
            self._check_file(file, (*at, key, number))
        return frozenset(files)

    def _check_file(self, file: str, at: Path, *, only_conda: bool = False) -> None:
        if not is_package(file):
            hint = "Name each file in full; patterns go into rules ('artifact_in:')."
            self._problem(at, quoted(file), "name-version-build.conda, or .tar.bz2", hint)
        elif only_conda and not file.endswith(CONDA):
            hint = "Put it under 'packages'."
            self._problem(at, quoted(file), "a .conda file under 'packages.conda'", hint)

    def _problem(
        self, path: Sequence[str | int], found: str, expected: str, hint: str | None = None
    ) -> None:
        place = place_of(self._findings.text, path)
        self._findings.problem(place, found, expected, hint)


def _is_likely_subdir(key: str) -> bool:
    return key not in (*_KEYS, _VERSION) and (is_subdir(key) or likely_subdir(key) is not None)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "an object" if isinstance(value, dict) else quoted(json.dumps(value))[1:-1]


def _no_texts(value: Any) -> str:
    return "a list with more than texts" if isinstance(value, list) else _kind(value)
