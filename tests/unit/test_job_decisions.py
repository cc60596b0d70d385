"""Which jobs are admitted to what is lent, and what is said of the others."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.lending import ADA, COMMIT, LAB, NOW, grant, job, resource

from condarium.model.governance.admission import Approval, Grants
from condarium.model.governance.deciding import decide
from condarium.model.governance.grants import GrantChange, Lending
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import ResourceKind

FORK = Project.parse("github:bo/tool#12")
BO = Person.parse("github:bo#2")
DAY = timedelta(days=1)

REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "another branch": ({"branches": ("main",)}, {}, {"branch": "mine"}, "branch: found mine"),
    "no branch": ({"branches": ("main",)}, {}, {"branch": None}, "branch: found none"),
    "a branch in another case": ({"branches": ("main",)}, {}, {"branch": "Main"}, "found Main"),
    "another event": ({"events": ("push",)}, {}, {"event": "schedule"}, "event: found schedule"),
    "what a stranger can bring about": (
        {},
        {},
        {"event": "issue_comment"},
        "event: found issue_comment; the grant is for push or schedule or ",
    ),
    "a star": ({}, {}, {"event": "watch"}, "event: found watch"),
    "another workflow's end": ({}, {}, {"event": "workflow_run"}, "found workflow_run"),
    "a pull request": ({}, {}, {"event": "pull_request"}, "not for pull requests"),
    "a pull request, listed as an event": (
        {"events": ("pull_request",)},
        {},
        {"event": "pull_request"},
        "not for pull requests",
    ),
    "a pull request's target": ({}, {}, {"event": "pull_request_target"}, "not for pull requests"),
    "a fork": (
        {"pull_request": True},
        {},
        {"event": "pull_request", "head": FORK},
        "fork: the commit is from github:bo/tool, which the grant does not trust",
    ),
    "a fork without an approval": (
        {"pull_request": True, "fork_approval": True},
        {},
        {"event": "pull_request", "head": FORK},
        f"condarium grant approve-commit 1 {COMMIT}",
    ),
    "a fork whose branch is called main": (
        {"pull_request": True, "trusted_forks": (FORK,), "branches": ("main",)},
        {},
        {"event": "pull_request", "head": FORK, "branch": "main"},
        "branch: found main of github:bo/tool",
    ),
    "a fork that took a trusted one's name": (
        {"pull_request": True, "trusted_forks": (FORK,)},
        {},
        {"event": "pull_request", "head": Project.parse("github:bo/tool#99")},
        "does not trust",
    ),
    "a fork that is gone": (
        {"pull_request": True, "trusted_forks": (Project.parse("github:bo/tool"),)},
        {},
        {"event": "pull_request", "head": Project.parse("github:bo/tool")},
        "does not trust",
    ),
    "a bot": ({}, {}, {"person": None, "nobody": "renovate is a bot"}, "renovate is a bot"),
    "nobody": ({}, {}, {"person": None}, "person: nobody is known"),
    "a person without an id": (
        {"people": (Person.parse("github:ada"),)},
        {},
        {"person": Person.parse("github:ada")},
        "they have no id",
    ),
    "another person": ({"people": (ADA,)}, {}, {"person": BO}, "github:bo is not among"),
    "who took ada's login": (
        {"people": (ADA,)},
        {},
        {"person": Person.parse("github:ada#77")},
        "github:ada is not among",
    ),
    "an account here of ada's id there": (
        {"people": (ADA,)},
        {},
        {"person": Person.parse("user:ada#1")},
        "user:ada is not among",
    ),
    "a list elsewhere": ({"people_from": "https://example.org/x"}, {}, {}, "which is not read"),
    "another role": ({"roles": ("admin",)}, {}, {"role": "read"}, "github:ada is read"),
    "a role that is not known": ({"roles": ("admin",)}, {}, {}, "CONDARIUM_GITHUB_TOKEN"),
    "terms": (
        {},
        {"terms": "tos", "terms_version": 2},
        {},
        "condarium terms accept tos --person github:ada",
    ),
    "terms that nobody wrote": ({}, {"terms": "tos"}, {}, "tos was never published"),
    "too long": ({}, {}, {"time": timedelta(hours=7)}, "7:00:00; gpu is lent for 6:00:00"),
    "no time at all": ({}, {}, {"time": timedelta()}, "time: the job may take 0:00:00"),
    "no label of its own": ({}, {"unique_label": True}, {"run": "7"}, "run-7"),
    "a label of another run": (
        {},
        {"unique_label": True},
        {"run": "7", "labels": ("gpu", "run-8")},
        "run-7",
    ),
    "no run": ({}, {"unique_label": True}, {"labels": ("gpu", "run-")}, "run-ID"),
    "a retired resource": ({}, {"retired_at": NOW}, {}, "gpu is lent no more"),
    "a queue": ({}, {"kind": ResourceKind.QUEUE}, {}, "jobs of namespaces"),
    "a project without an id": ({}, {}, {"project": Project.parse("github:lab/tool")}, "no id"),
    "another project": ({}, {}, {"project": FORK}, "github:bo/tool has no grant of gpu"),
    "a project with the name of another": (
        {},
        {},
        {"project": Project.parse("github:Lab/tool#99")},
        "another project that had this name: its id is 11, not 99",
    ),
    "two resources": ({}, {}, {"labels": ("gpu", "big")}, "big and gpu at once"),
}


@pytest.mark.parametrize(
    ("conditions", "settings", "said", "reason"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_is_refused_is_told_why_and_how_to_ask(
    conditions: dict[str, Any], settings: dict[str, Any], said: dict[str, Any], reason: str
) -> None:
    lent = [resource(**settings), resource("big", 2)]
    found = decide(job(**said), Grants(resources=lent, grants=[grant(**conditions)]), NOW)
    assert not found.allowed
    assert found.governed
    assert reason in "\n".join(found.reasons)
    ask = 'ask: condarium request create -p github:lab/tool#11 -r gpu -m "WHAT FOR"'
    if found.grant is not None:  # to ask for another one helps where it is the grant that failed
        of_the_job = found.reasons[0].startswith(("terms:", "time:", "label:"))
        assert (found.reasons[-1] == ask) is not of_the_job


def test_a_service_is_none_of_our_business() -> None:
    grants = Grants(resources=[resource(kind=ResourceKind.SERVICE), resource("big", 2)])
    found = decide(job(), grants, NOW)
    assert not found.allowed
    assert not found.governed
    assert "keeps its own list" in found.reasons[0]
    assert decide(job(labels=("gpu", "big")), grants, NOW).resource == "big"


ALLOWED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "as it is": ({}, {}, {}),
    "all conditions": (
        {"branches": ("dev", "main"), "events": ("push",), "people": (ADA,), "roles": ("write",)},
        {"terms": "tos", "terms_version": 1, "unique_label": True},
        {"role": "write", "run": "7", "labels": ("GPU", "Run-7"), "time": timedelta(hours=6)},
    ),
    "a comment, where that is named": (
        {"events": ("issue_comment",)},
        {},
        {"event": "issue_comment"},
    ),
    "a release": ({}, {}, {"event": "release"}),
    "a pull request": ({"pull_request": True}, {}, {"event": "pull_request"}),
    "its events are for what is no pull request": (
        {"pull_request": True, "events": ("push",)},
        {},
        {"event": "pull_request"},
    ),
    "a trusted fork": (
        {"pull_request": True, "trusted_forks": (FORK,)},
        {},
        {"event": "pull_request", "head": Project.parse("github:bo/renamed#12")},
    ),
    "a commit of a fork that was approved": (
        {"pull_request": True, "fork_approval": True, "people": ()},
        {"terms": "tos", "terms_version": 1},
        {"event": "pull_request", "head": FORK, "person": BO, "commit": "A" * 40},
    ),
    "a bot's commit that was approved": ({}, {}, {"person": None, "commit": "a" * 40}),
    "ada, who has another login": ({"people": (ADA,)}, {}, {"person": Person.parse("github:x#1")}),
    "a project that was renamed": ({}, {}, {"project": Project.parse("github:new/name#11")}),
    "a label in another case": ({}, {}, {"labels": ("GpU",)}),
    "a label twice": ({}, {}, {"labels": ("gpu", "GPU")}),
}


@pytest.mark.parametrize(("conditions", "settings", "said"), ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_allowed_names_its_grant(
    conditions: dict[str, Any], settings: dict[str, Any], said: dict[str, Any]
) -> None:
    known = Grants(
        resources=[resource(**settings)],
        grants=[grant(**conditions)],
        accepted=frozenset({("tos", 1, "github:1")}),
        approved=[Approval(grant=1, commit="a" * 40, people=frozenset({"github:1"}), lends=True)],
    )
    found = decide(job(**said), known, NOW)
    assert found.allowed, found.reasons
    assert (found.resource, found.grant) == ("gpu", 1)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("gpu-\N{CYRILLIC SMALL LETTER A}100", "only looks like it"),
        ("\N{FULLWIDTH LATIN SMALL LETTER G}pu-a100", "only looks like it"),
        ("gpu\N{NON-BREAKING HYPHEN}a100", "only looks like it"),
        ("gpu-a1\N{ZERO WIDTH SPACE}00", "only looks like it"),
        ("gpu-a10\N{GREEK SMALL LETTER OMICRON}", "only looks like it"),
        ("gpu-a1\N{DIGIT ZERO}\N{COMBINING GRAVE ACCENT}0", "only looks like it"),
        ("gpu-\N{LATIN CAPITAL LETTER A WITH GRAVE}100", "only looks like it"),
    ],
)
def test_a_label_that_only_looks_like_one_is_refused(label: str, reason: str) -> None:
    known = Grants(resources=[resource("gpu-a100")], grants=[grant(of="gpu-a100")])
    found = decide(job(labels=(label,)), known, NOW)
    assert not found.allowed
    assert found.governed
    assert reason in found.reasons[0]
    assert found.reasons[0].isascii()


@pytest.mark.parametrize(
    "labels", [(), ("ubuntu-latest",), ("gpu ",), ("gp",), ("Gr\N{LATIN SMALL LETTER U}n",)]
)
def test_labels_that_ask_for_nothing_that_is_lent_are_none_of_our_business(
    labels: tuple[str, ...],
) -> None:
    found = decide(job(labels=labels), Grants(resources=[resource()], grants=[grant()]), NOW)
    assert not found.allowed
    assert not found.governed
    assert found.resource is None


def test_a_kelvin_sign_is_no_k() -> None:
    known = Grants(resources=[resource("k80")], grants=[grant(of="k80")])
    assert not decide(job(labels=("\N{KELVIN SIGN}80",)), known, NOW).allowed


STATES: list[tuple[Lending, tuple[GrantChange, ...], str]] = [
    (
        Lending(),
        (GrantChange.SUSPENDED,),
        "grant 1 was suspended 2026-01-01T00:00:00Z by lena: why",
    ),
    (Lending(), (GrantChange.REVOKED,), "grant 1 was revoked 2026-01-01T00:00:00Z by lena"),
    (Lending(), (GrantChange.SUSPENDED, GrantChange.REVOKED), "was revoked"),
    (Lending(expires_at=NOW), (), "grant 1 ended 2026-03-01T12:00:00Z"),
    (Lending(starts_at=NOW + DAY), (), "grant 1 begins 2026-03-02T12:00:00Z"),
]


@pytest.mark.parametrize(("lending", "changes", "reason"), STATES)
def test_a_grant_that_is_not_active_allows_nothing_and_says_since_when(
    lending: Lending, changes: tuple[GrantChange, ...], reason: str
) -> None:
    known = Grants(resources=[resource()], grants=[grant(lending=lending, changes=changes)])
    found = decide(job(), known, NOW)
    assert not found.allowed
    assert reason in found.reasons[0]


def test_a_grant_that_was_resumed_allows_again() -> None:
    changes = (GrantChange.SUSPENDED, GrantChange.RESUMED)
    known = Grants(resources=[resource()], grants=[grant(changes=changes)])
    assert decide(job(), known, NOW).allowed


def test_the_nearest_of_several_grants_is_told_of() -> None:
    far = grant(1, branches=("x",), events=("y",), people=())
    near = grant(2, branches=("release",))
    found = decide(job(), Grants(resources=[resource()], grants=[far, near]), NOW)
    assert found.grant == 2
    assert len(found.reasons) == 2


def test_an_approval_is_of_one_commit_under_one_grant() -> None:
    lent, grants = [resource()], [grant(1, people=()), grant(2, people=())]
    known = Grants(
        resources=lent, grants=grants, approved=[Approval(grant=2, commit=COMMIT, lends=True)]
    )
    assert decide(job(), known, NOW).grant == 2
    assert not decide(job(commit="d" * 40), known, NOW).allowed
    assert decide(job(project=LAB), known, NOW).allowed


VOUCHING: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "a lender": ({"lends": True}, {}, {}, ""),
    "one of the grant's people": ({"people": frozenset({"user:lena", "github:1"})}, {}, {}, ""),
    "who neither lends nor is named any more": ({"people": frozenset({"github:9"})}, {}, {}, "bot"),
    "whoever triggered it": (
        {"people": frozenset({"github:2"}), "lends": True},
        {},
        {"person": BO},
        "github:bo is not among",
    ),
    "a lender, for somebody's role": ({"lends": True}, {"roles": ("admin",)}, {}, ""),
    "no lender, for somebody's role": (
        {"people": frozenset({"github:1"})},
        {"roles": ("admin",)},
        {},
        "role: ",
    ),
    "who accepted no terms": (
        {"people": frozenset({"user:lena"}), "lends": True},
        {"terms": "tos"},
        {},
        "terms: nobody, nor who approved the commit, has not accepted tos",
    ),
    "who accepted terms": (
        {"people": frozenset({"github:1"}), "lends": True},
        {"terms": "tos"},
        {},
        "",
    ),
}


@pytest.mark.parametrize(
    ("given", "wanted", "said", "reason"), VOUCHING.values(), ids=VOUCHING.keys()
)
def test_whoever_approves_a_commit_answers_for_it(
    given: dict[str, Any], wanted: dict[str, Any], said: dict[str, Any], reason: str
) -> None:
    settings = {"terms": wanted["terms"], "terms_version": 1} if "terms" in wanted else {}
    known = Grants(
        resources=[resource(**settings)],
        grants=[grant(people=(ADA,), roles=wanted.get("roles", ()))],
        accepted=frozenset({("tos", 1, "github:1")}),
        approved=[Approval(grant=1, commit=COMMIT, **given)],
    )
    found = decide(job(**{"person": None, "nobody": "a bot", **said}), known, NOW)
    assert found.allowed is (reason == ""), found.reasons
    assert reason in "\n".join(found.reasons)
