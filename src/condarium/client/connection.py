"""Whether a client works with a store on this machine or with a server, and with which."""

from collections.abc import Mapping

from condarium.client.saved_logins import Login, SavedLogins
from condarium.errors import BadInput
from condarium.model.secret import Secret
from condarium.settings import reading
from condarium.settings.client import ClientSettings


class TwoPlaces(BadInput):
    """A store and a server were both named."""

    def __init__(self, store: object, server: str) -> None:
        self.store, self.server = str(store), server
        super().__init__(
            f"found a store ({store}) and a server ({server}); expected one of them",
            hint="Leave one out: a server has a store of its own.",
        )


def find_server(
    environ: Mapping[str, str],
    *,
    store: object | None = None,
    server: str | None = None,
    token: Secret | None = None,
    saved_login: bool = True,
) -> Login | None:
    """The server to work with; None for a store on this machine.

    What is named goes first, then CONDARIUM_SERVER, CONDARIUM_STORE, and the saved login. A token
    in CONDARIUM_TOKEN is for CONDARIUM_SERVER alone, where that is set. Raises TwoPlaces,
    BadSetting and BadSavedLogins. Without `saved_login`, that of no place is looked for.
    """
    if server and store:
        raise TwoPlaces(store, server)
    if store:
        return None
    settings = ClientSettings.read(environ)
    url = check_url(server) if server else settings.server
    if url:
        mine = settings.token if settings.server in (None, url) else None
        saved = None if token or mine else SavedLogins.read(settings.logins).find(url)
        return saved or Login(url=url, token=token or mine)
    if environ.get("CONDARIUM_STORE") or not saved_login:
        return None
    saved = SavedLogins.read(settings.logins).find()
    return Login(url=saved.url, token=token) if saved and token else saved


def check_url(text: str) -> str:
    """A server's URL, without a slash at its end. Raises BadSetting."""
    name = "the server"
    return reading.url(name, {name: text}) or text
