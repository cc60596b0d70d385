"""Getting a token from a server for a name and a password, and giving it back."""

import getpass
import json
import os
import socket
import sys
from typing import Any

from condarium import __version__
from condarium.app import operations
from condarium.client.connection import check_url
from condarium.client.remote import Remote
from condarium.client.requests import PREFIX
from condarium.client.saved_logins import Login, NoSavedLogin, SavedLogins
from condarium.client.server_errors import NoServerHere, error_of
from condarium.engine.network.api import Api, Question
from condarium.errors import BadInput, CondariumError, Conflict
from condarium.model.document import Document
from condarium.model.login import LoggedIn, LoggedOut
from condarium.model.secret import Secret
from condarium.settings.client import ClientSettings


class NobodyToAsk(BadInput):
    """Something has to be typed, and there is no terminal."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"there is no terminal to ask for {what}",
            hint="Give --token-from FILE, or --name NAME and --password-from FILE; - stands for "
            "standard input.",
        )


class NothingTyped(BadInput):
    """The input ended where something had to be typed."""

    def __init__(self) -> None:
        super().__init__("nothing was typed: the input ended")


def login(
    url: str,
    *,
    name: str | None,
    token_from: Document | None,
    password_from: Document | None,
    first: str | None,
) -> LoggedIn:
    """Sign in, see that the token is good, and save it."""
    settings = ClientSettings.read(os.environ)
    url, saved = check_url(url), SavedLogins.read(settings.logins)
    first = _secret_of(first)
    if token_from:
        token = _secret_in(token_from)
    else:
        name = name or _asked("your name")
        password = _secret_in(password_from) if password_from else _new_or_old(first)
        token = _signed_in(url, name, password, first, settings)
    who = _who(Login(url=url, token=token), settings)
    saved.save(Login(url=url, token=token, name=who.name))
    return LoggedIn(server=url, name=who.name, path=settings.logins)


def logout(url: str | None) -> LoggedOut:
    """Have the token taken back, and forget it whether that was possible or not."""
    settings = ClientSettings.read(os.environ)
    saved = SavedLogins.read(settings.logins)
    found = saved.find(check_url(url) if url else None)
    if found is None:
        raise NoSavedLogin(url)
    try:
        _revoke(found, settings)
        reason = ""
    except CondariumError as error:
        reason = error.message
    saved.forget(found.url)
    return LoggedOut(server=found.url, revoked=not reason, reason=reason)


def _signed_in(
    url: str, name: str, password: Secret, first: str | None, settings: ClientSettings
) -> Secret:
    """The token that the server makes."""
    _check_encrypted(url, settings)
    path = f"{PREFIX}/sign-in"
    asked = {"name": name, "password": password.reveal(), "token_name": _token_name()}
    if first:
        path, asked = f"{PREFIX}/first-sign-in", {**asked, "secret": first}
    api = Api(url, agent=f"condarium/{__version__}")
    try:
        answer = api.ask(Question(method="POST", path=path, body=asked))
    finally:
        api.close()
    if answer.status >= 400:
        raise error_of(answer, url, "login")
    try:
        return Secret(json.loads(answer.content)["token"])
    except (ValueError, KeyError, TypeError):
        raise NoServerHere(url, answer.media_type or "nothing") from None


def _check_encrypted(url: str, settings: ClientSettings) -> None:
    """Refuse to send a password where a token would not be sent. Raises NotEncrypted."""
    Api(url, token=Secret("a password"), encrypted=settings.encrypted)


def _who(login: Login, settings: ClientSettings) -> Any:
    return _called(login, settings, "whoami")


def _revoke(login: Login, settings: ClientSettings) -> None:
    who = _called(login, settings, "whoami")
    if who.token is None:
        raise Conflict("it is the operator's, which is in the server's settings")
    _called(login, settings, "token revoke", id_=who.token)


def _called(login: Login, settings: ClientSettings, name: str, **arguments: Any) -> Any:
    remote = Remote(login, encrypted=settings.encrypted)
    try:
        return remote.call(operations()[name], arguments)
    finally:
        remote.close()


def _secret_in(document: Document) -> Secret:
    text = document.content.decode(errors="replace").strip()
    if not text:
        raise BadInput(f"{document.name}: found nothing; expected a secret")
    return Secret(text)


def _asked(what: str) -> str:
    if not sys.stdin.isatty():
        raise NobodyToAsk(what)
    sys.stderr.write(f"{what.capitalize()}: ")
    sys.stderr.flush()
    return _typed(sys.stdin.readline())


def _new_or_old(first: str | None) -> Secret:
    """The password, which is typed twice where it is a new one."""
    if not sys.stdin.isatty():
        raise NobodyToAsk("the password")
    password = _unseen("New password: " if first else "Password: ")
    if first and _unseen("The same again: ") != password:
        raise BadInput("the two passwords are not the same")
    return Secret(password)


def _unseen(prompt: str) -> str:
    try:
        return _typed(f"{getpass.getpass(prompt)}\n")
    except EOFError:
        return _typed("")


def _typed(line: str) -> str:
    """What a line says. Raises NothingTyped where there was no line: Ctrl-D."""
    if not line:
        sys.stderr.write("\n")
        raise NothingTyped
    return line.removesuffix("\n")


def _secret_of(first: str | None) -> str | None:
    """The one-time secret, or the whole link that ends with it; `-` has it read."""
    if first == "-":
        first = _unseen("One-time secret: ") if sys.stdin.isatty() else sys.stdin.readline()
        if not first.strip():
            raise BadInput("standard input: found nothing; expected the one-time secret")
    return first and first.strip().rpartition("#")[2]


def _token_name() -> str:
    return f"condarium login on {socket.gethostname()}"
