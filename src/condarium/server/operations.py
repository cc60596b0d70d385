"""What the server can be told to do."""

from typing import Annotated

from condarium.model.actor import Permission
from condarium.model.server_report import ServerStarted
from condarium.operation import Argument, operation
from condarium.storage.store import Store


@operation("serve", permission=Permission.STORE_MAINTAIN, local=True, makes_store=True)
def serve(
    store: Store,
    host: Annotated[
        str, Argument("the address to listen at; by default 127.0.0.1", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int, Argument("the port to listen at; by default 8000; 0 for a free one")
    ] = 8000,
) -> ServerStarted:
    """Serve the store's channels over HTTP, until Ctrl-C or SIGTERM.

    Channels are below its URL, and whoever has the administrator's token may publish and read
    private ones. A token is made when a store is first served; CONDARIUM_ADMIN_TOKEN and
    CONDARIUM_ADMIN_TOKEN_FILE name another one. In Python it goes on in the background: the result
    has `wait()` and `stop()`, and is a context manager.
    """
    from condarium.server.serving import Serving

    return Serving.start(store, host=host, port=port)
