"""How plain forms look (JSON Schema), out of the types that operations answer."""

import dataclasses
import inspect
import types
import typing
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin

from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page
from condarium.model.plain import attributes
from condarium.model.view import ChannelName, View

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
KINDS: dict[Any, Schema] = {
    str: TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    EnvironmentName: {**TEXT, "examples": ["lab/fit"]},
    ChannelName: {**TEXT, "examples": ["lab"]},
    ResourceName: {**TEXT, "examples": ["gpu-a100"]},
    View: {**TEXT, "examples": ["lab", "lab/label/dev", "lab/as-of/r12", "lab/cooldown/7d"]},
}


def ref(name: str, kind: str = "schemas") -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


class Answers:
    """The schemas of plain forms (`to_plain`), those of dataclasses by name."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._named: dict[type, str] = {}

    def schema(self, hint: Any) -> Schema:
        origin, inner = get_origin(hint), get_args(hint)
        if hint in KINDS:
            return KINDS[hint]
        if hint is timedelta:
            return {"type": "number", "description": "seconds"}
        if hint is datetime:
            return {**TEXT, "format": "date-time"}
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.schema(each) for each in inner]}
        if origin is Page:
            return self._page(inner[0])
        if origin is tuple:
            return {"type": "array", "items": self.schema(inner[0])}
        if origin is not None:
            return {"type": "object", "additionalProperties": self.schema(inner[1])}
        return self._class(hint) if inspect.isclass(hint) else {}

    def _class(self, kind: type) -> Schema:
        if issubclass(kind, Enum):
            return {**TEXT, "enum": [each.value for each in kind]}
        if not dataclasses.is_dataclass(kind):
            return TEXT if issubclass(kind, PurePath) else {}
        name = self._named.setdefault(kind, self._free(kind.__name__))
        if name not in self.schemas:
            self.schemas[name] = {}  # it may have others of its kind in it
            self.schemas[name] = self._dataclass(kind)
        return ref(name)

    def _free(self, name: str) -> str:
        """A name that no other class has: two rooms may call a thing alike."""
        taken = set(self._named.values())
        return name if name not in taken else self._free(f"{name}_")

    def _page(self, kind: Any) -> Schema:
        following = {"anyOf": [TEXT, KINDS[type(None)]], "description": "the next page's cursor"}
        items = {"type": "array", "items": self.schema(kind)}
        return {
            "type": "object",
            "properties": {"items": items, "next": following},
            "required": ["items", "next"],
        }

    def _dataclass(self, kind: type) -> Schema:
        hints = typing.get_type_hints(kind)
        for name in attributes(kind):
            if isinstance(found := inspect.getattr_static(kind, name, None), property):
                hints[name] = typing.get_type_hints(found.fget).get("return", Any)
        properties = {name: self.schema(hints[name]) for name in attributes(kind)}
        said = {"type": "object", "properties": properties, "required": list(properties)}
        return {**said, "description": about} if (about := _about(kind)) else said


def _about(kind: type) -> str:
    """A class's docstring; one that it does not have is made of its fields."""
    about = inspect.getdoc(kind) or ""
    return "" if about.startswith(f"{kind.__name__}(") else about
