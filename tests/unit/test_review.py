"""Whose approvals count: a table of reviews, and laws."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.governance.resources import Approvals, ApproverKind
from condarium.model.governance.review import Approver, Standing, standing, wanted

LENDER, GROUP = ApproverKind.LENDER, ApproverKind.GROUP


def who(name: str, *what: str) -> Approver:
    """`who("ben", "gpu", "@core")` lends gpu and is in group core."""
    groups = frozenset(each[1:] for each in what if each.startswith("@"))
    lends = frozenset(each for each in what if not each.startswith("@"))
    return Approver(person=name, name=name, lends=lends, groups=groups)


def judge(rules: dict[str, str], *approvers: Approver, requester: str | None = "ada") -> Standing:
    read = {
        name: tuple(Approvals.parse(each) for each in rule.split(" + ") if each)
        for name, rule in rules.items()
    }
    return standing(read, approvers, requester=requester)


BEN, CLEO = who("ben", "gpu"), who("cleo", "gpu")
DAN, EVE, ADA = who("dan", "@core"), who("eve", "gpu", "@core"), who("ada", "gpu", "@core")
BOTH = "1 lender + 1 group:core"
TABLE = [
    ({"gpu": "1 lender"}, [], "1 approval of a lender of gpu"),
    ({"gpu": "1 lender"}, [BEN], ""),
    ({"gpu": "1 lender"}, [DAN], "1 approval of a lender of gpu"),
    ({"gpu": "1 lender"}, [ADA], "1 approval of a lender of gpu"),
    ({"gpu": "1 lender"}, [who("ben", "other")], "1 approval of a lender of gpu"),
    ({"gpu": ""}, [], "1 approval of a lender of gpu"),
    ({"gpu": ""}, [BEN], ""),
    ({"gpu": "2 lender"}, [BEN], "1 approval of a lender of gpu"),
    ({"gpu": "2 lender"}, [BEN, BEN], "1 approval of a lender of gpu"),
    ({"gpu": "2 lender"}, [BEN, CLEO], ""),
    ({"gpu": "2 lender"}, [BEN, who("ben", "gpu", "@core")], "1 approval of a lender of gpu"),
    ({"gpu": "1 lender"}, [BEN, who("ben", "@core")], ""),
    ({"gpu": BOTH}, [BEN, who("ben", "@core")], "1 approval of group core for gpu"),
    ({"gpu": "3 lender"}, [BEN, ADA], "2 approvals of a lender of gpu"),
    ({"gpu": BOTH}, [EVE], "1 approval of group core for gpu"),
    ({"gpu": BOTH}, [EVE, BEN], ""),
    ({"gpu": BOTH}, [EVE, DAN], ""),
    ({"gpu": BOTH}, [BEN, CLEO], "1 approval of group core for gpu"),
    ({"gpu": BOTH}, [EVE, ADA], "1 approval of group core for gpu"),
    ({"gpu": "1 group:core + 2 lender"}, [EVE, BEN, CLEO], ""),
    ({"gpu": "1 group:core + 1 group:legal"}, [who("fay", "@core", "@legal"), DAN], ""),
    ({"gpu": "1 lender", "arm": "1 lender"}, [BEN], "1 approval of a lender of arm"),
    ({"gpu": "1 lender", "arm": "1 lender"}, [who("fay", "gpu", "arm")], ""),
    ({"gpu": "1 lender", "arm": "1 group:core"}, [EVE], ""),
]


@pytest.mark.parametrize(("rules", "approvers", "missing"), TABLE)
def test_what_is_missing(rules: dict[str, str], approvers: list[Approver], missing: str) -> None:
    for ordered in permutations(approvers):
        found = judge(rules, *ordered)
        assert found.approved is (missing == "")
        assert ", ".join(map(str, found.missing)) == missing


def test_nothing_is_approved_where_nothing_is_asked_for() -> None:
    assert not judge({}, BEN).approved


def test_whose_approval_is_wanted() -> None:
    rules = {"gpu": (Approvals.parse("1 lender"),), "arm": (Approvals.parse("1 group:core"),)}
    assert wanted(rules, BEN) == ("gpu",)
    assert wanted(rules, DAN) == ("arm",)
    assert wanted(rules, EVE) == ("gpu", "arm")
    assert wanted(rules, who("fay", "@other", "other")) == ()


_NAMES, _GROUPS = ("gpu", "arm"), ("core", "legal")
_needs = st.one_of(
    st.builds(Approvals, count=st.integers(1, 3), kind=st.just(LENDER)),
    st.builds(
        Approvals, count=st.integers(1, 2), kind=st.just(GROUP), group=st.sampled_from(_GROUPS)
    ),
)
_rules = st.dictionaries(
    st.sampled_from(_NAMES), st.lists(_needs, min_size=1, max_size=3).map(tuple), min_size=1
)
_approvers = st.lists(
    st.builds(
        Approver,
        person=st.sampled_from("abcdefgh"),
        lends=st.frozensets(st.sampled_from(_NAMES)),
        groups=st.frozensets(st.sampled_from(_GROUPS)),
    ),
    unique_by=lambda each: each.person,
    max_size=7,
)


def _fulfilled(rule: tuple[Approvals, ...], resource: str, people: list[Approver]) -> bool:
    """By trying every assignment of people to needs."""
    needs = [(each.kind, each.group) for each in rule for _ in range(each.count)]

    def fill(first: int, free: list[Approver]) -> bool:
        return first == len(needs) or any(
            person.fits(resource, *needs[first])
            and fill(first + 1, [each for each in free if each is not person])
            for person in free
        )

    return fill(0, people)


@given(_rules, _approvers)
def test_it_is_approved_exactly_if_some_assignment_fills_every_need(
    rules: dict[str, tuple[Approvals, ...]], approvers: list[Approver]
) -> None:
    others = [each for each in approvers if each.person != "a"]
    expected = all(_fulfilled(rule, name, others) for name, rule in rules.items())
    assert standing(rules, approvers, requester="a").approved is expected


@given(_rules, _approvers, _approvers)
def test_more_approvals_never_allow_less(
    rules: dict[str, tuple[Approvals, ...]], some: list[Approver], others: list[Approver]
) -> None:
    known = {each.person for each in some}
    more = some + [each for each in others if each.person not in known]
    before, after = (standing(rules, each, requester="a") for each in (some, more))
    assert after.approved or not before.approved
    assert sum(each.count for each in after.missing) <= sum(each.count for each in before.missing)


@given(_rules, _approvers)
def test_the_requester_changes_nothing(
    rules: dict[str, tuple[Approvals, ...]], approvers: list[Approver]
) -> None:
    """Be they a lender of everything and in every group."""
    others = [each for each in approvers if each.person != "a"]
    own = Approver(person="a", lends=frozenset(_NAMES), groups=frozenset(_GROUPS))
    assert standing(rules, [own, *others], requester="a") == standing(rules, others, requester="a")
    assert not standing(rules, [own], requester="a").approved
