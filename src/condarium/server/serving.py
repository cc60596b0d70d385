"""The server as a part of this process: one granian worker, on an event loop in a thread."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Self

from condarium.errors import BadArguments, Conflict, Failed
from condarium.jobs.carrying_out.sealing import seal
from condarium.jobs.keeping import KeptWorker
from condarium.jobs.signals import Signals
from condarium.model.server_report import ServerStarted
from condarium.operating.logs import configure_logs
from condarium.operating.tracing import configure_traces
from condarium.server.application import Application
from condarium.server.content.lending import Lending
from condarium.server.content.plane import Content
from condarium.server.doors.credentials import Gate, operator_token
from condarium.server.doors.entrance import Doors, first_link
from condarium.server.observing.health import Health
from condarium.server.observing.metrics import Metrics
from condarium.server.observing.requests import Observed
from condarium.server.rest.face import Rest
from condarium.server.uploads import Uploads
from condarium.server.webhooks import Webhooks
from condarium.settings import ServerSettings
from condarium.settings.reach import for_others
from condarium.settings.sign_in import SignInSettings
from condarium.settings.telemetry import TelemetrySettings
from condarium.settings.withheld import for_requests
from condarium.settings.worker import WorkerSettings
from condarium.storage.database import import_whole
from condarium.storage.modes import modes_of
from condarium.storage.store import Store

if TYPE_CHECKING:
    from granian.server.embed import Server

_BACKLOG = 1024
_LAST_PORT = 65_535
_GRACE = 30
"""For how many seconds the requests of an ending server may go on."""


_THREADS = 32
"""For what is short, such as reading a piece of a file; operations have threads of their own."""


class AddressInUse(Conflict):
    """Another program listens at the address."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host, self.port = host, port
        super().__init__(
            f"cannot listen at {host} port {port}: {reason}",
            hint="Choose another with --port, or a free one with --port 0.",
        )


class ServerFailed(Failed):
    """The HTTP server ended by itself."""


class Serving(ServerStarted):
    """A server that goes on until it is stopped.

    >>> with client.serve(port=0) as serving:                             # doctest: +SKIP
    ...     httpx.get(f"{serving.url}/lab/noarch/repodata.json")
    """

    _opened: ExitStack
    _worker: KeptWorker | None = None
    _health: Health
    _drain: int

    @classmethod
    def start(cls, store: Store, *, host: str, port: int, worker: bool = False) -> Self:
        """Begin to answer, perhaps with a worker within, once that is so.

        Raises AddressInUse, BadSetting, BadTokenFile, and what opening the store raises."""
        settings = ServerSettings.read(store.settings.environ)
        seal()
        with ExitStack() as opened:
            reserved = opened.enter_context(_reserve(host, port))
            port = reserved.getsockname()[1]
            store = opened.enter_context(closing(_for_others(store, host, port)))
            store.database  # noqa: B018 - a store that cannot be opened is said now
            import_whole()
            operator = operator_token(settings)
            sign_in = SignInSettings.read(store.settings.environ)
            gate = Gate(store, sign_in, operator=operator, public_url=settings.public_url)
            content, uploads = Content(store, settings), Uploads(store, settings)
            rest, doors = Rest(store, settings), Doors(store, gate, settings)
            lending = Lending(store, settings)
            webhooks = Webhooks(store)
            telemetry = TelemetrySettings.read(store.settings.environ)
            configure_logs(telemetry)
            configure_traces(telemetry, service="condarium-web")
            health = Health(store)
            application = Observed(
                Application(content, uploads, rest, doors, gate, lending, webhooks),
                gate=gate,
                health=health,
                metrics=Metrics(store, lag=lambda: content.lag),
                settings=telemetry,
            )
            opened.enter_context(modes_of(store.layout.root))
            store.keep_secrets()
            content.start()
            webhooks.start()
            opened.callback(content.stop)
            opened.callback(uploads.stop)
            opened.callback(rest.stop)
            opened.callback(doors.stop)
            opened.callback(lending.stop)
            opened.callback(webhooks.stop)
            opened.callback(gate.stop)
            opened.callback(health.stop)
            url = _url(host, port)
            first = None if operator else first_link(store, settings.public_url or url)
            serving = cls(url=url, store=store.layout.root, first_sign_in=first)
            serving._health, serving._drain = health, settings.drain
            serving._run(application, host, port)
            if worker:
                own = WorkerSettings.read(store.settings.environ)
                serving._worker = KeptWorker.start(store, own)
                opened.callback(serving._worker.stop)
            serving._opened = opened.pop_all()
        return serving

    def hear(self) -> None:
        """From now on Ctrl-C and SIGTERM are what `wait` waits for."""
        self._signals.hear()

    def wait(self) -> None:
        """Wait for Ctrl-C or SIGTERM, and stop; what is being answered is answered first.

        Until it stops, which may be a while later, /readyz says so.
        """
        self._signals.hear()
        self._signals.wait()
        self._health.stopping = True
        self._ending.wait(self._drain)
        self.stop()

    def stop(self) -> None:
        """End it, gracefully. Raises ServerFailed where it had ended by itself."""
        self._ending.set()
        if self._worker:
            self._worker.end()
        with suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(_GRACE)
        self._opened.close()
        if self._error:
            raise ServerFailed(f"the server ended by itself: {self._error}") from self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def _run(self, application: Observed, host: str, port: int) -> None:
        self._ending, self._signals = threading.Event(), Signals()
        self._error: BaseException | None = None
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._live, args=(application, host, port, ready), name="server", daemon=True
        )
        self._thread.start()
        ready.wait()
        _wait_until_open(host, port, self._ending)

    def _live(self, application: Observed, host: str, port: int, ready: threading.Event) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.set_default_executor(ThreadPoolExecutor(_THREADS, "server"))
            self._server = _granian(application, host, port)
            ready.set()
            await self._server.serve()

        try:
            asyncio.run(serve())
            if not self._ending.is_set():
                raise RuntimeError("its worker is gone")
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            self._error = error
        finally:
            ready.set()
            self._ending.set()
            self._signals.tell()


def _for_others(store: Store, host: str, port: int) -> Store:
    """The store as the server uses it: of what is not public it asks only what is allowed.

    Itself it may ask, and what is at the URL by which people reach it.
    """
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared
    settings = for_requests(for_others(store.settings, _url(here, port)))
    return Store(settings, now=store.now)


def _granian(application: Observed, host: str, port: int) -> "Server":
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    return Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        log_enabled=False,
    )


def _reserve(host: str, port: int) -> socket.socket:
    """Find out that nobody listens there, and keep the port, which may be any free one, for us.

    The server opens a socket of its own at the same port; both have SO_REUSEPORT, and only the
    one that listens is given connections.
    """
    if not 0 <= port <= _LAST_PORT:
        raise BadArguments(f"--port: found {port}; expected 0 to {_LAST_PORT}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            asking.bind(address)
        reserved = socket.socket(family)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(address)
    except (OSError, OverflowError) as error:
        raise AddressInUse(host, port, getattr(error, "strerror", None) or str(error)) from error
    return reserved


def _wait_until_open(host: str, port: int, ending: threading.Event) -> None:
    """Wait until connections are taken, or the server has ended."""
    while not ending.wait(0.005):
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
