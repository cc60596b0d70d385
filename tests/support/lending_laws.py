"""What is true of all that is lent, whatever happened: the ledger and the admissions agree."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil

from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.grants import Grant, GrantState
from condarium.model.governance.ledger import AccountKind, TransferFilter, TransferKind
from condarium.storage.facts import Facts

HELD = (AdmissionState.OFFERED, AdmissionState.RUNNING)


def due(admission: Admission, took: timedelta) -> int:
    """What an admission owes for so long, worked out plainly: its part of what was set aside."""
    assert admission.time is not None
    part = Fraction(took // timedelta(microseconds=1), admission.time // timedelta(microseconds=1))
    return ceil(admission.reserved * min(max(part, Fraction(0)), Fraction(1)))


def check_lending(facts: Facts, name: str, now: datetime) -> None:
    """Check the ledger, the admissions, the machines and the grants of a resource."""
    admitted = facts.admissions.all(resource=name)
    check_books(facts, name, admitted)
    check_machines(facts, name, admitted)
    check_grants(facts.grants.all(resource=name), admitted, now)


def check_books(facts: Facts, name: str, admitted: Iterable[Admission]) -> None:
    """Nothing comes from nowhere; what is over has nothing set aside, and cost what it says."""
    assert facts.ledger.unbalanced() == []
    accounts = facts.ledger.balances([name])
    assert sum(each.balance for each in accounts) == 0
    for account in accounts:
        is_gift = account.kind is AccountKind.GIFT
        assert account.balance <= 0 if is_gift else account.balance >= 0, account
    moved = Counter[tuple[int | None, TransferKind]]()
    for each in facts.ledger.transfers(TransferFilter(resources=frozenset({name}))):
        moved[each.admission, each.kind] += each.amount
    for each in admitted:
        used = moved[each.id, TransferKind.SETTLE]
        back = moved[each.id, TransferKind.REFUND]
        held = moved[each.id, TransferKind.RESERVE] - used - back
        assert (held, used) == ((0, each.cost or 0) if each.state.over else (each.reserved, 0)), (
            each
        )
        assert used <= each.reserved, each


def check_machines(facts: Facts, name: str, admitted: Iterable[Admission]) -> None:
    """No more have a machine than there are, of all and of each project."""
    settings = facts.resources.get(name).settings
    held = Counter(each.project for each in admitted if each.state in HELD)
    assert settings.capacity is None or held.total() <= settings.capacity, held
    most = settings.most_per_project
    assert most is None or max(held.values(), default=0) <= most, held


def check_grants(grants: Iterable[Grant], admitted: Iterable[Admission], now: datetime) -> None:
    """Nothing waits for what was taken back, and nothing that did not begin has cost anything."""
    revoked = {each.id for each in grants if each.state(now) is GrantState.REVOKED}
    for each in admitted:
        waits = each.state in (AdmissionState.WAITING, AdmissionState.OFFERED)
        assert not (waits and each.grant in revoked), each
        assert each.started_at or not each.cost, each
