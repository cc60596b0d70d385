"""Review: whose approvals count, and which are missing. Pure functions of values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from condarium.model.governance.resources import LENDER_APPROVES, Approvals, ApproverKind

Rule = tuple[Approvals, ...]


@dataclass(frozen=True, kw_only=True)
class Approver:
    """Somebody who approved, as they are now.

    `person` is what all accounts of one person share. `lends` are the resources that they are a
    lender of, `groups` the names of the groups that they are in; who `administers` may lend alone.
    """

    person: str
    name: str = ""
    lends: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    administers: bool = False

    def fits(self, resource: str, kind: ApproverKind, group: str = "") -> bool:
        """Whether they are of those whom a rule of this resource wants."""
        return resource in self.lends if kind is ApproverKind.LENDER else group in self.groups


@dataclass(frozen=True, kw_only=True)
class Missing:
    """So many approvals that a resource's rule wants yet."""

    resource: str
    count: int
    kind: ApproverKind
    group: str = ""

    def __str__(self) -> str:
        approvals = "1 approval" if self.count == 1 else f"{self.count} approvals"
        if self.kind is ApproverKind.LENDER:
            return f"{approvals} of a lender of {self.resource}"
        return f"{approvals} of group {self.group} for {self.resource}"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a review is. `counted` are the names of those whose approval fills a need."""

    approved: bool
    missing: tuple[Missing, ...]
    counted: tuple[str, ...] = ()


def standing(
    rules: Mapping[str, Rule], approvers: Iterable[Approver], *, requester: str | None
) -> Standing:
    """Judge the approvals by the rule of each resource.

    Each approval that a rule wants is by another person, and one person fills one of them: whoever
    is a lender and in the group is not both. `requester` is the person who asked, who never counts.
    """
    people = _people(each for each in approvers if each.person != requester)
    missing: list[Missing] = []
    counted: dict[str, None] = {}
    for resource, rule in rules.items():
        needs = _needs(rule)
        filled = _match(resource, needs, people)
        counted.update(dict.fromkeys(filled[each].name for each in sorted(filled)))
        missing += _missing(resource, [n for i, n in enumerate(needs) if i not in filled])
    return Standing(
        approved=bool(rules) and not missing, missing=tuple(missing), counted=tuple(counted)
    )


def is_one_lenders(rule: Rule) -> bool:
    """Whether a lender's approval is all that a rule wants: then they may grant without it."""
    return _needs(rule) == _needs(LENDER_APPROVES)


def wanted(rules: Mapping[str, Rule], person: Approver) -> tuple[str, ...]:
    """The resources of whose rules some need could be filled by this person."""
    return tuple(
        resource
        for resource, rule in rules.items()
        if any(person.fits(resource, kind, group) for kind, group in _needs(rule))
    )


def _people(approvers: Iterable[Approver]) -> list[Approver]:
    """Each person once, with what they are by any of the accounts that they approved with."""
    found: dict[str, Approver] = {}
    for each in approvers:
        same = found.setdefault(each.person, each)
        found[each.person] = replace(
            same, lends=same.lends | each.lends, groups=same.groups | each.groups
        )
    return list(found.values())


_Need = tuple[ApproverKind, str]


def _needs(rule: Rule) -> list[_Need]:
    """One item for each approval. A rule that wants none wants a lender: nothing grants itself."""
    needs = [(each.kind, each.group) for each in rule for _ in range(each.count)]
    return needs or [(each.kind, each.group) for each in LENDER_APPROVES]


def _match(
    resource: str, needs: Sequence[_Need], people: Sequence[Approver]
) -> dict[int, Approver]:
    """As many needs as can be, each filled by a person of its own (augmenting paths)."""
    busy: dict[str, int] = {}

    def fill(need: int, asked: set[str]) -> bool:
        for each in people:
            if each.person in asked or not each.fits(resource, *needs[need]):
                continue
            asked.add(each.person)
            if each.person not in busy or fill(busy[each.person], asked):
                busy[each.person] = need
                return True
        return False

    for need in range(len(needs)):
        fill(need, set())
    named = {each.person: each for each in people}
    return {need: named[person] for person, need in busy.items()}


def _missing(resource: str, needs: Sequence[_Need]) -> list[Missing]:
    return [
        Missing(resource=resource, count=needs.count(each), kind=each[0], group=each[1])
        for each in dict.fromkeys(needs)
    ]
