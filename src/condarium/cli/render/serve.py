"""A server that has begun to answer."""

from condarium.cli.page import Page, bold, dim
from condarium.cli.render.registry import renders
from condarium.model.server_report import ServerStarted


@renders(ServerStarted)
def server_started(answer: ServerStarted, page: Page) -> None:
    page.line("serving ", bold(answer.url), dim("  (Ctrl-C ends it)"))
    page.line("store: ", str(answer.store))
    if answer.first_sign_in:
        page.line()
        page.line("There is no administrator yet. Become the first one, within 24 hours, at")
        page.line(bold(answer.first_sign_in))
