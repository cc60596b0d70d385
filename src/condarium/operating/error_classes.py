"""The classes of errors by their codes, also of those that this process has not imported."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import condarium
from condarium.errors import CondariumError


def classes_of(code: str) -> list[type[CondariumError]]:
    """The classes that condarium declares with this code; most have one of their own."""
    return _found(code) or (_found(code) if _import(code) else [])


def _found(code: str) -> list[type[CondariumError]]:
    return [kind for kind in _below(CondariumError) if kind.code == code and _is_declared(kind)]


def _below(root: type[CondariumError]) -> Iterator[type[CondariumError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _below(kind)


def _is_declared(kind: type[CondariumError]) -> bool:
    """Whether a module of ours has it: not one that was made for a code that nothing has here."""
    module = sys.modules.get(kind.__module__)
    ours = kind.__module__.startswith("condarium.")
    return ours and getattr(module, kind.__name__, None) is kind


@cache
def _import(code: str) -> bool:
    """Import the modules that declare an error with this code; whether there are any."""
    if not re.fullmatch(r"[a-z0-9-]+", code):
        return False
    name = re.compile(rf"^class {code.replace('-', '')}\(", re.MULTILINE | re.IGNORECASE)
    found = False
    for module in pkgutil.walk_packages(condarium.__path__, "condarium.", onerror=lambda _: None):
        source = Path(condarium.__path__[0], *module.name.split(".")[1:]).with_suffix(".py")
        if source.is_file() and name.search(source.read_text(encoding="utf-8")):
            importlib.import_module(module.name)
            found = True
    return found
