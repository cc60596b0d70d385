"""Apply a state: what it says is made so, in one unit of work, with all that follows of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.governance.files.comparing import is_same
from condarium.governance.files.state import SaidBudget, SaidGrant, SaidResource, State
from condarium.governance.files.writing import plain_grant, plain_resource
from condarium.governance.grants.granting import decide_in, grant_in
from condarium.governance.grants.revoking import revoke_in
from condarium.governance.planning.meaning import Holders
from condarium.governance.planning.present import Present, budget_said, said_of, standing
from condarium.governance.resources.resources import check_named
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor
from condarium.model.governance.grants import Grant, GrantChange
from condarium.model.governance.listed import Revoked
from condarium.model.governance.resources import Budget, Resource

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Applying:
    """Applies states to facts, in the caller's unit of work, for somebody and a reason."""

    facts: "Facts"
    actor: Actor
    at: datetime
    reason: str

    def apply(self, wanted: State, there: Present, *, running: bool) -> Revoked:
        """Make what is there what is wanted, which `meant` has laid beside it.

        With `running`, what runs on a grant that ends is cancelled too. Raises what making a
        resource, a budget or a grant raises.
        """
        for name, text in wanted.terms.items():
            if there.state.terms.get(name) != text:
                self.facts.terms.publish(name, text, at=self.at, by=self.actor.name)
        for name, resource in wanted.resources.items():
            self._resource(name, resource, there.resources.get(name))
        held = Holders(there.grants)
        holding = [(each, held.find(each.resource, each.project)) for each in wanted.grants]
        revoked = self._revoke(wanted, there, [was.id for _, was in holding if was], running)
        for grant, was in holding:
            self._grant(grant, was)
        for name in there.state.resources:
            if name not in wanted.resources:
                self.facts.resources.retire(there.resources[name].id, at=self.at)
        return revoked

    def _revoke(self, wanted: State, there: Present, kept: list[int], running: bool) -> Revoked:
        """Take back what is wanted no more, of resources that are lent or are to be."""
        lent = {*wanted.resources, *there.state.resources}
        keeps = set(kept)
        ended = [each for each in there.grants if each.id not in keeps and each.resource in lent]
        return revoke_in(
            self.facts, ended, reason=self.reason, running=running, actor=self.actor, at=self.at
        )

    def _resource(self, name: str, wanted: SaidResource, was: Resource | None) -> None:
        if was is None:
            check_named(self.facts, wanted.settings)
            self.facts.resources.add(name, wanted.settings, at=self.at, by=self.actor.name)
            self.facts.bindings.add_creator(self.actor, ThingKind.RESOURCE, name, at=self.at)
            was = self.facts.resources.get(name)
        if was.retired_at is not None:
            self.facts.resources.retire(was.id, at=None)
        if not is_same(plain_resource(said_of(was, self.at)), plain_resource(wanted)):
            check_named(self.facts, wanted.settings)
            self.facts.resources.change(was, wanted.settings, at=self.at)
        self._budgets(wanted, was)

    def _budgets(self, wanted: SaidResource, was: Resource) -> None:
        left = list(wanted.budgets)
        for budget in standing(was.budgets, self.at):
            if budget_said(budget) in left:
                left.remove(budget_said(budget))
            else:
                self.facts.ledger.withdraw(budget.id, at=self.at)
                self.facts.resources.end_budget(budget.id, at=self.at)
        for new in left:
            self.facts.resources.add_budget(was, _budget(new, self.at), at=self.at, by=self._by)

    def _grant(self, wanted: SaidGrant, was: Grant | None) -> None:
        if was is not None and was.project.id is None and wanted.project.id is not None:
            self.facts.grants.identify(was.id, wanted.project.id)
        if was is None or not _is_lent(was, wanted):
            reason = wanted.reason.strip() or self.reason
            made = grant_in(
                self.facts,
                wanted.resource,
                wanted.project,
                wanted.lending,
                actor=self.actor,
                reason=reason,
                at=self.at,
            )
            was = was or made
        if was.suspended != wanted.suspended:
            change = GrantChange.SUSPENDED if wanted.suspended else GrantChange.RESUMED
            self._decide(was.id, change)

    def _decide(self, number: int, change: GrantChange) -> None:
        decide_in(self.facts, number, change, actor=self.actor, reason=self.reason, at=self.at)

    @property
    def _by(self) -> str:
        return self.actor.name


def _is_lent(was: Grant, wanted: SaidGrant) -> bool:
    """Whether what is wanted is lent already, in whatever order it is said."""
    lent = SaidGrant(project=was.project, resource=was.resource, lending=was.lending)
    said = SaidGrant(project=was.project, resource=was.resource, lending=wanted.lending)
    return is_same(plain_grant(lent), plain_grant(said))


def _budget(said: SaidBudget, at: datetime) -> Budget:
    return Budget(
        id=0,
        donor=said.donor,
        amount=said.amount,
        period=said.period,
        starts_at=said.starts_at or at,
        ends_at=said.ends_at,
    )


def audit_detail(reason: str, revoked: Revoked) -> Mapping[str, str]:
    """What the audit log says of what followed."""
    said = {"revoked": revoked.grants, "cancelled": revoked.cancelled, "jobs": revoked.jobs}
    numbers = {name: ", ".join(map(str, each)) for name, each in said.items() if each}
    return {"reason": reason, **numbers}
