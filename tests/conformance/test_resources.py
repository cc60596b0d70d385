"""Resources, budgets, terms and linked accounts as facts, on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from tests.support.accounts import make_user
from tests.support.people import Caller, Clock, someone, store_with_administrator

from condarium.errors import CondariumError
from condarium.governance.resources.terms import BadTerms
from condarium.model.document import Document
from condarium.model.governance.projects import Person, with_id
from condarium.storage.access.memberships import NoSuchGroup
from condarium.storage.governance.identities import IdentityTaken
from condarium.storage.governance.resources import (
    LooksLikeAnother,
    NoSuchBudget,
    NoSuchResource,
    ResourceExists,
)
from condarium.storage.governance.terms import NoSuchTerms, PublishedMeanwhile
from condarium.storage.store import Store


@pytest.fixture
def owner(store: Store) -> Caller:
    return store_with_administrator(store)


def text(content: str) -> Document:
    return Document("terms.md", content.encode())


def test_only_what_is_given_changes(owner: Caller) -> None:
    owner("resource create", name="gpu", capacity="4", factor="8", contact="ada")
    changed = owner("resource change", name="gpu", capacity="none", private=True)
    assert changed.changed
    settings = owner("resource show", name="gpu").resource.settings
    assert (settings.capacity, settings.factor, settings.contact) == (None, 8_000_000, "ada")
    assert not settings.public
    assert not owner("resource change", name="gpu", private=True).changed
    with pytest.raises(CondariumError, match="nothing was said"):
        owner("resource change", name="gpu")


def test_a_name_and_a_label_are_of_one_resource(owner: Caller) -> None:
    owner("resource create", name="gpu", label="gpu-large")
    owner("resource create", name="cpu")
    table: list[tuple[dict[str, Any], type[CondariumError]]] = [
        ({"name": "gpu"}, ResourceExists),
        ({"name": "other", "label": "GPU"}, ResourceExists),
        ({"name": "gpu-large"}, ResourceExists),
        ({"name": "gpu_large"}, LooksLikeAnother),
        ({"name": "gpu-1arge"}, LooksLikeAnother),
        ({"name": "other", "label": "GPU.LARGE"}, LooksLikeAnother),
        ({"name": "other", "terms": "gone"}, NoSuchTerms),
        ({"name": "other", "rule": ("1 group:gone",)}, NoSuchGroup),
    ]
    for given, error in table:
        with pytest.raises(error):
            owner("resource create", **given)
        with pytest.raises(error):
            owner("resource change", **{"label": given["name"], **given, "name": "cpu"})
    assert [each.name for each in owner("resource list")] == ["cpu", "gpu"]


def test_of_two_that_look_alike_and_are_made_at_once_one_is(owner: Caller, store: Store) -> None:
    def make(name: str) -> str:
        try:
            return str(owner("resource create", name=name).resource.name)
        except (LooksLikeAnother, ResourceExists) as error:
            return type(error).__name__

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, ["gpu-1", "gpu-l", "gpu_i", "gpu.1"]))
    assert made.count("LooksLikeAnother") == 3
    assert len(owner("resource list")) == 1


def test_a_retired_one_stays_a_fact(owner: Caller, clock: Clock) -> None:
    owner("resource create", name="gpu")
    assert owner("resource retire", name="gpu", reason="sold").changed
    assert not owner("resource retire", name="gpu").changed
    assert owner("resource list").items == ()
    (kept,) = owner("resource list", retired=True)
    assert kept.retired_at == clock.now
    assert owner("resource retire", name="gpu", undo=True).resource.retired_at is None
    assert len(owner("resource list")) == 1
    with pytest.raises(NoSuchResource):
        owner("resource retire", name="cpu")


def test_grants_that_ended_do_not_count(owner: Caller, clock: Clock) -> None:
    for name in ("gpu", "cpu"):
        owner("resource create", name=name)
    for number in range(3):
        project = f"github:lab/tool{number}#{number}"
        owner("grant create", resource=["gpu"], project=project, reason="asked")
    owner("grant renew", grant=1, for_="1d", reason="for a day")
    owner("grant suspend", grant=2, reason="wait")
    assert owner("resource show", name="gpu").grants == 3
    clock.now += timedelta(days=1)
    assert owner("resource show", name="gpu").grants == 2
    owner("grant revoke", grant=[3], reason="done")
    assert owner("resource retire", name="gpu").grants == 1
    assert owner("resource show", name="cpu").grants == 0


def test_a_list_is_had_in_pages(owner: Caller) -> None:
    for name in ("a", "b", "c"):
        owner("resource create", name=name, provider="acme" if name != "b" else None)
    first = owner("resource list", limit=2)
    assert [each.name for each in first] == ["a", "b"]
    assert [each.name for each in owner("resource list", limit=2, cursor=first.next)] == ["c"]
    assert [each.name for each in owner("resource list", provider="acme")] == ["a", "c"]


def test_a_list_has_what_one_may_see(owner: Caller, store: Store) -> None:
    owner("terms publish", name="rules", document=text("be nice"))
    make_user(store, "ada", None)
    for name in ("open", "own", "secret"):
        owner("resource create", name=name, private=name != "open", terms="rules")
    owner("access bind", subject="ada", role="borrower", resource="own")
    ada = someone(store, "ada")
    assert [each.name for each in ada("resource list")] == ["open", "own"]
    assert ada("terms show", name="rules").resources == ("open", "own")
    assert owner("terms show", name="rules").resources == ("open", "own", "secret")


def test_what_is_left_of_a_budget_is_of_the_period_that_is_now(owner: Caller, clock: Clock) -> None:
    owner("resource create", name="gpu")
    owner("resource create", name="cpu")
    added = owner("resource add-budget", name="gpu", donor="acme", amount="40", until="2026-06-01")
    owner("resource add-budget", name="gpu", donor="lab", amount="2.5", from_="2026-04-01")
    first, second = owner("resource show", name="gpu").resource.budgets
    assert (first.left, second.left) == (40_000_000, None)
    clock.now += timedelta(days=31)
    first, second = owner("resource show", name="gpu").resource.budgets
    assert (first.left, second.left) == (40_000_000, 2_500_000)
    assert owner("resource end-budget", name="gpu", number=added.budget.id).changed
    assert not owner("resource end-budget", name="gpu", number=added.budget.id).changed
    assert owner("resource show", name="gpu").resource.budgets[0].left is None
    for name, number in (("cpu", added.budget.id), ("gpu", 99)):
        with pytest.raises(NoSuchBudget):
            owner("resource end-budget", name=name, number=number)


def test_a_budget_that_gives_nothing_is_refused(owner: Caller) -> None:
    owner("resource create", name="gpu")
    for given in (
        {"donor": "Acme", "amount": "40"},
        {"donor": "acme", "amount": "0"},
        {"donor": "acme", "amount": "-4"},
        {"donor": "acme", "amount": "many"},
        {"donor": "acme", "amount": "40", "until": "2025-01-01"},
        {"donor": "acme", "amount": "40", "from_": "soon"},
        {"donor": "acme", "amount": "40", "from_": "2026-05-01", "until": "2026-05-01"},
    ):
        with pytest.raises(CondariumError):
            owner("resource add-budget", name="gpu", **given)
    assert owner("resource show", name="gpu").resource.budgets == ()


def test_another_text_is_another_version(owner: Caller) -> None:
    first = owner("terms publish", name="rules", document=text("be nice"))
    again = owner("terms publish", name="rules", document=text("be nice\r\n"))
    assert (first.terms.version, first.changed, again.changed) == (1, True, False)
    assert owner("terms publish", name="rules", document=text("be kind")).terms.version == 2
    back = owner("terms publish", name="rules", document=text("be nice"))
    assert (back.terms.version, back.terms.digest) == (3, first.terms.digest)
    assert owner("terms show", name="rules", version=2).terms.text == "be kind\n"
    assert [each.version for each in owner("terms list")] == [3]
    for missing in ({"name": "gone"}, {"name": "rules", "version": 4}):
        with pytest.raises(NoSuchTerms):
            owner("terms show", **missing)


def test_versions_that_are_published_at_once_have_no_gaps(owner: Caller) -> None:
    def publish(number: int) -> int:
        try:
            told = owner("terms publish", name="rules", document=text(f"rule {number}"))
        except PublishedMeanwhile:
            return 0
        return int(told.terms.version)

    with ThreadPoolExecutor(4) as threads:
        versions = [version for version in threads.map(publish, range(8)) if version]
    assert sorted(versions) == list(range(1, len(versions) + 1))


def test_what_is_no_text_is_not_published(owner: Caller) -> None:
    for content in (b"", b" \n", b"\xff", b"a\0b", b"x" * 1_000_001):
        with pytest.raises(BadTerms):
            owner("terms publish", name="rules", document=Document("terms.md", content))
    assert owner("terms list").items == ()


def test_a_version_is_accepted_for_oneself_and_all_that_one_is(owner: Caller, store: Store) -> None:
    owner("terms publish", name="rules", document=text("be nice"))
    ada = make_user(store, "ada", None)
    owner("user link", name="ada", person="github:ada-l#123")
    accepted = someone(store, "ada")("terms accept", name="rules")
    people = [f"user:ada#{ada}", "github:ada-l#123"]
    assert [with_id(each) for each in accepted.people] == people
    assert someone(store, "ada")("terms accept", name="rules").new == 0
    shown = someone(store, "ada")("terms show", name="rules")
    assert (shown.by_me, [each.people for each in shown.accepted]) == (True, [1])
    with store.database.read() as facts:
        keys = {("rules", 1, f"user:{ada}"), ("rules", 1, "github:123")}
        assert facts.terms.accepted() == facts.terms.accepted("rules") == keys
        assert facts.terms.accepted(people=["github:123"]) == {("rules", 1, "github:123")}
    owner("terms publish", name="rules", document=text("be kind"))
    shown = someone(store, "ada")("terms show", name="rules")
    assert (shown.newest, shown.by_me) == (2, False)
    first = owner("terms acceptances", name="rules", limit=1)
    (second,) = owner("terms acceptances", name="rules", limit=1, cursor=first.next)
    assert {with_id(each.person) for each in (*first, second)} == set(people)
    assert owner("terms acceptances", name="rules", version=2).items == ()


def test_who_records_an_acceptance_is_said(owner: Caller, store: Store) -> None:
    owner("terms publish", name="rules", document=text("be nice"))
    ada = make_user(store, "ada", None)
    owner("terms accept", name="rules", person="github:bo#5")
    assert owner("terms accept", name="rules", person="user:ada").people[0].id == ada
    by = [entry.detail["recorded-by"] for entry in owner("audit search", action="terms accept")]
    assert by == [owner.app.actor.name] * 2
    for nobody in ("github:bo", "user:eve", "bo", "github:#5"):
        with pytest.raises(CondariumError):
            owner("terms accept", name="rules", person=nobody)
    with pytest.raises(CondariumError, match="nobody in particular"):
        owner("terms accept", name="rules")


def test_somebody_elsewhere_is_one_here(owner: Caller, store: Store) -> None:
    ada, bo = make_user(store, "ada", None), make_user(store, "bo", None)
    assert owner("user link", name="ada", person="github:ada#123").changed
    assert not owner("user link", name="ada", person="github:ada#123").changed
    assert owner("user link", name="ada", person="github:lovelace#123").changed
    assert owner("user link", name="ada", person="github:ada-at-work#7").changed
    with pytest.raises(IdentityTaken):
        owner("user link", name="bo", person="github:bo#123")
    linked = (Person.parse("github:lovelace#123"), Person.parse("github:ada-at-work#7"))
    assert owner("user show", name="ada").elsewhere == linked
    with store.database.read() as facts:
        assert facts.identities.principal_of("github:123") == ada
        assert facts.identities.principal_of(f"user:{bo}") == bo
        assert facts.identities.principal_of("github:5") is None
        assert facts.identities.principal_of("user:5") is None
    assert not owner("user unlink", name="bo", person="github:lovelace").changed
    assert owner("user unlink", name="ada", person="github:Lovelace").changed
    assert owner("user link", name="bo", person="github:lovelace#123").changed
    for nobody in ("github:eve", "user:ada", "eve"):
        with pytest.raises(CondariumError):
            owner("user link", name="ada", person=nobody)


def test_of_two_who_link_the_same_person_at_once_one_does(owner: Caller, store: Store) -> None:
    names = ["ada", "bo", "cy", "di"]
    for name in names:
        make_user(store, name, None)

    def link(name: str) -> bool:
        try:
            return bool(owner("user link", name=name, person="github:ada#123").changed)
        except IdentityTaken:
            return False

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(link, names)) == 1
