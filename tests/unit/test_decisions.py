"""The decision obeys its laws, whatever the names, roles, groups and scopes."""

from itertools import pairwise, permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from condarium.errors import NotPermitted
from condarium.model.access.decisions import (
    PLATFORM,
    Decision,
    Thing,
    decide,
    permitted_somewhere,
)
from condarium.model.access.permissions import (
    CONCERNS,
    PERMISSIONS,
    ROLES,
    Permission,
    Role,
    ThingKind,
)
from condarium.model.access.principals import (
    ANYBODY,
    Binding,
    Principal,
    PrincipalKind,
    Scope,
    SubjectKind,
)

NAMES = ("a.b", "aXb", "a_b", "a%b", "A.b", "a", "a.b.c", ".*", "а.b")  # noqa: RUF001 - the last one is Cyrillic
PEOPLE = ("u1", "u2")
GROUPS = ("g1", "g2")

names = st.sampled_from(NAMES)
permissions = st.sampled_from(list(Permission))
things = st.one_of(
    st.just(PLATFORM),
    st.builds(Thing, kind=st.just(ThingKind.NAMESPACE), name=names),
    st.builds(Thing, kind=st.just(ThingKind.CHANNEL), name=names, public=st.booleans()),
)
scopes = st.builds(
    Scope,
    permissions=st.none() | st.frozensets(permissions),
    namespaces=st.none() | st.frozensets(names, max_size=3),
    channels=st.none() | st.frozensets(names, max_size=3),
)


@st.composite
def some_binding(draw: st.DrawFn) -> Binding:
    kind = draw(st.sampled_from(list(ThingKind)))
    is_group = draw(st.booleans())
    return Binding(
        subject_kind=SubjectKind.GROUP if is_group else SubjectKind.PRINCIPAL,
        subject=draw(st.sampled_from(GROUPS if is_group else PEOPLE)),
        role=draw(st.sampled_from(ROLES[kind])),
        kind=kind,
        thing="" if kind is ThingKind.PLATFORM else draw(names),
    )


bound = st.lists(some_binding(), max_size=5)
principals = st.builds(
    Principal,
    kind=st.sampled_from([PrincipalKind.USER, PrincipalKind.SERVICE]),
    id=st.sampled_from(PEOPLE),
    name=st.just("ada"),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    scope=scopes,
)


def with_scope(principal: Principal, scope: Scope) -> Principal:
    return Principal(**{**vars(principal), "scope": scope})


@given(principals, permissions, things, bound, bound)
def test_more_bindings_never_allow_less(
    principal: Principal,
    permission: Permission,
    thing: Thing,
    some: list[Binding],
    more: list[Binding],
) -> None:
    before, after = (decide(principal, permission, thing, each) for each in (some, some + more))
    assert before.allowed <= after.allowed
    assert before.visible <= after.visible
    before, after = (permitted_somewhere(principal, permission, b) for b in (some, some + more))
    assert before.allowed <= after.allowed


@given(principals, scopes, permissions, things, bound)
def test_a_narrower_token_never_allows_more(
    principal: Principal,
    narrow: Scope,
    permission: Permission,
    thing: Thing,
    some: list[Binding],
) -> None:
    wide = principal.scope
    assume(narrow.is_within(wide))
    less = decide(with_scope(principal, narrow), permission, thing, some)
    assert less.allowed <= decide(principal, permission, thing, some).allowed
    somewhere = permitted_somewhere(with_scope(principal, narrow), permission, some)
    assert somewhere.allowed <= permitted_somewhere(principal, permission, some).allowed


@given(principals, permissions, things, bound)
def test_a_token_permits_on_what_it_does_not_reach_what_anybody_may(
    principal: Principal, permission: Permission, thing: Thing, some: list[Binding]
) -> None:
    assume(principal.kind is not PrincipalKind.STORE_OWNER)
    assume(not principal.scope.reaches(thing.kind, thing.name))

    allowed = decide(principal, permission, thing, some).allowed

    assert not allowed or decide(ANYBODY, permission, thing, []).allowed


@given(scopes, scopes, scopes)
def test_to_be_within_is_an_order(one: Scope, two: Scope, three: Scope) -> None:
    assert one.is_within(one)
    assert one.is_within(Scope())
    assert not (one.is_within(two) and two.is_within(three)) or one.is_within(three)


@given(principals, permissions, things, bound)
def test_nothing_is_allowed_that_no_binding_gives(
    principal: Principal, permission: Permission, thing: Thing, some: list[Binding]
) -> None:
    """What a role gives on a thing that it names, and nothing else."""
    subjects = {principal.id, *principal.groups}
    mine = [each for each in some if each.subject in subjects]
    gives = any(
        permission in PERMISSIONS[each.role]
        and ((each.kind, each.thing) == (thing.kind, thing.name) or each.role is Role.ADMINISTRATOR)
        for each in mine
    )
    is_free = permission is Permission.SIGNED_IN or (
        thing.public and permission is Permission.CHANNEL_READ
    )
    assert decide(principal, permission, thing, some).allowed <= (gives or is_free)


@given(principals, permissions, names, names, bound, st.sampled_from(list(ThingKind)))
def test_what_is_hidden_is_like_what_is_not_there(
    principal: Principal,
    permission: Permission,
    name: str,
    other: str,
    some: list[Binding],
    kind: ThingKind,
) -> None:
    """Of a thing that one may not know of, the reasons say what they say of any other name."""
    assume(kind is not ThingKind.PLATFORM)
    one, two = (
        decide(principal, permission, Thing(kind=kind, name=each), some) for each in (name, other)
    )
    assume(not one.visible and not two.visible)
    assume(principal.scope.reaches(kind, name) == principal.scope.reaches(kind, other))
    assert not one.allowed or permission is Permission.SIGNED_IN
    assert _reads(one, kind, name) == _reads(two, kind, other)


def _reads(decision: Decision, kind: ThingKind, name: str) -> list[str]:
    return [reason.replace(f"{kind} {name}", "THING") for reason in decision.reasons]


@given(principals, permissions, things, st.lists(some_binding(), max_size=3))
def test_the_order_of_bindings_does_not_matter(
    principal: Principal, permission: Permission, thing: Thing, some: list[Binding]
) -> None:
    answers = {
        (found.allowed, found.visible)
        for each in permutations(some)
        for found in [decide(principal, permission, thing, each)]
    }
    assert len(answers) == 1


@given(principals, permissions, things, bound)
def test_every_answer_has_a_reason(
    principal: Principal, permission: Permission, thing: Thing, some: list[Binding]
) -> None:
    assert decide(principal, permission, thing, some).reasons
    assert permitted_somewhere(principal, permission, some).reasons


@given(permissions, things, bound)
def test_anybody_may_read_what_is_public_and_nothing_else(
    permission: Permission, thing: Thing, some: list[Binding]
) -> None:
    allowed = decide(ANYBODY, permission, thing, some).allowed
    assert allowed == (thing.public and permission is Permission.CHANNEL_READ)
    assert not permitted_somewhere(ANYBODY, permission, some).allowed


@pytest.mark.parametrize("held", NAMES)
@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("kind", [ThingKind.NAMESPACE, ThingKind.CHANNEL])
def test_a_role_is_on_the_thing_of_this_name_and_on_no_other(
    held: str, asked: str, kind: ThingKind
) -> None:
    owner = Principal(kind=PrincipalKind.USER, id="u1", name="ada")
    binding = Binding(
        subject_kind=SubjectKind.PRINCIPAL,
        subject="u1",
        role=ROLES[kind][-1],
        kind=kind,
        thing=held,
    )
    for permission in CONCERNS[kind]:
        found = decide(owner, permission, Thing(kind=kind, name=asked), [binding])
        assert found.allowed == (held == asked)
        assert found.visible == (held == asked)


@pytest.mark.parametrize("kind", list(ThingKind))
def test_each_role_gives_all_that_weaker_ones_give(kind: ThingKind) -> None:
    gives = [PERMISSIONS[role] for role in ROLES[kind]]
    assert all(less <= more for less, more in pairwise(gives))


def test_only_administrators_change_access_or_the_store() -> None:
    for permission in (Permission.ACCESS_MANAGE, Permission.STORE_MAINTAIN):
        assert [r for r in Role if permission in PERMISSIONS[r]] == [Role.ADMINISTRATOR]


def test_a_refusal_says_a_permission_by_its_name() -> None:
    error = NotPermitted("ada", Permission.STORE_INSPECT, (), PLATFORM)
    assert "may not run 'store:inspect' on platform" in str(error)
