"""How signing in at a server, and out of it, looks."""

from condarium.cli.page import Page, bold
from condarium.cli.render.registry import renders
from condarium.model.login import LoggedIn, LoggedOut


@renders(LoggedIn)
def logged_in(answer: LoggedIn, page: Page) -> None:
    page.line("signed in at ", bold(answer.server), " as ", bold(answer.name))
    page.line(f"  commands work with it from now on; the login is in {answer.path}")


@renders(LoggedOut)
def logged_out(answer: LoggedOut, page: Page) -> None:
    page.line("signed out of ", bold(answer.server))
    if not answer.revoked:
        page.line(f"  its token could not be taken back: {answer.reason}")
