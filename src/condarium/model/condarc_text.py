"""One `.condarc` file, or the CONDA_* variables, read into settings that know where they stand."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, NoReturn

import yaml

from condarium.errors import BadCondarc
from condarium.model.channel_url import BadChannel, parse_channel_url, unset_variable
from condarium.model.document import Document
from condarium.model.secret import redact_broken_url, redact_url

Kind = Literal[
    "text", "flag", "seconds", "count", "verify", "priority", "list", "map", "map of lists"
]

KEYS: Mapping[str, Kind] = {
    "channels": "list",
    "default_channels": "list",
    "channel_alias": "text",
    "custom_channels": "map",
    "custom_multichannels": "map of lists",
    "channel_priority": "priority",
    "allowlist_channels": "list",
    "denylist_channels": "list",
    "pinned_packages": "list",
    "ssl_verify": "verify",
    "proxy_servers": "map",
    "offline": "flag",
    "remote_connect_timeout_secs": "seconds",
    "remote_read_timeout_secs": "seconds",
    "remote_max_retries": "count",
}
_ALIASES = {
    "channel": "channels",
    "verify_ssl": "ssl_verify",
    "whitelist_channels": "allowlist_channels",
}
# Where a relative path may stand: it starts at the folder of the file that says it.
_PLACES = {
    "channels", "default_channels", "channel_alias", "custom_channels", "custom_multichannels",
    "allowlist_channels", "denylist_channels", "ssl_verify",
}  # fmt: skip
# Where a URL is that of a channel, or of a place with channels in it.
_CHANNELS = _PLACES - {"ssl_verify"}
_EXPECTED: Mapping[Kind, str] = {
    "text": "a text",
    "flag": "true or false",
    "seconds": "a number of seconds above 0",
    "count": "a whole number, 0 or more",
    "verify": "true, false, truststore, or the path of a file of certificates",
    "priority": "strict, flexible or disabled",
    "list": "a list",
    "map": "a map of names to texts",
    "map of lists": "a map of names to lists",
}
_TRUE = {"true", "yes", "on", "y", "1"}
_FALSE = {"false", "no", "off", "n", "0"}
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[^}]+)\}|(?P<plain>\w+))")
_FLAG = re.compile(r"#\s*!\s*(final|top|bottom)\b")


@dataclass(frozen=True)
class Item:
    """An entry of a list; `flag` is "top" or "bottom" where a comment `#!top` moves it there."""

    text: str
    flag: str = ""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What one place says about one key.

    `value` is a tuple of Items for a list, of (name, value, final) for a map.
    """

    key: str
    kind: Kind
    value: Any
    final: bool = False


@dataclass(frozen=True, kw_only=True)
class Layer:
    """All that one file, or the environment, says."""

    name: str
    settings: tuple[Setting, ...]


class _Mismatch(Exception):
    """A value is of another kind than its key; `line` counts from 1."""

    def __init__(self, found: str, line: int | None = None, expected: str | None = None) -> None:
        self.found, self.line, self.expected = redact_url(found), line, expected
        super().__init__(found)


def parse_condarc(document: Document, environ: Mapping[str, str], home: PurePath) -> Layer:
    """Read the text of one file. Keys that condarium does not honour are passed over.

    `$NAME` and `${NAME}` become the variable's value; one that is not set stays as it is.
    Raises BadCondarc with the line where the text is no YAML or a value has the wrong type.
    """
    text = _decode(document)
    reader = _Reader(document, text.splitlines(), environ, home)
    return Layer(name=document.name, settings=tuple(reader.settings(_compose(document, text))))


def parse_variables(environ: Mapping[str, str], home: PurePath) -> Layer:
    """Read CONDA_CHANNELS=a,b, CONDA_SSL_VERIFY=false and so on; empty ones count as not set.

    Raises BadCondarc where a value has the wrong type.
    """
    settings = []
    for name, key in [*((key, key) for key in KEYS), *_ALIASES.items()]:
        text = environ.get(f"CONDA_{name.upper()}", "")
        kind = KEYS[key]
        if not text or kind in ("map", "map of lists"):
            continue
        try:
            value = _from_variable(key, kind, _expand(text, environ), home)
        except _Mismatch as error:
            raise BadCondarc(
                f"the variable CONDA_{name.upper()}",
                found=error.found,
                expected=error.expected or _EXPECTED[kind],
            ) from None
        settings.append(Setting(key=key, kind=kind, value=value))
    return Layer(name="the CONDA_* variables", settings=tuple(settings))


def _from_variable(key: str, kind: Kind, text: str, home: PurePath) -> Any:
    if kind == "list":
        parts = text.split("&" if key == "pinned_packages" else ",")
        return tuple(Item(_anchor(key, part.strip(), None, home)) for part in parts if part.strip())
    return _anchor(key, _SCALARS[kind](text), None, home)


@dataclass(frozen=True)
class _Reader:
    document: Document
    lines: list[str]
    environ: Mapping[str, str]
    home: PurePath

    def settings(self, root: yaml.Node | None) -> Iterator[Setting]:
        if root is None or _is_null(root):
            return
        if not isinstance(root, yaml.MappingNode):
            self._refuse("the file", _describe(root), "'key: value' lines", _line(root))
        seen: dict[str, int] = {}
        for name, node in root.value:
            key = _ALIASES.get(name.value, name.value) if _is_text(name) else ""
            if key not in KEYS or _is_null(node):
                continue
            if key in seen:
                found = f"it a second time (the first is in line {seen[key]})"
                self._refuse(name.value, found, "every key once", _line(name))
            seen[key] = _line(name)
            yield self._setting(key, name, node)

    def _setting(self, key: str, name: yaml.Node, node: yaml.Node) -> Setting:
        kind = KEYS[key]
        try:
            value = self._value(key, kind, node)
        except _Mismatch as error:
            self._refuse(
                key, error.found, error.expected or _EXPECTED[kind], error.line or _line(node)
            )
        return Setting(key=key, kind=kind, value=value, final=self._flag(name) == "final")

    def _value(self, key: str, kind: Kind, node: yaml.Node) -> Any:
        if kind == "list":
            return tuple(self._items(key, node))
        if kind in ("map", "map of lists"):
            return tuple(self._entries(key, kind, node))
        if not isinstance(node, yaml.ScalarNode):
            raise _Mismatch(_describe(node))
        if kind == "text" and not _is_text(node):
            raise _Mismatch(_describe(node))
        value = self._anchor(key, _SCALARS[kind](self._expand(node)))
        _check_channel(key, value, _line(node))
        return value

    def _items(self, key: str, node: yaml.Node) -> Iterator[Item]:
        if not isinstance(node, yaml.SequenceNode):
            raise _Mismatch(_describe(node), expected=f"a list:\n    {key}:\n      - NAME\n   ")
        for each in node.value:
            if not isinstance(each, yaml.ScalarNode) or _is_null(each):
                raise _Mismatch(f"{_describe(each)} in the list", _line(each), "texts")
            text = self._anchor(key, self._expand(each))
            _check_channel(key, text, _line(each))
            yield Item(text, self._flag(each))

    def _entries(self, key: str, kind: Kind, node: yaml.Node) -> Iterator[tuple[str, Any, bool]]:
        if not isinstance(node, yaml.MappingNode):
            raise _Mismatch(_describe(node))
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise _Mismatch(f"{_describe(name)} as a name", _line(name))
            if _is_null(value):
                continue
            found: Any
            if kind == "map of lists":
                found = tuple(item.text for item in self._items_of(key, name.value, value))
            elif _is_text(value):
                found = self._anchor(key, self._expand(value))
                _check_channel(key, found, _line(value))
            else:
                raise _Mismatch(f"{_describe(value)} for {name.value!r}", _line(value))
            yield name.value, found, self._flag(name) == "final"

    def _items_of(self, key: str, name: str, node: yaml.Node) -> Iterator[Item]:
        if not isinstance(node, yaml.SequenceNode):
            raise _Mismatch(f"{_describe(node)} for {name!r}", _line(node))
        return self._items(key, node)

    def _expand(self, node: yaml.ScalarNode) -> str:
        return _expand(str(node.value), self.environ)

    def _anchor(self, key: str, value: Any) -> Any:
        return _anchor(key, value, self.document.folder, self.home)

    def _flag(self, node: yaml.Node) -> str:
        """The comment `#!final`, `#!top` or `#!bottom` at the end of the line of a node."""
        found = _FLAG.search(self.lines[node.start_mark.line][node.start_mark.column :])
        return found.group(1) if found else ""

    def _refuse(self, key: str, found: str, expected: str, line: int) -> NoReturn:
        raise BadCondarc(self.document.name, line=line, key=key, found=found, expected=expected)


def _decode(document: Document) -> str:
    try:
        return document.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = document.content[: error.start].count(b"\n") + 1
        raise BadCondarc(
            document.name, line=line, found="bytes that are not UTF-8", expected="a text in UTF-8"
        ) from error


def _compose(document: Document, text: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadCondarc(
            document.name,
            line=mark.line + 1 if mark else 1,
            found=f"something that is not YAML ({error.problem or error.context})",
            expected="'key: value' lines, with spaces (no tabs) to indent",
        ) from error
    except yaml.YAMLError as error:
        raise BadCondarc(
            document.name, line=1, found=f"something that is not YAML ({error})", expected="YAML"
        ) from error
    return node


def _flag(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise _Mismatch(repr(text))


def _verify(text: str) -> bool | str:
    return _flag(text) if text.lower() in _TRUE | _FALSE else text


def _priority(text: str) -> str:
    """`true` and `false` are what conda before 4.6 knew: flexible and disabled."""
    if text.lower() in _TRUE | _FALSE:
        return "flexible" if _flag(text) else "disabled"
    if text.lower() in ("strict", "flexible", "disabled"):
        return text.lower()
    raise _Mismatch(repr(text))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise _Mismatch(repr(text)) from None
    if not 0 < seconds < float("inf"):
        raise _Mismatch(repr(text))
    return seconds


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _Mismatch(repr(text))
    return int(text)


_SCALARS: Mapping[Kind, Callable[[str], Any]] = {
    "text": str,
    "flag": _flag,
    "seconds": _seconds,
    "count": _count,
    "verify": _verify,
    "priority": _priority,
}


def _expand(text: str, environ: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return environ.get(found["braced"] or found["plain"], found[0])

    return _VARIABLE.sub(value, text)


def _anchor(key: str, value: Any, folder: PurePath | None, home: PurePath) -> Any:
    """Make a path that starts with `~`, `./` or `../` absolute."""
    if key not in _PLACES or not isinstance(value, str):
        return value
    if value == "~" or value.startswith("~/"):
        return f"{home}{value[1:]}"
    if folder is not None and (value in (".", "..") or value.startswith(("./", "../"))):
        return posixpath.normpath(f"{folder}/{value}")
    return value


def _check_channel(key: str, text: str, line: int) -> None:
    """Find a URL that is none where its line is known."""
    if key not in _CHANNELS or "://" not in text or unset_variable(text) is not None:
        return
    try:
        parse_channel_url(text)
    except BadChannel as error:
        cure = f" ({error.hint.rstrip('.')})" if error.hint else ""
        found = f"{redact_broken_url(text)!r}, {error.reason}"
        raise _Mismatch(found, line, f"the URL of a channel{cure}") from None


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _describe(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a map"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return repr(str(node.value)) if node.value else "nothing"
