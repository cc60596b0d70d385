"""Laws of the decision: it depends on nothing but its arguments, and allows nothing by accident."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from tests.support.lending import NOW, grant, job, resource
from tests.support.naive_decision import allows

from condarium.model.governance.admission import Applicant, Approval, Grants
from condarium.model.governance.deciding import decide
from condarium.model.governance.grants import Conditions, Grant, GrantChange, GrantState, Lending
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import ResourceKind

_FAKE = "gp\N{GREEK SMALL LETTER UPSILON}"
"""It looks like gpu."""
_DAY = timedelta(days=1)
_begins = st.sampled_from([None, NOW - _DAY, NOW, NOW + _DAY])
_ends = st.sampled_from([None, None, NOW + _DAY, NOW, NOW - _DAY])
_projects = st.sampled_from(
    [
        Project.parse(text)
        for text in ("github:lab/tool#1", "github:lab/tool#2", "github:bo/tool#3", "github:bo/tool")
    ]
    + [Project.parse("namespace:lab#1")]
)
_people = st.sampled_from(
    [Person.parse(text) for text in ("github:ada#1", "github:ada#2", "user:ada#1", "github:bo")]
)
_commits = st.sampled_from(["a" * 40, "b" * 40])
_roles = st.sampled_from(["write", "admin"])
_events = st.sampled_from(
    ["push", "schedule", "issue_comment", "pull_request", "pull_request_target"]
)
_branches = st.sampled_from(["main", "dev"])


def _few(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.one_of(st.just(()), st.lists(of, max_size=2).map(tuple))


_conditions = st.builds(
    Conditions,
    branches=_few(_branches),
    events=_few(_events),
    pull_request=st.booleans(),
    trusted_forks=_few(_projects),
    fork_approval=st.booleans(),
    people=st.none() | st.lists(_people, max_size=2).map(tuple),
    people_from=st.sampled_from([None, None, None, "https://example.org/people"]),
    roles=_few(_roles),
)
_changes = st.sampled_from(
    [
        (),
        (),
        (),
        (GrantChange.CHANGED,),
        (GrantChange.SUSPENDED, GrantChange.CHANGED),
        (GrantChange.SUSPENDED, GrantChange.RESUMED),
        (GrantChange.REVOKED,),
    ]
)
_lendings = st.builds(Lending, conditions=_conditions, starts_at=_begins, expires_at=_ends)


@st.composite
def _grants(draw: st.DrawFn) -> list[Grant]:
    return [
        grant(
            number,
            project=draw(_projects),
            of=draw(st.sampled_from(["gpu", "gpu", "big"])),
            changes=draw(_changes),
            lending=draw(_lendings),
        )
        for number in range(1, draw(st.integers(2, 5)))
    ]


_resources = st.builds(
    lambda unique, terms, version, retired, kind: [
        resource(
            "gpu",
            unique_label=unique,
            terms=terms,
            terms_version=version,
            retired_at=retired,
            kind=kind,
        ),
        resource("big", 2, label="big-machine"),
    ],
    st.booleans(),
    st.sampled_from([None, None, "tos"]),
    st.sampled_from([1, 1, 2, None]),
    st.sampled_from([None] * 9 + [NOW]),
    st.sampled_from([ResourceKind.RUNNER] * 9 + [*ResourceKind]),
)
_known = st.builds(
    Grants,
    resources=_resources,
    grants=_grants(),
    accepted=st.frozensets(
        st.tuples(st.just("tos"), st.integers(1, 2), st.sampled_from(["github:1", "github:2"]))
    ),
    approved=st.lists(
        st.builds(
            Approval,
            grant=st.integers(1, 3),
            commit=_commits,
            people=st.frozensets(st.sampled_from(["github:1", "github:2", "user:1"]), max_size=2),
            lends=st.booleans(),
        ),
        max_size=2,
    ),
)
_labels = st.lists(
    st.sampled_from(["gpu", "GPU", "run-7", "run-8", "big-machine", "linux", _FAKE]),
    min_size=1,
    max_size=3,
).map(tuple)
_OTHERWISE: dict[str, st.SearchStrategy[Any]] = {
    "project": _projects,
    "labels": _labels,
    "commit": _commits,
    "event": _events,
    "branch": st.none() | _branches,
    "head": _projects,
    "person": st.none() | _people,
    "role": st.none() | _roles,
    "run": st.just(""),
    "time": st.sampled_from([timedelta(), timedelta(hours=6), timedelta(hours=7)]),
}


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Applicant, Grants]:
    """What is lent, and a job that one of the grants may be for, but for a thing or two."""
    known = draw(_known)
    meant: Grant = draw(st.sampled_from(known.grants))  # type: ignore[arg-type]  # a list
    wanted = meant.lending.conditions
    fits = {
        "project": meant.project,
        "labels": ("GPU" if meant.resource == "gpu" else "big-machine", "run-7"),
        "commit": "a" * 40,
        "event": "pull_request" if wanted.pull_request else (*wanted.events, "push")[0],
        "branch": (*wanted.branches, "main")[0],
        "person": (*(wanted.people or ()), Person.parse("github:ada#1"))[0],
        "role": (*wanted.roles, "write")[0],
        "run": "7",
    }
    if wanted.trusted_forks:
        fits["head"] = wanted.trusted_forks[0]
    names = draw(st.sets(st.sampled_from(sorted(_OTHERWISE)), max_size=2))
    return job(**fits | {name: draw(_OTHERWISE[name]) for name in sorted(names)}), known


def _has_a_fake(asked: Applicant) -> bool:
    return not all(label.isascii() for label in asked.labels)


@given(_cases())
def test_it_allows_what_a_plain_reading_of_the_conditions_does(
    case: tuple[Applicant, Grants],
) -> None:
    asked, known = case
    found = decide(asked, known, NOW)
    event("allowed" if found.allowed else "refused")
    assert found.allowed == (allows(asked, known, NOW) and not _has_a_fake(asked))
    if found.allowed:
        (under,) = [each for each in known.grants if each.id == found.grant]
        assert under.state(NOW) is GrantState.ACTIVE
    assert found.reasons


@given(_cases(), st.randoms(use_true_random=False))
def test_the_order_of_grants_and_resources_does_not_matter(
    case: tuple[Applicant, Grants], chance: Random
) -> None:
    asked, known = case
    shuffled = replace(
        known, grants=_mixed(known.grants, chance), resources=_mixed(known.resources, chance)
    )
    assert decide(asked, shuffled, NOW) == decide(asked, known, NOW)
    assert decide(asked, known, NOW) == decide(asked, known, NOW)


@given(_cases())
def test_the_grants_of_others_do_not_matter(case: tuple[Applicant, Grants]) -> None:
    asked, known = case
    own = [each for each in known.grants if each.project.key == asked.project.key]
    same_name = [each for each in known.grants if each.project.name == asked.project.name]
    found = decide(asked, known, NOW)
    assert decide(asked, replace(known, grants=own), NOW).allowed == found.allowed
    both = [each for each in known.grants if each in own or each in same_name]
    assert decide(asked, replace(known, grants=both), NOW) == found


@given(_cases())
def test_names_do_not_matter(case: tuple[Applicant, Grants]) -> None:
    asked, known = case
    renamed = replace(
        asked,
        project=replace(asked.project, name="other/name"),
        person=asked.person and replace(asked.person, name="other"),
        head=asked.head and replace(asked.head, name="other/fork"),
    )
    assert decide(renamed, known, NOW).allowed == decide(asked, known, NOW).allowed


@given(_cases(), st.integers(1, 5), st.sampled_from(["revoked", "suspended", "expired"]))
def test_taking_a_grant_away_never_allows_more(
    case: tuple[Applicant, Grants], number: int, how: str
) -> None:
    asked, known = case
    less = replace(
        known, grants=[_less(each, how) if each.id == number else each for each in known.grants]
    )
    if not decide(asked, known, NOW).allowed:
        assert not decide(asked, less, NOW).allowed
    assert decide(asked, less, NOW).grant != number or not decide(asked, less, NOW).allowed


@given(_cases())
def test_who_has_no_grant_is_refused(case: tuple[Applicant, Grants]) -> None:
    asked, known = case
    assert not decide(asked, replace(known, grants=[]), NOW).allowed
    assert not decide(replace(asked, project=_nameless(asked.project)), known, NOW).allowed


def _mixed(values: Iterable[Any], chance: Random) -> list[Any]:
    mixed = list(values)
    chance.shuffle(mixed)
    return mixed


def _less(each: Grant, how: str) -> Grant:
    last = each.decisions[-1]
    number = last.number + 1
    match how:
        case "revoked":
            after = replace(last, number=number, change=GrantChange.REVOKED)
        case "suspended":
            after = replace(last, number=number, change=GrantChange.SUSPENDED)
        case _:
            ended = replace(last.lending, expires_at=NOW)
            after = replace(last, number=number, lending=ended)
    return replace(each, decisions=(*each.decisions, after))


def _nameless(project: Project) -> Project:
    return replace(project, id=None)
