"""The pages on which people sign in, and see to their tokens."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from condarium.model.access.accounts import Token
from condarium.model.access.report import NewToken
from condarium.model.actor import Actor
from condarium.web.rendering import render

Problem = tuple[str, str] | None
"""What went wrong, and a hint."""


def render_sign_in(
    *, up: str, name: str, passwords: bool, provider: str | None, problem: Problem
) -> str:
    """The page to sign in on. `provider` is an OpenID provider's URL."""
    host = urlsplit(provider).netloc if provider else None
    return render(
        "sign_in.html", up=up, name=name, passwords=passwords, provider=host, problem=problem
    )


def render_first(*, up: str, name: str, problem: Problem) -> str:
    """The page on which the first administrator signs in."""
    return render("first.html", up=up, name=name, problem=problem)


def render_account(
    *,
    up: str,
    actor: Actor,
    tokens: Sequence[Token],
    made: NewToken | None,
    csrf: str,
    passwords: bool,
    problem: Problem,
) -> str:
    """The page of one's own account; `csrf` goes with each of its forms."""
    return render(
        "account.html",
        up=up,
        actor=actor,
        roles=_roles(actor),
        tokens=tokens,
        made=made,
        csrf=csrf,
        passwords=passwords,
        problem=problem,
    )


def _roles(actor: Actor) -> list[str]:
    """What somebody is, and where, in words."""
    held = {f"{each.role} of {each.thing or 'everything'}" for each in actor.bindings}
    return sorted(held)
