"""Signing in at a server, so that commands work with it."""

from typing import Annotated

from condarium.model.actor import Permission
from condarium.model.document import Document
from condarium.model.login import LoggedIn, LoggedOut
from condarium.operation import Argument, Where, operation


@operation("login", permission=Permission.SIGNED_IN, local=True, where=Where.ANYWHERE)
def login(
    url: Annotated[str, Argument("the server's URL", metavar="URL")],
    *,
    name: Annotated[str | None, Argument("who you are there; else it is asked for")] = None,
    token_from: Annotated[
        Document | None,
        Argument(
            "a file with a token, instead of a name and a password; - for standard input",
            metavar="FILE",
        ),
    ] = None,
    password_from: Annotated[
        Document | None,
        Argument("a file with the password, which is else asked for", metavar="FILE"),
    ] = None,
    first: Annotated[
        str | None,
        Argument(
            "become the first administrator, with the one-time secret of `serve`; - reads it from "
            "standard input",
            metavar="SECRET",
        ),
    ] = None,
) -> LoggedIn:
    """Sign in at a server, and work with it from now on.

    What is saved, for its owner's eyes only, is a token, and no password. A store or a server that
    is named, also by CONDARIUM_STORE or CONDARIUM_SERVER, goes before a saved login.
    Raises WrongPassword, NotSignedIn, ServerUnreachable.
    """
    from condarium.client import signing_in

    return signing_in.login(
        url, name=name, token_from=token_from, password_from=password_from, first=first
    )


@operation("logout", permission=Permission.SIGNED_IN, local=True, where=Where.ANYWHERE)
def logout(
    url: Annotated[
        str | None,
        Argument("the server; by default that of the last login", positional=True, metavar="URL"),
    ] = None,
) -> LoggedOut:
    """Sign out of a server: its token is taken back and forgotten.

    Raises NoSavedLogin.
    """
    from condarium.client import signing_in

    return signing_in.logout(url)
