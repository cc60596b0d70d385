"""A server that has begun to answer."""

from condarium.cli.page import Page, bold, dim
from condarium.cli.render.registry import renders
from condarium.model.server_report import ServerStarted


@renders(ServerStarted)
def server_started(answer: ServerStarted, page: Page) -> None:
    page.line("serving ", bold(answer.url), dim("  (Ctrl-C ends it)"))
    page.line("store: ", str(answer.store))
    told = str(answer.token_file or "as CONDARIUM_ADMIN_TOKEN says")
    page.line("administrator's token: ", told)
