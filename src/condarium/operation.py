"""What an operation is.

A capability declares each operation once, as a function with typed parameters, next to the code
that does it. The Python client, the command line and the REST API are derived from the declaration
and from nothing else, so they cannot differ.

    @operation("env rollback", permission=Permission.ENVIRONMENT_ACTIVATE, changes=True)
    def rollback(
        store: Store,
        environment: Annotated[EnvironmentName, Argument("the environment")],
        generation: Annotated[int | None, Argument("the generation", positional=True)] = None,
        *,
        actor: Actor,
    ) -> Switched: ...

Parameters that carry an `Argument` come from the caller; the others (`store`, `actor`, `progress`)
are handed in by the application, by their type.
"""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from condarium.model.access.permissions import Permission
from condarium.model.document import Document
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View

_REQUIRED = inspect.Parameter.empty


class Where(Enum):
    """On what an operation needs its permission."""

    NAMED = "named"
    """On the namespaces and channels among its arguments; on the platform where it has none."""
    ANYWHERE = "anywhere"
    """On anything at all: it is about no thing in particular. What it names, it must read."""
    INSIDE = "inside"
    """The operation asks by itself, for each thing that it comes upon."""


@dataclass(frozen=True, kw_only=True)
class _Argument:
    help: str
    positional: bool | None
    flags: tuple[str, ...]
    metavar: str | None
    asked: str | None = None


def Argument(  # noqa: N802 - reads as the type that it marks
    help: str,  # noqa: A002 - the word that every command line uses
    *flags: str,
    positional: bool | None = None,
    metavar: str | None = None,
    asked: str | None = None,
) -> _Argument:
    """Describe a parameter that the caller gives.

    `flags` are spellings beside the derived `--name`; a parameter without a default is positional
    unless it has flags. One with flags that is said to be positional may be given either way.
    `asked` is said to a person at a terminal who leaves out a document that is a secret, and who
    then types it unseen.
    """
    return _Argument(help=help, positional=positional, flags=flags, metavar=metavar, asked=asked)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of an operation that its caller gives.

    `type` is one value's type: `many` says that a tuple of them is wanted.
    """

    name: str
    type: Any
    many: bool
    optional: bool
    default: Any
    argument: _Argument

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    @property
    def positional(self) -> bool:
        if self.argument.positional is not None:
            return self.argument.positional
        return self.required and not self.argument.flags

    @property
    def flags(self) -> tuple[str, ...]:
        """All spellings on a command line, the short ones first.

        None where it is positional, unless flags were declared: then it may be given either way.
        """
        if self.positional and not self.argument.flags:
            return ()
        return (*self.argument.flags, f"--{self.name.replace('_', '-').rstrip('-')}")

    @property
    def choices(self) -> tuple[str, ...] | None:
        return get_args(self.type) if get_origin(self.type) is Literal else None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing that condarium can do, as it was declared.

    `changes` is True where it appends facts; `local` where it runs on its caller's machine (it
    starts a program there, or makes files there) and therefore has no REST face. `saves` names the
    attribute of its result that is a document: the faces can save it to a file (`-o FILE`).
    `makes_store` is True where it need not find a store: others are refused where there is none.
    `job` is True where it may take long, so that a server has a worker carry it out; its arguments
    are then kept with the job, so none is an Upload. `where` says on what it needs its permission.
    `check` refuses arguments that do not go together, before a job is made of them.
    """

    name: str
    function: Callable[..., Any]
    permission: Permission
    changes: bool
    local: bool
    saves: str | None
    makes_store: bool
    job: bool = False
    where: Where = Where.NAMED
    check: Callable[[Mapping[str, Any]], None] | None = None

    @property
    def group(self) -> str | None:
        """The words before the last: `env` of `env rollback`, `channel label` of its `add`."""
        return self.name.rpartition(" ")[0] or None

    @property
    def groups(self) -> tuple[str, ...]:
        """The group and those around it: `channel` and `channel label`."""
        words = self.name.split()
        return tuple(" ".join(words[:count]) for count in range(1, len(words)))

    @property
    def verb(self) -> str:
        return self.name.split()[-1]

    @cached_property
    def summary(self) -> str:
        return inspect.getdoc(self.function).partition("\n")[0]  # type: ignore[union-attr]  # a test holds that each has one

    @cached_property
    def description(self) -> str:
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()

    @cached_property
    def result(self) -> Any:
        return self._hints["return"]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        found = []
        for parameter in inspect.signature(self.function).parameters.values():
            hint = self._hints[parameter.name]
            if get_origin(hint) is Annotated:
                found.append(_parameter(parameter, hint))
        return tuple(found)

    @cached_property
    def injected(self) -> dict[str, Any]:
        """The parameters that the application hands in: name and type."""
        given = {parameter.name for parameter in self.parameters} | {"return"}
        return {name: hint for name, hint in self._hints.items() if name not in given}

    @cached_property
    def route(self) -> tuple[str, str] | None:
        """The REST face: method and path below `/api/v1`; None for a local operation.

        What is about one thing lies under it. Reading is GET, removing is DELETE, and all else is
        POST: making a thing to the collection that it will be in.
        """
        if self.local:
            return None
        path = self._place
        if self.verb == "remove":
            return ("DELETE", path)
        adds = self.verb == "create" or (self.verb == "add" and not path.endswith("}"))
        if self.verb not in ("list", "show") and not adds:
            path += f"/{self.verb}"
        documents = any(parameter.type in (Document, Upload) for parameter in self.parameters)
        return ("POST" if self.changes or self.job or documents else "GET", path)

    @cached_property
    def _place(self) -> str:
        """The path of what it is about: a collection, or a thing in it."""
        if self.group in _PLACES:
            path = _PLACES[self.group]
        else:
            first, *others = [_COLLECTIONS.get(word, word) for word in self.name.split()[:-1]] or [
                ""
            ]
            path = f"/{first}{self._owner}" if first else ""
            path += "".join(f"/{word}" for word in others)
        things = [p.name for p in self.parameters if p.required and p.positional]
        if self.group in _THINGS and things and self.verb not in ("create", "list"):
            path += f"/{{{things[0].rstrip('_')}}}"
        return path

    @property
    def _owner(self) -> str:
        """The environment, channel or view that an operation needs; not one that it makes."""
        kinds = {p.type for p in self.parameters if p.required and not p.many}
        if EnvironmentName in kinds:
            return "/{namespace}/{name}"
        if View in kinds:
            return "/{view}"
        return "/{channel}" if ChannelName in kinds and self.name != "channel create" else ""

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.function, include_extras=True)


def operation(
    name: str,
    *,
    permission: Permission,
    changes: bool = False,
    local: bool = False,
    saves: str | None = None,
    makes_store: bool = False,
    job: bool = False,
    where: Where = Where.NAMED,
    check: Callable[[Mapping[str, Any]], None] | None = None,
) -> Callable[[Callable[..., Any]], Operation]:
    """Declare the decorated function as an operation.

    The name is what a person types after `condarium`; the docstring's first line is its help.
    """

    def declare(function: Callable[..., Any]) -> Operation:
        return Operation(
            name=name,
            function=function,
            permission=permission,
            changes=changes,
            local=local,
            saves=saves,
            makes_store=makes_store,
            job=job,
            where=where,
            check=check,
        )

    return declare


def declared_in(module: types.ModuleType) -> tuple[Operation, ...]:
    """The operations that a module declares, in the order in which it does."""
    return tuple(value for value in vars(module).values() if isinstance(value, Operation))


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    kind, argument = get_args(hint)
    optional = get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)
    if optional:
        (kind,) = (arm for arm in get_args(kind) if arm is not type(None))
    many = get_origin(kind) is tuple
    return Parameter(
        name=parameter.name,
        type=get_args(kind)[0] if many else kind,
        many=many,
        optional=optional,
        default=parameter.default,
        argument=argument,
    )


PageSize = Annotated[int | None, Argument("at most N, and where to go on", metavar="N")]
Cursor = Annotated[
    str | None, Argument("go on where an earlier answer says that more follow", metavar="NEXT")
]
"""What every list takes that can be had in pages."""

_COLLECTIONS = {
    "env": "environments",
    **{
        word: f"{word}s"
        for word in ("channel", "label", "user", "service-account", "group", "namespace", "token")
    },
    **{word: f"{word}s" for word in ("job", "worker", "schedule", "backup")},
    **{word: f"{word}s" for word in ("resource", "request", "grant", "admission")},
    "patch": "patches",
}
"""What a group's word is in a path, where it is another one."""
_PLACES = {"channel source": "/sources"}
"""Groups whose place is not that of the group around them."""
_THINGS = frozenset(
    {"user", "service-account", "group", "namespace", "token", "job", "schedule", "channel source"}
    | {"resource", "terms", "request", "grant", "admission"}
)
"""Groups whose operations name the thing that they are about by their first argument."""

SCALARS = (
    str,
    int,
    bool,
    timedelta,
    Document,
    EnvironmentName,
    ChannelName,
    View,
    ResourceName,
    Upload,
)
"""The types that a parameter may have, besides Literal strings and tuples of any of these."""
