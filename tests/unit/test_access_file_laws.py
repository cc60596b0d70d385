"""Any state at all is said by a file that says it again, and that changes nothing."""

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from condarium.governance.files.comparing import changes
from condarium.governance.files.reading import BadAccessFile
from condarium.governance.files.recognising import read_parts, read_states
from condarium.governance.files.state import SaidBudget, SaidGrant, SaidResource, State
from condarium.governance.files.writing import write_public, write_state
from condarium.model.document import Document
from condarium.model.governance.amounts import Period
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind
from condarium.model.governance.resources import Approvals, ApproverKind, ResourceKind, Settings

_NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,12}", fullmatch=True)
_WORDS = st.from_regex(
    r"[^\s,\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]{1,12}", fullmatch=True
)
_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t"), max_size=40
)
_AMOUNTS = st.integers(1, 10**14)
_SPANS = st.integers(1, 10**7).map(lambda seconds: timedelta(seconds=seconds))
_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
_IDS = st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
_LISTS = st.lists(_WORDS, max_size=3).map(tuple)
_TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_PROJECTS = st.one_of(
    st.builds(
        Project,
        kind=st.just(ProjectKind.GITHUB),
        name=st.from_regex(r"[A-Za-z0-9-]{1,6}/[A-Za-z0-9._-]{1,6}", fullmatch=True),
        id=_IDS,
    ),
    st.builds(Project, kind=st.just(ProjectKind.NAMESPACE), name=_NAMES, id=_IDS),
)
_PEOPLE = st.one_of(
    st.builds(
        Person,
        kind=st.just(PersonKind.GITHUB),
        name=st.from_regex(r"[A-Za-z0-9-]{1,6}(\[bot\])?", fullmatch=True),
        id=_IDS,
    ),
    st.builds(Person, kind=st.just(PersonKind.USER), name=_NAMES, id=_IDS),
)
_RULES = st.one_of(
    st.builds(Approvals, count=st.integers(1, 99), kind=st.just(ApproverKind.LENDER)),
    st.builds(Approvals, count=st.integers(1, 99), kind=st.just(ApproverKind.GROUP), group=_NAMES),
)
_BUDGETS = st.builds(
    SaidBudget,
    donor=_NAMES,
    amount=_AMOUNTS,
    period=st.sampled_from(Period),
    starts_at=_INSTANTS,
    ends_at=st.none() | _INSTANTS,
)


@st.composite
def resources(draw: st.DrawFn, terms: list[str]) -> SaidResource:
    said = Settings(
        kind=draw(st.sampled_from(ResourceKind)),
        provider=draw(st.just("") | _NAMES),
        description=draw(_TEXTS),
        platform=draw(st.sampled_from(["", "linux-64"])),
        label=draw(st.just("") | _NAMES),
        labels=tuple(draw(st.lists(_NAMES, max_size=3))),
        capacity=draw(st.none() | st.integers(1, 10**6)),
        most_per_project=draw(st.none() | st.integers(1, 10**6)),
        longest_job=draw(_SPANS),
        factor=draw(st.integers(0, 10**14)),
        terms=draw(st.sampled_from([None, *terms])),
        rule=tuple(draw(st.lists(_RULES, min_size=1, max_size=2))),
        unique_label=draw(st.booleans()),
        unused_after=draw(_SPANS),
        public=draw(st.booleans()),
        contact=draw(_TEXTS),
        private=draw(_TEXTS),
        machine=draw(st.dictionaries(_NAMES, _TREES, max_size=2)),
    )
    return SaidResource(settings=said, budgets=tuple(draw(st.lists(_BUDGETS, max_size=2))))


@st.composite
def grants(draw: st.DrawFn, names: list[str]) -> SaidGrant:
    conditions = Conditions(
        branches=draw(_LISTS),
        events=draw(_LISTS),
        pull_request=draw(st.booleans()),
        trusted_forks=tuple(draw(st.lists(_PROJECTS, max_size=2))),
        fork_approval=draw(st.booleans()),
        people=draw(st.none() | st.lists(_PEOPLE, max_size=2).map(tuple)),
        people_from=draw(st.none() | _WORDS),
        roles=draw(_LISTS),
    )
    lending = Lending(
        conditions=conditions,
        quota=draw(st.none() | _AMOUNTS),
        period=draw(st.sampled_from(Period)),
        starts_at=draw(st.none() | _INSTANTS),
        expires_at=draw(st.none() | _INSTANTS),
        called=draw(_TEXTS),
    )
    return SaidGrant(
        project=draw(_PROJECTS),
        resource=draw(st.sampled_from(names)),
        lending=lending,
        suspended=draw(st.booleans()),
        reason=draw(_TEXTS),
    )


@st.composite
def states(draw: st.DrawFn) -> State:
    terms = draw(st.dictionaries(_NAMES, _TEXTS.filter(str.strip), max_size=2))
    lent = draw(st.dictionaries(_NAMES, resources(list(terms)), max_size=3))
    granted = draw(st.lists(grants(list(lent)), max_size=4)) if lent else []
    return State.of(
        terms={name: f"{text.strip()}\n" for name, text in terms.items()},
        resources=lent,
        grants={each.place: each for each in granted}.values(),
    )


def read(text: str) -> State:
    return read_states([Document("all.yml", text.encode())])


@settings(max_examples=60, deadline=None)
@given(states())
def test_any_state_is_read_as_it_was_written(state: State) -> None:
    text = write_state(state)
    assert read(text) == state
    assert write_state(read(text)) == text
    assert changes(state, read(text)) == ()


@settings(max_examples=20, deadline=None)
@given(states(), st.randoms(use_true_random=False))
def test_in_whatever_order_it_is_said_it_is_the_same_text(
    state: State, chance: random.Random
) -> None:
    resources, grants = list(state.resources.items()), list(state.grants)
    chance.shuffle(resources)
    chance.shuffle(grants)
    other = State.of(terms=state.terms, resources=dict(resources), grants=grants)
    assert write_state(other) == write_state(state)


@settings(max_examples=40, deadline=None)
@given(states(), states())
def test_two_states_differ_by_nothing_only_if_they_say_the_same(one: State, other: State) -> None:
    there, back = changes(one, other), changes(other, one)
    assert {(each.kind, each.name) for each in there} == {(each.kind, each.name) for each in back}
    assert not there or write_state(one) != write_state(other)


@settings(max_examples=20, deadline=None)
@given(states())
def test_a_copy_for_everybody_has_no_note_and_nobody(state: State) -> None:
    text = write_public(state)
    assert "\n    private:" not in text
    for name, resource in state.resources.items():
        assert resource.settings.public or f"\n  {name}:\n" not in text
    for grant in state.grants:
        for person in grant.lending.conditions.people or ():
            assert f"- {person}#" not in text.replace("'", "")


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_text_whatever_is_worse_than_a_bad_file(text: str) -> None:
    for read_them in (read_states, lambda found: read_parts(found, organisation="lab")):
        for begins in ("", "version: 1\ngrants: ", "version: 1\nresources: {a: {machine: "):
            content = f"{begins}{text}".encode("utf-8", "surrogatepass")
            with suppress(BadAccessFile):
                read_them([Document("any.yml", content)])
