"""Plan, apply, import and resolve, on SQLite and on PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.accounts import bind
from tests.support.people import Caller, Clock, someone, store_with_administrator, user

from condarium.errors import BadArguments, NotPermitted
from condarium.governance.admission.admitting import admit_in
from condarium.governance.planning.planning import BadPlanId, OtherFiles, StalePlan
from condarium.model.document import Document
from condarium.model.governance.admission import Admission, Applicant
from condarium.model.governance.planned import Applied, Plan
from condarium.model.governance.projects import Person, Project
from condarium.storage.access.memberships import NoSuchGroup
from condarium.storage.governance.resources import LooksLikeAnother
from condarium.storage.store import Store

LENT = """\
version: 1
terms: {careful: Be careful.}
resources:
  gpu: {kind: runner, provider: acme, capacity: 2}
  big: {kind: queue, provider: acme, private: the key is in the safe}
"""
GRANTS = """\
version: 1
grants:
  - {project: 'github:lab/tool#77', resources: [gpu, big], reason: builds}
  - project: github:lab/other
    resource: gpu
    conditions: {people: [github:ada, github:ben]}
"""
BUDGET = "    budgets: [{donor: zoo, amount: 40 credits, period: month}]\n"
TOOL = Project.parse("github:lab/tool#77")


@pytest.fixture
def owner(store: Store) -> Caller:
    return store_with_administrator(store)


def documents(*texts: str) -> tuple[Document, ...]:
    return tuple(Document(f"{number}.yml", text.encode()) for number, text in enumerate(texts))


def plan(caller: Caller, *texts: str) -> Plan:
    found: Plan = caller("access plan", files=documents(*texts))
    return found


def apply(caller: Caller, *texts: str, **given: Any) -> Applied:
    planned = plan(caller, *texts).id
    found: Applied = caller("access apply", files=documents(*texts), plan=planned, **given)
    return found


def export(caller: Caller, **given: Any) -> str:
    return str(caller("access export", **given).content)


def said(found: Plan | Applied) -> list[str]:
    return [f"{each.kind} {each.name} {each.does}" for each in found.changes]


def admit(caller: Caller, number: int, resource: str = "gpu") -> Admission:
    job = Applicant(
        project=TOOL,
        labels=(resource,),
        commit="c" * 40,
        event="push",
        person=Person.parse("github:ada#1"),
        run=str(number),
        time=timedelta(hours=1),
    )
    with caller.store.database.note() as facts:
        found = admit_in(facts, job, source="github", external=str(number), at=caller.store.now())
    assert found is not None
    return found


def test_a_plan_changes_nothing_and_applying_it_leaves_nothing_to_do(owner: Caller) -> None:
    before = export(owner)
    planned = plan(owner, LENT, GRANTS)
    assert export(owner) == before
    assert said(planned) == [
        "terms careful made",
        "resource big made",
        "resource gpu made",
        "grant big for github:lab/tool made",
        "grant gpu for github:lab/other made",
        "grant gpu for github:lab/tool made",
    ]
    assert "the ids of 3 are not known" in planned.warnings[0]
    applied = apply(owner, LENT, GRANTS)
    assert said(applied) == said(planned)
    assert plan(owner, LENT, GRANTS).changes == ()
    assert plan(owner, export(owner)).changes == ()
    again = owner("access apply", files=documents(LENT, GRANTS), plan=applied.plan)
    assert again.changes == ()


def test_what_files_do_not_have_ends_and_comes_back_with_them(owner: Caller) -> None:
    apply(owner, LENT, GRANTS)
    planned = plan(owner, LENT)
    assert planned.loses == (
        "github:lab/tool on big: all use ends",
        "github:lab/other on gpu: all use ends",
        "github:lab/tool on gpu: all use ends",
    )
    apply(owner, "version: 1\n")
    assert export(owner) == "version: 1\nterms:\n  careful: |\n    Be careful.\n"
    apply(owner, LENT, GRANTS)
    assert plan(owner, LENT, GRANTS).changes == ()
    assert not any(each.retired_at for each in owner("resource list", retired=True))


def test_changes_are_told_field_by_field(owner: Caller) -> None:
    apply(owner, LENT, GRANTS)
    lent = LENT.replace("capacity: 2", "capacity: 4, longest_job: 2h").replace("careful.", "kind.")
    grants = GRANTS.replace("reason: builds", "pull_requests: true").replace(
        ", github:ben]}", "]}\n    suspended: true\n    until: 2026-06-01"
    )
    planned = plan(owner, lent, grants)
    fields = {
        (each.name, field.field): (field.before, field.after)
        for each in planned.changes
        for field in each.fields
    }
    assert fields["gpu", "capacity"] == ("2", "4")
    assert fields["gpu for github:lab/tool", "pull_requests"] == ("no", "yes")
    assert fields["gpu for github:lab/other", "conditions.people"] == (
        "github:ada, github:ben",
        "github:ada",
    )
    assert fields["gpu for github:lab/other", "suspended"] == ("no", "yes")
    assert "everybody on gpu: jobs may not take as long" in planned.loses
    assert "github:lab/other on gpu: suspended" in planned.loses
    apply(owner, lent, grants)
    assert plan(owner, lent, grants).changes == ()
    apply(owner, LENT, GRANTS)
    assert plan(owner, LENT, GRANTS).changes == ()


def test_what_becomes_looser_is_told_and_private_notes_are_not(owner: Caller) -> None:
    guarded = LENT.replace("capacity: 2", "rule: [2 lender], unique_label: true, terms: careful")
    narrow = GRANTS.replace("reason: builds", "quota: 50 credits, conditions: {branches: [main]}")
    apply(owner, guarded, narrow)
    planned = plan(owner, LENT.replace("the safe", "the shed"), GRANTS.replace(", big]", "]"))
    assert planned.gains == (
        "everybody on gpu: who asks needs 1 lender, no more 2 lender",
        "everybody on gpu: nobody has to accept the terms careful",
        "everybody on gpu: jobs need no label of their own run, so that another's runner may take "
        "them",
        "github:lab/tool on gpu: any branches",
        "github:lab/tool on gpu: no quota",
    )
    fields = {
        each.field: (each.before, each.after)
        for change in planned.changes
        for each in change.fields
    }
    assert fields["rule"] == ("2 lender", "1 lender")
    assert fields["unique_label"] == ("yes", "no")
    assert fields["quota"] == ("50 credits", "no limit")
    assert fields["conditions.branches"] == ("main", "any")
    assert fields["private"] == (None, None)
    apply(owner, LENT)
    (first, *_) = plan(owner, LENT, GRANTS).gains
    assert first == "github:lab/tool on big: use begins (no pull requests)"


def test_budgets_are_added_and_ended(owner: Caller, clock: Clock) -> None:
    lent = LENT.replace(", capacity: 2}", "}").replace(
        "gpu: {kind: runner, provider: acme}", "gpu:\n    kind: runner\n" + BUDGET.rstrip()
    )
    (_, made) = apply(owner, LENT), apply(owner, lent)
    assert any(each.startswith("budget 40 credits each month by zoo") for each in said(made))
    clock.now += timedelta(days=1)
    assert plan(owner, lent).changes == ()
    ended = apply(owner, LENT)
    assert [each.does for each in ended.changes if each.kind == "budget"] == ["ended"]
    assert "budgets" not in export(owner)


def test_a_stale_plan_is_refused_with_what_was_done_since(owner: Caller) -> None:
    apply(owner, LENT, GRANTS)
    planned = plan(owner, LENT)
    owner("resource change", name="gpu", capacity="9", reason="more")
    with pytest.raises(StalePlan) as caught:
        owner("access apply", files=documents(LENT), plan=planned.id)
    assert len(caught.value.since) == 1
    assert caught.value.since[0].startswith("resource change gpu by ")
    assert "capacity: 9" in export(owner)
    with pytest.raises(OtherFiles):
        owner("access apply", files=documents(LENT, GRANTS), plan=planned.id)
    with pytest.raises(BadPlanId):
        owner("access apply", files=documents(LENT), plan="17")


def test_what_was_changed_by_hand_since_is_told(owner: Caller) -> None:
    apply(owner, LENT, GRANTS)
    assert plan(owner, LENT, GRANTS).drift == ()
    owner("resource change", name="gpu", capacity="9", reason="more")
    planned = plan(owner, LENT, GRANTS)
    (drifted,) = planned.drift
    assert (drifted.name, drifted.fields[0].field) == ("gpu", "capacity")
    assert said(planned) == ["resource gpu changed"]


def test_the_jobs_that_a_revocation_cancels_are_told_before(owner: Caller) -> None:
    apply(owner, LENT, GRANTS)
    waits, runs = admit(owner, 1), admit(owner, 2)
    with owner.store.database.note() as facts:
        now = owner.store.now()
        facts.admissions.start(runs.id, at=now, lease_until=now + timedelta(minutes=5))
    planned = plan(owner, LENT)
    assert [each.admission for each in planned.cancelled] == [waits.id]
    assert [each.admission for each in planned.running] == [runs.id]
    assert str(owner("admission show", admission=waits.id).state) == "waiting"
    applied = apply(owner, LENT, running=True)
    assert set(applied.cancelled) == {waits.id, runs.id}
    assert str(owner("admission show", admission=runs.id).state) == "cancelled"


def test_what_cannot_be_made_is_found_by_the_plan(owner: Caller) -> None:
    with pytest.raises(LooksLikeAnother):
        plan(owner, "version: 1\nresources: {gpu-0: {kind: queue}, gpu-o: {kind: queue}}")
    with pytest.raises(NoSuchGroup):
        plan(owner, "version: 1\nresources: {gpu: {kind: queue, rule: [1 group:core]}}")
    assert export(owner) == "version: 1\n"


def test_a_grant_that_has_ended_is_not_wanted(owner: Caller, clock: Clock) -> None:
    ending = GRANTS.replace("reason: builds", "until: 2026-04-01")
    apply(owner, LENT, ending)
    clock.now += timedelta(days=60)
    assert plan(owner, LENT, ending).changes == ()


def test_ids_are_found_in_a_file_and_never_changed(owner: Caller) -> None:
    apply(owner, LENT, GRANTS)
    ids = Document("ids.json", b'{"ada": 1, "lab/other": 78, "lab/tool": 5}')
    found = owner("access resolve", ids=ids)
    assert found.found == ("github:ada#1", "github:lab/other#78")
    assert found.unknown == ("github:ben",)
    assert "github:lab/tool#77" in export(owner)
    assert plan(owner, LENT, GRANTS).changes == ()  # files need not say the ids
    recycled = GRANTS.replace("github:lab/other\n", "github:lab/other#79\n")
    assert said(plan(owner, LENT, recycled)) == ["grant gpu for github:lab/other changed"]
    assert plan(owner, LENT, recycled).loses == ("github:lab/other on gpu: all use ends",)
    owner("access resolve", ids=Document("ids.json", b'{"ada": 2, "lab/other": 9}'))
    assert "github:lab/other#78" in export(owner)
    assert "github:ada#1" in export(owner)


def test_only_administrators_do_this_and_everybody_sees_what_is_public(owner: Caller) -> None:
    user(owner, "ben")
    apply(owner, LENT, GRANTS)
    ben = someone(owner.store, "ben")
    for name, given in (
        ("access import", {"files": documents("action: travis\nfeedstocks: [a]")}),
        ("access plan", {"files": documents(LENT)}),
        ("access apply", {"files": documents(LENT), "plan": "1-2-3"}),
        ("access resolve", {}),
        ("access export", {}),
        ("access export", {"format_": "access.yml"}),
    ):
        with pytest.raises(NotPermitted):
            ben(name, **given)
    bind(owner.store, "ben", "lender", "resource", "gpu")
    (told,) = owner("access export").left_out
    assert told.startswith("who has a role on gpu, ")
    assert ben("access export", public=True).left_out == ()
    text = export(ben, public=True)
    assert "github:lab/tool#77" in text
    assert not [each for each in ("safe", "ada") if each in text]
    with pytest.raises(BadArguments):
        ben("access export", public=True, format_="access.yml")
    with pytest.raises(BadArguments):
        owner("access export", wider=True)


def test_requests_are_imported_once_and_taken_back(owner: Caller) -> None:
    request = "action: cirun\nfeedstocks: [tool]\nresources: [cirun-gpu]\npull_request: true\n"
    add = Document("/home/ada/2026-03-01_tool.yml", request.encode())
    take = Document("2026-03-02_tool.yml", f"{request}revoke: true\n".encode())
    ids = Document("ids.json", b'{"lab/tool-feedstock": 5}')
    given = {"organisation": "lab", "ids": ids}
    tried = owner("access import", files=(add,), dry_run=True, **given)
    assert export(owner) == "version: 1\n"
    made = owner("access import", files=(add,), **given)
    assert made.changes == tried.changes
    assert made.warnings == ()
    assert owner("access import", files=(add,), **given).changes == ()
    text = export(owner)
    assert "project: github:lab/tool-feedstock#5" in text
    assert "reason: asked for on 2026-03-01, in 2026-03-01_tool.yml" in text
    (lent,) = owner("access public").grants
    assert "/home" not in f"{owner('audit search')}{lent.reason}"
    (ended,) = owner("access import", files=(take, add), **given).changes
    assert (ended.does, ended.name) == ("ended", "cirun-gpu for github:lab/tool-feedstock")
    assert owner("access import", files=(take, add), **given).changes == ()
