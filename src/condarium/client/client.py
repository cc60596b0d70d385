"""A store or a server, as a Python object whose methods are condarium's operations."""

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from condarium.app import App, operations
from condarium.client.connection import find_server
from condarium.client.files import accept, check_writable, write_whole
from condarium.client.signature import OUTPUT, docstring_of, method_name, signature_of
from condarium.model.actor import Actor
from condarium.model.jobs import Job, Placing
from condarium.model.progress import Progress
from condarium.model.secret import Secret
from condarium.operation import Operation
from condarium.settings import Settings
from condarium.settings.client import ClientSettings
from condarium.values import BadArgument, did_you_mean

if TYPE_CHECKING:
    from condarium.client.remote import Remote
    from condarium.client.saved_logins import Login


class Client:
    """Work with a store in process, or with a server.

    Every operation is a method: `env build` is `client.env.build`, `lock` is `client.lock`. Plain
    values will do: names and paths as text, durations as text such as `"90d"`, lists for tuples.

    >>> with Client("/srv/condarium") as client:  # doctest: +SKIP
    ...     client.env.build("lab/fit", file="environment.yml")
    ...     client.lock(file="environment.yml", output="pixi.lock")

    >>> with Client("https://conda.example.org", token=token) as client:  # doctest: +SKIP
    ...     client.env.build("lab/fit", file="environment.yml")

    `place` is a folder or a server's URL; by default what CONDARIUM_SERVER or CONDARIUM_STORE
    names, the saved login, or a folder in the home. A server's token is by default CONDARIUM_TOKEN
    or that of the saved login. With `detach`, what a server does as a job is not waited for: the
    result is the job; `placing` says for which workers it waits, and before which others. Errors
    are those of `condarium.errors`; a wrong argument raises BadArgument before anything is done.
    Without `saved_login`, a saved login is not looked for.
    """

    def __init__(
        self,
        place: str | Path | None = None,
        *,
        token: str | Secret | None = None,
        actor: Actor | None = None,
        progress: Progress | None = None,
        detach: bool = False,
        placing: Placing | None = None,
        saved_login: bool = True,
    ) -> None:
        server = place if isinstance(place, str) and _is_url(place) else None
        secret = Secret(token) if isinstance(token, str) else token
        login = find_server(
            os.environ,
            store=None if server else place,
            server=server,
            token=secret,
            saved_login=saved_login,
        )
        self._at: App | Remote
        if login:
            self._at = _remote(login, progress, detach=detach, placing=placing)
        else:
            self._at = App(Settings.read(os.environ, store=place), actor=actor, progress=progress)

    def call(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        """Run an operation with arguments by name, plain or as they are."""
        given = dict(arguments)
        output = given.pop(OUTPUT, None) if operation.saves else None
        known = {parameter.name: parameter for parameter in operation.parameters}
        accepted = {name: accept(known[name], value, label=name) for name, value in given.items()}
        if output is None:
            return self._at.call(operation, accepted)
        path = _output_path(output)
        check_writable(path)
        result = self._at.call(operation, accepted)
        if isinstance(result, Job):  # detached: the document is still to come
            return result
        write_whole(path, getattr(result, operation.saves or ""))
        return result

    @property
    def remote(self) -> bool:
        """Whether it works with a server."""
        return not isinstance(self._at, App)

    @property
    def place(self) -> str:
        """With what it works, in words."""
        if isinstance(self._at, App):
            return f"the store at {self._at.store.settings.store}"
        return f"the server at {self._at.url}"

    def close(self) -> None:
        """Give back what is held open."""
        self._at.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copying and inspecting ask for many of these
            raise AttributeError(name, name=name, obj=self)
        group = name.replace("_", "-")  # as a person types it
        if any(group in operation.groups for operation in operations().values()):
            return Group(self, group)
        for operation in operations().values():
            if operation.group is None and method_name(operation) == name:
                return _method(self, operation)
        raise AttributeError(f"a client has no {name!r}", name=name, obj=self)

    def __dir__(self) -> list[str]:
        derived = {
            operation.groups[0].replace("-", "_") if operation.groups else method_name(operation)
            for operation in operations().values()
        }
        return sorted({*super().__dir__(), *derived})

    def __repr__(self) -> str:
        return f"<condarium.Client of {self.place}>"


class Group:
    """The operations that share their first words, such as `client.env`, and groups of such.

    Where the words are an operation too, it is called: `client.backup(…)`, `client.backup.list(…)`.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        if own := operations().get(name):
            self.__doc__ = docstring_of(own)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        own = operations().get(self._name)
        if own is None:
            raise TypeError(f"{self._place} is no method; it has {', '.join(dir(self))}")
        return _method(self._client, own)(*args, **kwargs)

    def _operations(self) -> dict[str, Operation]:
        every = operations().values()
        return {method_name(found): found for found in every if found.group == self._name}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and (found := self._operations().get(name)):
            return _method(self._client, found)
        if name in self._groups():
            return Group(self._client, f"{self._name} {name}")
        raise AttributeError(f"{self._place} has no {name!r}", name=name, obj=self)

    def _groups(self) -> set[str]:
        inner = {group for found in operations().values() for group in found.groups}
        return {group.rpartition(" ")[2] for group in inner if group.startswith(f"{self._name} ")}

    @property
    def _place(self) -> str:
        return f"client.{self._name.replace(' ', '.').replace('-', '_')}"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._operations(), *self._groups()})

    def __repr__(self) -> str:
        return f"<{self._place}: {', '.join([*self._operations(), *sorted(self._groups())])}>"


def _remote(
    login: "Login", progress: Progress | None, *, detach: bool, placing: Placing | None
) -> "Remote":
    from condarium.client.remote import Remote

    encrypted = ClientSettings.read(os.environ).encrypted
    return Remote(login, progress=progress, encrypted=encrypted, detach=detach, placing=placing)


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _method(client: Client, operation: Operation) -> Callable[..., Any]:
    signature = signature_of(operation)
    group = (word.replace("-", "_") for word in operation.name.split()[:-1])
    name = ".".join(("client", *group, method_name(operation)))

    def method(*args: Any, **kwargs: Any) -> Any:
        return client.call(operation, _bind(name, signature, args, kwargs))

    method.__name__ = method_name(operation)
    method.__qualname__ = name
    method.__doc__ = docstring_of(operation)
    method.__signature__ = signature  # type: ignore[attr-defined]  # what inspect and help show
    return method


def _bind(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Arguments by name. Raises BadArgument where they do not fit the signature."""
    for key in kwargs:
        if key not in signature.parameters:
            hint = did_you_mean(key, signature.parameters) or f"It takes {_listed(signature)}."
            raise BadArgument(f"{name} has no argument {key!r}", hint=hint)
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise BadArgument(f"{name}: {error}", hint=f"It takes {_listed(signature)}.") from None


def _listed(signature: inspect.Signature) -> str:
    return ", ".join(signature.parameters) or "no arguments"


def _output_path(output: object) -> Path:
    if isinstance(output, str | os.PathLike):
        return Path(output).expanduser()
    raise BadArgument(f"{OUTPUT}: found {output!r}; expected the path of a file")
