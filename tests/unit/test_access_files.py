"""Files that say who may use what: what they mean, and what is said of those that are wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from condarium.governance.files.cirun import write_access, write_runners
from condarium.governance.files.conda_forge import date_of
from condarium.governance.files.parts import Part
from condarium.governance.files.reading import BadAccessFile
from condarium.governance.files.recognising import read_parts, read_states
from condarium.governance.files.state import SaidBudget, SaidGrant, State
from condarium.governance.files.writing import write_public, write_state
from condarium.governance.planning.naming import BadIds, Ids
from condarium.model.document import Document
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import Approvals, ApproverKind, ResourceKind

WHOLE = """\
version: 1
terms:
  careful: |
    Be careful.

    Be kind.
resources:
  gpu-a100:
    kind: runner
    provider: acme
    labels: [linux, x64]
    capacity: 4
    longest_job: 1d 6h
    cost_factor: 2.5
    terms: careful
    rule: [1 lender, 2 group:core]
    private: the key is in the safe
    machine: {cloud: openstack, sizes: [1, 2.5], spare: null}
    budgets:
      - {donor: acme, amount: 40 credits, period: month, from: 2026-03-01}
      - {donor: zoo, amount: 1.5, period: once}
  hidden: {kind: queue, public: false}
grants:
  - project: github:lab/tool#77
    resources: [gpu-a100, hidden]
    pull_requests: yes
    conditions:
      branches: [main]
      people: [github:ada#1, user:ben]
    quota: 3 credits
    until: 2027-01-01T12:00:00+02:00
    reason: for the CUDA builds
"""
ACCESS = """\
version: 1
policies:
  - id: tool-policy
    repo: tool-feedstock
    roles: [admin, write]
    pull_request: true
    users_from_json: https://example.org/users.json
  - id: tool-windows-policy
    repo: tool-feedstock
    roles: [admin]
    users: [ada, Ben-2]
    pull_request: false
access_control:
  - resource: cirun-gpu
    policies: [tool-policy]
  - resource: cirun-win
    policies: [tool-windows-policy]
  - resource: cirun-gpu
    policies: [tool-policy]
"""
RUNNERS = """\
runners:
  - name: cirun-gpu
    cloud: openstack
    instance_type: gpu_large
    region: RegionOne
    labels: [linux, x64, cirun-gpu]
  - name: cirun-win
    cloud: azure
    labels: [windows, cirun-win]
    extra_config: {licenseType: Windows_Server}
"""
REQUEST = """\
action: cirun
feedstocks:
  # without -feedstock
  - tool
resources:
  - cirun-gpu
pull_request: true
revoke: false
send_pr: true
"""


def state_of(*texts: str) -> State:
    named = [(f"{number}.yml", text) for number, text in enumerate(texts)]
    return read_states(Document(name, text.encode()) for name, text in named)


def part_of(*texts: str, names: tuple[str, ...] = ()) -> Part:
    called = names or tuple(f"{number}.yml" for number in range(len(texts)))
    documents = [Document(name, text.encode()) for name, text in zip(called, texts, strict=True)]
    return read_parts(documents, organisation="lab")


def test_a_file_says_what_people_write() -> None:
    state = state_of(WHOLE)
    gpu = state.resources["gpu-a100"]
    assert state.terms == {"careful": "Be careful.\n\nBe kind.\n"}
    assert gpu.settings.kind is ResourceKind.RUNNER
    assert gpu.settings.longest_job == timedelta(hours=30)
    assert gpu.settings.factor == 5 * CREDIT // 2
    assert gpu.settings.rule[1] == Approvals(count=2, kind=ApproverKind.GROUP, group="core")
    assert gpu.settings.machine == {"cloud": "openstack", "sizes": [1, 2.5], "spare": None}
    assert gpu.budgets == (
        SaidBudget(
            donor="acme",
            amount=40 * CREDIT,
            period=Period.MONTH,
            starts_at=datetime(2026, 3, 1, tzinfo=UTC),
        ),
        SaidBudget(donor="zoo", amount=3 * CREDIT // 2, period=Period.ONCE),
    )
    first, second = state.grants
    assert (first.resource, second.resource) == ("gpu-a100", "hidden")
    assert (
        first.lending
        == second.lending
        == Lending(
            conditions=Conditions(
                branches=("main",),
                pull_request=True,
                people=(Person.parse("github:ada#1"), Person.parse("user:ben")),
            ),
            quota=3 * CREDIT,
            expires_at=datetime(2027, 1, 1, 10, tzinfo=UTC),
        )
    )


def test_what_is_written_says_the_same_and_is_the_same_text() -> None:
    text = write_state(state_of(WHOLE))
    assert state_of(text) == state_of(WHOLE)
    assert write_state(state_of(text)) == text
    assert "2.5" in text
    assert "'" not in text


def test_several_files_say_one_state() -> None:
    lent, granted = WHOLE.split("grants:\n")
    assert state_of("version: 1\ngrants:\n" + granted, lent) == state_of(WHOLE)
    assert state_of(f"{lent}---\nversion: 1\ngrants:\n{granted}") == state_of(WHOLE)


def test_a_copy_for_everybody_hides_what_is_not_public_and_cannot_be_applied() -> None:
    text = write_public(state_of(WHOLE))
    assert not {"safe", "hidden", "ada", "ben"} & set(text.replace("\n", " ").split())
    assert "2 who are not shown" in text
    with pytest.raises(BadAccessFile, match="a copy for the public"):
        state_of(text)


BAD = {
    "nothing": ("", "1:1: found an empty file"),
    "a list": ("- a", "1:1: found a list"),
    "no version": ("grants: []", "1:1: found no version; expected version: 1"),
    "a later version": ("version: 2", "1:10: found the number 2; expected version: 1"),
    "another format": (REQUEST, "1:1: found what looks like a request of conda-forge"),
    "no YAML": ("version: 1\ngrants: [x", "found a list or mapping in brackets that is never"),
    "not UTF-8": ("version: 1\nx: \udcff", "found the byte 0xff"),
    "an unknown key": ("version: 1\nresorces: {}", "2:1: found the key 'resorces'"),
    "a bad name": ("version: 1\nresources: {A B: {kind: queue}}", "2:13: found 'A B'"),
    "no kind": ("version: 1\nresources: {a: {}}", "2:16: found a resource without a kind"),
    "a bad kind": ("version: 1\nresources: {a: {kind: gpu}}", "found 'gpu'; expected one of"),
    "a bad span": (
        "version: 1\nresources: {a: {kind: queue, longest_job: 6}}",
        "2:43: found '6'; expected a duration such as 6h",
    ),
    "no time": (
        "version: 1\nresources: {a: {kind: queue, longest_job: 0h}}",
        "found '0h'; expected a duration",
    ),
    "no capacity": ("version: 1\nresources: {a: {kind: queue, capacity: 0}}", "found '0'"),
    "a bad rule": ("version: 1\nresources: {a: {kind: queue, rule: [0 lender]}}", "'0 lender'"),
    "a text for a list": ("version: 1\nresources: {a: {kind: queue, labels: x}}", "a list"),
    "an unknown setting": (
        "version: 1\nresources: {a: {kind: queue, capacty: 3}}",
        "Did you mean capacity",
    ),
    "terms that are not there": (
        "version: 1\nresources: {a: {kind: queue, terms: t}}",
        "found the terms 't'; expected one of those below 'terms:'",
    ),
    "terms without a text": ("version: 1\nterms: {t: ''}", "expected the text of the terms"),
    "half a budget": (
        "version: 1\nresources: {a: {kind: queue, budgets: [{donor: x, period: once}]}}",
        "found a budget without amount",
    ),
    "a day without a zone": (
        "version: 1\ngrants: [{project: 'namespace:lab', resource: a, until: 2026-03-01T09:00}]",
        "expected an instant such as",
    ),
    "a grant of nothing": (
        "version: 1\ngrants: [{project: 'namespace:lab'}]",
        "found a grant without a resource",
    ),
    "a resource that is not there": (
        "version: 1\nresources: {gpu: {kind: queue}}\n"
        "grants: [{project: 'namespace:lab', resource: gpv}]",
        "3:10: found a grant of gpv; expected one of those below 'resources:'",
    ),
    "a bad project": ("version: 1\ngrants: [{project: lab, resource: a}]", "found 'lab'"),
    "a bad person": (
        "version: 1\ngrants: [{project: 'namespace:lab', resource: a, "
        "conditions: {people: [ada]}}]",
        "found 'ada'; expected a person such as github:ada#123",
    ),
    "a condition outside": (
        "version: 1\ngrants: [{project: 'namespace:lab', resource: a, branches: [main]}]",
        "found the key 'branches'",
    ),
    "a grant twice": (
        "version: 1\nresources: {a: {kind: queue}}\ngrants:\n"
        "- {project: 'github:lab/x', resource: a}\n- {project: 'github:Lab/X#1', resource: a}",
        "5:3: found a grant of a to github:Lab/X a second time (the first is at 0.yml:4)",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_file_that_is_wrong_is_told_where_and_how(text: str, said: str) -> None:
    document = Document("0.yml", text.encode(errors="surrogateescape"))
    with pytest.raises(BadAccessFile) as caught:
        read_states([document])
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_name_in_two_files_is_told_with_both_places() -> None:
    one, other = (
        "version: 1\nresources:\n  a: {kind: queue}\n",
        "version: 1\nresources: {a: {kind: queue}}",
    )
    with pytest.raises(BadAccessFile) as caught:
        state_of(one, other)
    assert "1.yml:2:13: found the resource a a second time (the first is at 0.yml:3)" in str(
        caught.value
    )


def test_more_terms_than_anybody_reads_are_refused() -> None:
    said = "".join(f"  t{number}: x\n" for number in range(10_001))
    with pytest.raises(BadAccessFile, match="found 10,001 times terms; expected at most 10,000"):
        state_of(f"version: 1\nterms:\n{said}")


def test_ids_tell_apart_grants_of_one_name() -> None:
    grants = "\n".join(f"- {{project: 'github:lab/x#{n}', resource: a}}" for n in (1, 2))
    state = state_of(f"version: 1\nresources: {{a: {{kind: queue}}}}\ngrants:\n{grants}")
    assert [each.project.id for each in state.grants] == ["1", "2"]


def test_an_access_list_becomes_grants_and_is_written_as_it_was() -> None:
    part = part_of(ACCESS)
    state = part.onto(State())
    gpu, windows = state.grants
    assert gpu.lending.called == "tool-policy"
    assert gpu.project == Project.parse("github:lab/tool-feedstock")
    assert gpu.lending.conditions.people == ()  # a list elsewhere lets nobody in
    assert gpu.lending.conditions.people_from == "https://example.org/users.json"
    assert windows.lending.conditions.people == tuple(
        Person.parse(f"github:{login}") for login in ("ada", "Ben-2")
    )
    assert "1 policy has their people in a list elsewhere" in part.warnings[0]
    assert plain_access(write_access(state.grants, organisation="lab").text) == ({}, {})
    written = write_access(state.grants, organisation="lab", wider=True)
    assert all("no id is not said" in each or "with an id" in each for each in written.left_out)
    assert plain_access(written.text) == plain_access(ACCESS)


def test_people_who_were_named_here_stay_when_a_list_elsewhere_is_imported_again() -> None:
    first = part_of(ACCESS).onto(State())
    grant = first.grants[0]
    named = Conditions(
        **{**vars(grant.lending.conditions), "people": (Person.parse("github:a#1"),)}
    )
    changed = SaidGrant(
        project=grant.project,
        resource=grant.resource,
        lending=Lending(conditions=named, called="tool-policy"),
    )
    there = State.of(terms={}, resources=first.resources, grants=[changed, *first.grants[1:]])
    assert part_of(ACCESS).onto(there) == there


def plain_access(text: str) -> tuple[object, object]:
    """Policies by id, and what each resource lists: an order means nothing, nor that a resource is
    listed twice."""
    found = yaml.safe_load(text)
    control: dict[str, set[str]] = {}
    for each in found["access_control"]:
        control.setdefault(each["resource"], set()).update(each["policies"])
    return {each["id"]: each for each in found["policies"]}, control


def test_runners_become_resources_and_are_written_as_they_were() -> None:
    state = part_of(RUNNERS).onto(State())
    assert state.resources["cirun-gpu"].settings.labels == ("linux", "x64")
    assert state.resources["cirun-win"].settings.machine["extra_config"] == {
        "licenseType": "Windows_Server"
    }
    written = write_runners(
        (name, each.settings.labels, each.settings.machine)
        for name, each in state.resources.items()
    )
    assert yaml.safe_load(written.text) == yaml.safe_load(RUNNERS)


def test_requests_count_in_the_order_of_their_days_and_the_last_word_holds() -> None:
    taken = REQUEST.replace("revoke: false", "revoke: true")
    names = ("2026-04-10_remove.yml", "2026-04-04_add.yml")
    assert part_of(taken, REQUEST, names=names).onto(State()).grants == ()
    assert len(part_of(taken, REQUEST, names=names[::-1]).onto(State()).grants) == 1
    assert date_of("requests/2026-02-30_x.yml") is None


def test_a_request_changes_of_a_grant_only_what_it_speaks_of() -> None:
    there = part_of(ACCESS).onto(State())
    state = part_of(REQUEST.replace("pull_request: true", "pull_request: false")).onto(there)
    before, after = there.grants[0].lending, state.grants[0].lending
    assert before.conditions.pull_request
    assert not after.conditions.pull_request
    assert (after.called, after.conditions.roles) == (before.called, before.conditions.roles)
    again = part_of(REQUEST).onto(state).grants[0]
    assert again.lending == before
    assert again.reason == "asked for, in 0.yml"


def test_a_service_is_a_resource_of_its_own() -> None:
    part = part_of("action: namespace\nfeedstocks: [polars]\n")
    state = part.onto(State())
    assert state.resources["namespace"].settings.kind is ResourceKind.SERVICE
    assert [str(each.project) for each in state.grants] == ["github:lab/polars-feedstock"]


BAD_ELSEWHERE = {
    "no action": ("feedstocks: [a]\naction:\n", "a request without an action"),
    "a bad action": ("action: cirrus\nfeedstocks: [a]", "Did you mean cirun?"),
    "no feedstocks": ("action: travis", "a request without feedstocks"),
    "feedstocks as a text": ("action: travis\nfeedstocks: a", "2:13: found 'a'"),
    "a suffix": ("action: travis\nfeedstocks: [a-feedstock]", "found 'a-feedstock'"),
    "no resources": ("action: cirun\nfeedstocks: [a]", "a request without resources"),
    "resources of a service": (
        "action: depot\nfeedstocks: [a]\nresources: [x]",
        "3:12: found resources of depot; expected resources with action: cirun",
    ),
    "a bad flag": (REQUEST.replace("revoke: false", "revoke: maybe"), "8:9: found 'maybe'"),
    "an unknown key": (f"{REQUEST}resource: x", "10:1: found the key 'resource'"),
    "a policy twice": (
        ACCESS.replace("tool-windows-policy\n    repo", "tool-policy\n    repo"),
        "8:5: found the policy 'tool-policy' a second time",
    ),
    "a policy that is not there": (
        ACCESS.replace("policies: [tool-windows-policy]", "policies: [tool-window-policy]"),
        "Did you mean tool-windows-policy?",
    ),
    "two policies of a repository": (
        ACCESS.replace("policies: [tool-windows-policy]", "policies: [tool-windows-policy, tool-policy]"),  # noqa: E501
        "one policy of a repository for each resource",
    ),
    "an unknown condition": (
        ACCESS.replace("pull_request: false", "branches: [main]"),
        "found the key 'branches'",
    ),
    "a bad login": (ACCESS.replace("[ada,", "[a.da,"), "11:13: found 'a.da'"),
    "a runner without a name": ("runners: [{cloud: x}]", "found a runner without a name"),
    "a runner twice": ("runners: [{name: x}, {name: x}]", "found the runner x a second time"),
    "our own": ("version: 1\nresources: {}", "`condarium access plan FILE`"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD_ELSEWHERE.values(), ids=BAD_ELSEWHERE)
def test_a_file_of_elsewhere_that_is_wrong_is_told_where_and_how(text: str, said: str) -> None:
    with pytest.raises(BadAccessFile) as caught:
        part_of(text)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_what_a_list_of_cirun_cannot_say_is_left_out_where_it_would_allow_more() -> None:
    def grant(
        name: str, conditions: Conditions | None = None, resource: str = "gpu", **lending: Any
    ) -> SaidGrant:
        project = Project.parse(f"github:lab/{name}")
        given = Lending(conditions=conditions or Conditions(), **lending)
        return SaidGrant(project=project, resource=resource, lending=given)

    ada, ben = Person.parse("github:ada#1"), Person.parse("github:ben")
    elsewhere = "https://example.org/users.json"
    grants = [
        grant("branches#1", Conditions(branches=("main",))),
        grant("events#1", Conditions(events=("push",))),
        grant("here#1", Conditions(people=(Person.parse("user:ada"),))),
        grant("told#1", Conditions(fork_approval=True)),
        grant("few#1", Conditions(people=(ada, ben), people_from=elsewhere)),
        grant("name"),
        grant("nobody#1", Conditions(people=(), people_from=elsewhere)),
        grant("quota#1", quota=CREDIT),
        grant("end#1", expires_at=datetime(2026, 3, 1, tzinfo=UTC)),
        grant("careful#1", resource="careful"),
    ]
    written = write_access(grants, organisation="lab", on_terms={"careful"})
    policies = {each["repo"]: each for each in yaml.safe_load(written.commented)["policies"]}
    assert policies == {
        "told": {"id": "told-policy", "repo": "told", "pull_request": False},
        "few": {"id": "few-policy", "repo": "few", "users": ["ada"], "pull_request": False},
    }
    assert "# github:lab/quota on gpu is left out: its quota would not" in written.commented
    assert len(written.left_out) == 3 + 1 + 2 + 5
    wider = yaml.safe_load(write_access(grants, on_terms={"careful"}, wider=True).text)
    assert len(wider["policies"]) == len(grants) - 3


def test_two_grants_of_one_name_that_differ_are_two_policies() -> None:
    project = Project.parse("github:lab/tool#1")
    grants = [
        SaidGrant(
            project=project,
            resource=resource,
            lending=Lending(conditions=Conditions(pull_request=resource == "b")),
        )
        for resource in ("a", "b", "c")
    ]
    policies, control = plain_access(write_access(grants, organisation="lab").text)
    assert control == {"a": {"tool-policy"}, "b": {"tool-policy-2"}, "c": {"tool-policy"}}
    assert len(policies) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"ada": true}', '{"ada": "1", "ada": "2"}', '{"a b": 1}', '{"ada": "#"}']
)
def test_a_file_of_ids_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(BadIds):
        Ids.read(Document("ids.json", text.encode()))


def test_ids_are_those_of_logins_and_of_repositories() -> None:
    ids = Ids.read(Document("ids.json", b'{"Ada": 1, "lab/tool": "2", "user:ben": "x7"}'))
    assert ids.identify(Person.parse("github:ada")).id == "1"
    assert ids.identify(Project.parse("github:Lab/Tool")).id == "2"
    assert ids.identify(Person.parse("github:ada#9")).id == "9"
    assert ids.identify(Person.parse("user:ben")).id == "x7"
