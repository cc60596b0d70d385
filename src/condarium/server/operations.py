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
    *,
    no_worker: Annotated[
        bool, Argument("carry out no jobs: `condarium worker` does so elsewhere")
    ] = False,
) -> ServerStarted:
    """Serve channels and operations over HTTP, and carry out jobs, until Ctrl-C or SIGTERM.

    Channels are below its URL, operations below its /api/v1, and people sign in there. While nobody
    administers the store, each start shows a link by which the first administrator signs in, once.
    CONDARIUM_ADMIN_TOKEN gives an operator a token that may do everything. In Python it goes on in
    the background: the result has `wait()` and `stop()`, and is a context manager.
    """
    from condarium.server.serving import Serving
    from condarium.settings.worker import WorkerSettings

    worker = not no_worker and WorkerSettings.read(store.settings.environ).embedded
    return Serving.start(store, host=host, port=port, worker=worker)
