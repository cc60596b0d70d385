"""People who ask for what is lent and people who review it, in a store of their own.

lab = Review(store)
lab.lend("gpu", "1 lender", "1 group:core")
number = lab.ask("ada", "gpu")
lab("ben")("request approve", request=number)
"""

from typing import Any

from condarium.model.governance.resources import Approvals, ResourceKind, Settings
from condarium.storage.store import Store
from tests.support.accounts import bind, make_user, unbind
from tests.support.people import Caller, someone

GROUP = "core"
PROJECT = "github:lab/fit#12"


class Review:
    """`ada` and `cleo` may nothing; `ben` and `eve` are lenders, `dan` and `eve` in group core."""

    def __init__(self, store: Store) -> None:
        self.store, self.owner = store, Caller(store)
        self.ids = {name: make_user(store, name, None) for name in PEOPLE}
        self.ids["root0"] = make_user(store, "root0", None)
        bind(store, "root0", "administrator")
        self.owner("group create", name=GROUP)
        for name in ("dan", "eve"):
            self.join(name)

    def __call__(self, name: str) -> Caller:
        """Somebody with the roles that they have now."""
        return someone(self.store, name)

    def lend(self, name: str, *rule: str, public: bool = True, **settings: Any) -> None:
        kept = {"rule": tuple(Approvals.parse(each) for each in rule)} if rule else {}
        values: dict[str, Any] = {"kind": ResourceKind.RUNNER, "public": public, **kept, **settings}
        with self.store.database.note() as facts:
            facts.resources.add(name, Settings(**values), at=self.store.now(), by="owner")
        for each in ("ben", "eve"):
            self.make_lender(each, name)

    def make_lender(self, name: str, resource: str) -> None:
        bind(self.store, name, "lender", "resource", resource)

    def end_lender(self, name: str, resource: str) -> None:
        unbind(self.store, name, "lender", "resource", resource)

    def join(self, name: str) -> None:
        self.owner("group add-member", name=GROUP, member=name)

    def leave(self, name: str) -> None:
        self.owner("group remove-member", name=GROUP, member=name)

    def ask(self, name: str, *resources: str, **given: Any) -> int:
        """Ask as somebody, and give the request's number."""
        said = {"project": PROJECT, "purpose": "tests", "resource": resources, **given}
        return int(self(name)("request create", **said).request.id)


PEOPLE = ("ada", "ben", "cleo", "dan", "eve")
