"""The only place that assembles concrete things, and the way by which every operation is called."""

import getpass
import os
from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache
from importlib import import_module
from typing import Any

from condarium.errors import NotPermitted
from condarium.model.actor import Actor
from condarium.model.progress import Progress, Quiet
from condarium.operating.tracing import span
from condarium.operation import Operation, declared_in
from condarium.settings import Settings
from condarium.storage.modes import modes_of
from condarium.storage.store import Store

_DECLARATIONS = (
    "condarium.quickstart",
    "condarium.environments.operations",
    "condarium.environments.queries",
    "condarium.channels.operations",
    "condarium.channels.queries",
    "condarium.channels.remote_operations",
    "condarium.channels.transfer_operations",
    "condarium.channels.source_operations",
    "condarium.access.account_operations",
    "condarium.access.operations",
    "condarium.access.queries",
    "condarium.access.audit_operations",
    "condarium.governance.grants.operations",
    "condarium.governance.resources.operations",
    "condarium.governance.resources.terms_operations",
    "condarium.governance.resources.link_operations",
    "condarium.governance.requests.operations",
    "condarium.governance.admission.operations",
    "condarium.governance.ledger.operations",
    "condarium.governance.planning.operations",
    "condarium.operating.operations",
    "condarium.restoring",
    "condarium.jobs.operations",
    "condarium.server.operations",
    "condarium.client.operations",
)
"""The modules in which capabilities declare their operations, in the order that help shows."""


@cache
def operations() -> Mapping[str, Operation]:
    """Every operation by its name."""
    return {
        operation.name: operation
        for module in _DECLARATIONS
        for operation in declared_in(import_module(module))
    }


def local_actor() -> Actor:
    """The user of the operating system, who may do everything in a store of their own."""
    try:
        return Actor(name=getpass.getuser())
    except (KeyError, OSError):
        return Actor(name=f"uid {os.getuid()}")


class App:
    """A store, and somebody who works in it."""

    def __init__(
        self,
        settings: Settings,
        *,
        actor: Actor | None = None,
        progress: Progress | None = None,
        store: Store | None = None,
    ) -> None:
        """Open the store; one that is given is open, and its owner's to close."""
        self.actor = actor or local_actor()
        self.progress = progress or Quiet()
        self._own = store is None
        self.store = store or Store(settings)

    def call(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        """Run an operation if its actor may.

        Raises NotPermitted, what hides a thing from those who may not know of it, NoSuchStore, and
        what the operation raises.
        """
        owner = self.actor.principal is None
        if "store" in operation.injected and not (owner and operation.makes_store):
            self.store.check_there()
        if owner:
            return self._run(operation, arguments)
        from condarium.access import checking

        try:
            checking.require(self.store, self.actor, operation, arguments)
            return self._run(operation, arguments)
        except NotPermitted as error:
            raise checking.refused(self.store, self.actor, operation, error) from None

    def _run(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        handed = {
            "store": self.store,
            "actor": self.actor,
            "progress": self.progress,
            "operations": operations(),
        }
        given = {name: handed[name] for name in operation.injected}
        shared = modes_of(self.store.layout.root) if operation.changes else nullcontext()
        try:
            with shared, span(operation.name):
                return operation.function(**given, **arguments)
        finally:
            self.progress.finish()

    def close(self) -> None:
        if self._own:
            self.store.close()
