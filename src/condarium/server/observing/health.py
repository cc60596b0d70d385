"""Whether the server can do its work now: what /readyz says."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from condarium.storage.store import Store

_log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds
_NOBODYS = "0" * 64


class Health:
    """Asks the parts that nothing goes without: the database and the blobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(2, "health")
        self.stopping = False
        """Whether the server ends: it answers what it is asked, but is to be asked no more."""

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def problems(self) -> list[str]:
        """What is wrong, in a few words that tell strangers nothing; empty where all is well."""
        if self.stopping:
            return ["the server is stopping"]
        asked = {"the database": self._ask_database, "the blobs": self._ask_blobs}
        said = await asyncio.gather(*(self._try(what, ask) for what, ask in asked.items()))
        return [problem for problem in said if problem]

    async def _try(self, what: str, ask: Callable[[], None]) -> str | None:
        asking = asyncio.get_running_loop().run_in_executor(self._pool, ask)
        try:
            await asyncio.wait_for(asking, _PATIENCE)
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            _log.warning("not ready", extra={"what": what, "error": repr(error)})
            return f"{what} {'does' if what.endswith('database') else 'do'} not answer"
        return None

    def _ask_database(self) -> None:
        self._store.database.check_schema()

    def _ask_blobs(self) -> None:
        self._store.blobs.has(_NOBODYS)
