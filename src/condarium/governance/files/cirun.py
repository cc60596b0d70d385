"""The two files of Cirun: who may use its runners (`.access.yml`), and what these are
(`.cirun.global.yml`); read, and written so that they say the same again.

A policy binds a repository to roles and people. It is kept as a grant of each resource that lists
it, which is called by the policy's id.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from condarium.governance.files.parts import GrantPart, Part, ResourcePart, shown_name
from condarium.governance.files.reading import read_items, read_keys, read_tree, read_value
from condarium.governance.files.spelling import read_flag, read_word
from condarium.governance.files.state import SaidGrant
from condarium.governance.files.writing import yaml_text
from condarium.model.governance.grants import Conditions, Grant
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind
from condarium.model.governance.resources import Resource, ResourceKind, check_label, check_name
from condarium.model.yamlnodes import Findings, quoted
from condarium.values import did_you_mean

PROVIDER = "cirun"
ORGANISATION = "conda-forge"
_TOP = ("version", "policies", "access_control")
_POLICY = ("id", "repo", "roles", "users", "users_from_json", "pull_request")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file's text, and what it cannot say."""

    text: str
    left_out: tuple[str, ...] = ()

    @property
    def commented(self) -> str:
        """The text with what it cannot say above it, for whoever reads nothing else."""
        return "".join(f"# {each}\n" for each in self.left_out) + self.text


def project_of(repository: str, organisation: str) -> Project:
    """A repository of the organisation, or of whoever its name begins with. Raises BadProject."""
    owned = repository if "/" in repository else f"{organisation}/{repository}"
    return Project.parse(f"{ProjectKind.GITHUB}:{owned}")


def read_access(node: yaml.MappingNode, findings: Findings, *, organisation: str) -> Part:
    """Read an `.access.yml`; what is wrong goes to `findings`."""
    found = read_keys(node, _TOP, findings, "version, policies and access_control")
    policies: dict[str, GrantPart] = {}
    for item in read_items(found.get("policies"), "a list of policies", findings):
        policy = _policy(item, findings, organisation)
        if policy is not None and policies.setdefault(policy.called, policy) is not policy:
            expected = "every id once"
            findings.problem(item, f"the policy {policy.called!r} a second time", expected)
    part, used = Part(), set()
    for resource, name, at in _listed(found.get("access_control"), findings):
        if (policy := policies.get(name)) is None:
            hint = did_you_mean(name, policies)
            findings.problem(at, f"the policy {quoted(name)}", "one of those above", hint)
            continue
        used.add(name)
        _take(part, replace(policy, resource=resource), at, findings)
    part.warnings += [
        f"{findings.source}: the policy {name} is not kept: no resource lists it"
        for name in policies
        if name not in used
    ]
    part.warnings += _of_people(policies.values(), findings.source)
    return part


def read_runners(node: yaml.MappingNode, findings: Findings) -> Part:
    """Read a `.cirun.global.yml`; what is wrong goes to `findings`."""
    found = read_keys(node, ("runners",), findings, "runners, with a list")
    part, seen = Part(), set[str]()
    for item in read_items(found.get("runners"), "a list of runners", findings):
        said = read_tree(item, "a runner: name, cloud, labels …", findings) or {}
        nodes = _nodes(item)
        if "name" not in nodes:
            findings.problem(item, "a runner without a name", "name: with a name")
            continue
        expected = "a runner's name, in small letters"
        name = read_value(nodes["name"], check_name, expected, findings)
        if name is None:
            continue
        if name in seen:
            findings.problem(nodes["name"], f"the runner {name} a second time", "each once")
        seen.add(name)
        labels = _labels(nodes.get("labels"), findings)
        if name not in labels:
            part.warnings.append(
                f"{findings.source}:{item.start_mark.line + 1}: jobs ask for {name} by that label, "
                "which the runner does not have; it is written with it"
            )
        part.resources.append(
            ResourcePart(
                name=name,
                kind=ResourceKind.RUNNER,
                provider=PROVIDER,
                labels=tuple(each for each in labels if each != name),
                machine={key: said[key] for key in said if key not in ("name", "labels")},
            )
        )
    return part


def write_access(
    grants: Iterable[SaidGrant],
    *,
    organisation: str = ORGANISATION,
    on_terms: Collection[str] = (),
    wider: bool = False,
) -> Written:
    """Write an `.access.yml` of grants that hold now, each of a runner of Cirun.

    Whoever reads it knows names, policies, and nothing else of what is decided here. So a grant is
    left out that would allow more there: of a project without an id, on a resource with terms
    (`on_terms` are their names), with a quota or an end, or with a condition that cannot be said;
    people without an id are, and lists of them elsewhere. With `wider` such a condition counts.
    """
    policies, left_out = _Policies(organisation, wider=wider), list[str]()
    control: dict[str, list[str]] = {}
    for grant in sorted(grants, key=lambda each: (each.resource, each.lending.called, each.place)):
        which, unheld = f"{grant.project} on {grant.resource}", _unheld(grant, on_terms)
        if (why := _unsayable(grant)) is not None:
            left_out.append(f"{which} is left out: {why}")
        elif unheld and not wider:
            left_out.append(f"{which} is left out: {', '.join(unheld)} would not count there")
        else:
            lost = [*unheld, *_lost(grant), *(() if wider else _withheld(grant))]
            left_out += [f"{which}: {each} is not said there" for each in lost]
            control.setdefault(grant.resource, []).append(policies.identify(grant))
    plain = {
        "version": 1,
        "policies": policies.written(),
        "access_control": [
            {"resource": name, "policies": sorted(set(listed))} for name, listed in control.items()
        ],
    }
    return Written(text=yaml_text(plain), left_out=tuple(left_out))


def write_runners(runners: Iterable[tuple[str, tuple[str, ...], Mapping[str, Any]]]) -> Written:
    """Write a `.cirun.global.yml` of runners: name, labels besides it, and how one is made."""
    written, left_out = [], []
    for name, labels, machine in sorted(runners, key=lambda each: each[0]):
        if machine:
            written.append({"name": name, **machine, "labels": [*labels, name]})
        else:
            left_out.append(f"{name} is left out: how Cirun makes such a machine is not said")
    return Written(text=yaml_text({"runners": written}), left_out=tuple(left_out))


def access_yml(grants: Iterable[Grant], resources: Iterable[Resource]) -> Written:
    """An `.access.yml` of grants of these resources as they are in a store."""
    said = (
        SaidGrant(project=each.project, resource=each.resource, lending=each.lending)
        for each in grants
    )
    return write_access(said, on_terms={each.name for each in resources if each.settings.terms})


def global_yml(resources: Iterable[Resource]) -> str:
    """The text of a `.cirun.global.yml` of resources as they are in a store."""
    return write_runners(
        (each.name, each.settings.labels, each.settings.machine) for each in resources
    ).text


class _Policies:
    """Policies by their ids: one for each repository and what it may, however many list it."""

    def __init__(self, organisation: str, *, wider: bool) -> None:
        self._organisation, self._wider = organisation, wider
        self._found: dict[str, dict[str, Any]] = {}

    def identify(self, grant: SaidGrant) -> str:
        """The id of a grant's policy: what it is called, with a number where that is taken."""
        said = self._said(grant)
        wanted = grant.lending.called or f"{grant.project.name.rpartition('/')[2]}-policy"
        identifier, number = wanted, 1
        while self._found.setdefault(identifier, said) != said:
            number += 1
            identifier = f"{wanted}-{number}"
        return identifier

    def written(self) -> list[dict[str, Any]]:
        return [{"id": name, **self._found[name]} for name in sorted(self._found)]

    def _said(self, grant: SaidGrant) -> dict[str, Any]:
        conditions = grant.lending.conditions
        owner, _, name = grant.project.name.partition("/")
        same = owner.lower() == self._organisation.lower()
        said: dict[str, Any] = {"repo": name if same else grant.project.name}
        if conditions.roles:
            said["roles"] = list(conditions.roles)
        elsewhere = conditions.people_from if self._wider else None
        if conditions.people is not None and (conditions.people or not elsewhere):
            named = conditions.people if self._wider else _known(grant)
            said["users"] = [each.name for each in named]
        said["pull_request"] = conditions.pull_request
        if elsewhere is not None:
            said["users_from_json"] = elsewhere
        return said


def _policy(node: yaml.Node, findings: Findings, organisation: str) -> GrantPart | None:
    """A policy as a grant of a resource that is not known yet."""
    found = read_keys(node, _POLICY, findings, "a policy: id, repo, roles …")
    if missing := [key for key in ("id", "repo") if key not in found]:
        findings.problem(node, f"a policy without {missing[0]}", "id and repo")
        return None
    name = read_value(found["id"], str, "an id", findings)
    project = read_value(
        found["repo"], lambda text: project_of(text, organisation), "a repository", findings
    )
    people, elsewhere = _people(found, findings)
    conditions = Conditions(
        pull_request=_flag(found, findings),
        people=people,
        people_from=elsewhere,
        roles=_texts(found, "roles", findings),
    )
    if name is None or project is None:
        return None
    reason = f"the policy {name} of {shown_name(findings.source)}"
    return GrantPart(
        project=project, resource="", conditions=conditions, called=name, reason=reason
    )


def _people(
    found: Mapping[str, yaml.Node], findings: Findings
) -> tuple[tuple[Person, ...] | None, str | None]:
    """Who is named, and where a list of others is kept; a list elsewhere names nobody here."""
    elsewhere = None
    if "users_from_json" in found:
        elsewhere = read_value(found["users_from_json"], str, "a URL", findings)
    if "users" not in found:
        return (() if elsewhere else None), elsewhere
    items = read_items(found["users"], "a list of logins", findings)
    people = [read_value(each, _login, "a login at GitHub", findings) for each in items]
    return tuple(each for each in people if each is not None), elsewhere


def _login(text: str) -> Person:
    return Person.parse(f"{PersonKind.GITHUB}:{text}")


def _flag(found: Mapping[str, yaml.Node], findings: Findings) -> bool:
    if "pull_request" not in found:
        return False
    return bool(read_value(found["pull_request"], read_flag, "true or false", findings))


def _texts(found: Mapping[str, yaml.Node], key: str, findings: Findings) -> tuple[str, ...]:
    items = read_items(found.get(key), f"a list of {key}", findings)
    values = [read_value(each, read_word, f"one of the {key}", findings) for each in items]
    return tuple(each for each in values if each is not None)


def _listed(node: yaml.Node | None, findings: Findings) -> Iterator[tuple[str, str, yaml.Node]]:
    """Each resource and the id of a policy that it lists; a resource may be listed twice."""
    for item in read_items(node, "a list of resources with policies", findings):
        expected = "resource and policies"
        found = read_keys(item, ("resource", "policies"), findings, expected)
        if missing := [key for key in ("resource", "policies") if key not in found]:
            findings.problem(item, f"an entry without {missing[0]}", expected)
            continue
        name = read_value(found["resource"], check_name, "the name of a resource", findings)
        for each in read_items(found["policies"], "a list of ids of policies", findings):
            policy = read_value(each, str, "the id of a policy", findings)
            if name is not None and policy is not None:
                yield name, policy, each


def _take(part: Part, grant: GrantPart, at: yaml.Node, findings: Findings) -> None:
    """Add a grant; two of one repository on one resource would be one here."""
    for other in part.grants:
        if other.place == grant.place and other.called != grant.called:
            findings.problem(
                at,
                f"{grant.resource} for {grant.project} by {other.called} and by {grant.called}",
                "one policy of a repository for each resource",
                "Put both into one policy.",
            )
            return
        if other == grant:
            return
    part.resources.append(
        ResourcePart(name=grant.resource, kind=ResourceKind.RUNNER, provider=PROVIDER)
    )
    part.grants.append(grant)


def _of_people(policies: Iterable[GrantPart], source: str) -> list[str]:
    elsewhere = [each.conditions for each in policies if each.conditions]
    count = sum(each.people == () and each.people_from is not None for each in elsewhere)
    if not count:
        return []
    return [
        f"{source}: {count} {'policy has' if count == 1 else 'policies have'} their people in a "
        "list elsewhere (users_from_json), which is kept and not trusted: name people here "
        "(`condarium grant change`), or nobody may use what they are granted"
    ]


def _nodes(node: yaml.Node) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value} if node.value else {}


def _labels(node: yaml.Node | None, findings: Findings) -> list[str]:
    items = read_items(node, "a list of labels", findings)
    found = [read_value(each, check_label, "a runner's label", findings) for each in items]
    return list(dict.fromkeys(each for each in found if each is not None))


def _unsayable(grant: SaidGrant) -> str | None:
    """Why a grant cannot be said without allowing more than it does."""
    conditions = grant.lending.conditions
    if grant.project.kind is not ProjectKind.GITHUB:
        return "it is no repository"
    if conditions.branches:
        return "its branches cannot be said there"
    if conditions.events:
        return "its events cannot be said there"
    if any(each.kind is not PersonKind.GITHUB for each in conditions.people or ()):
        return "it names people who have no login there"
    return None


def _withheld(grant: SaidGrant) -> list[str]:
    """People who may use nothing here, and could there."""
    conditions, known = grant.lending.conditions, _known(grant)
    nobody = [f"{each}, who has no id," for each in conditions.people or () if each not in known]
    return nobody + (["its list of people elsewhere"] if conditions.people_from else [])


def _unheld(grant: SaidGrant, on_terms: Collection[str]) -> list[str]:
    """What narrows a grant here, and nothing there."""
    narrowing = {
        "that it names nobody with an id": grant.lending.conditions.people is not None
        and not _known(grant),
        "that its repository has no id": grant.project.id is None,
        "its terms": grant.resource in on_terms,
        "its quota": grant.lending.quota is not None,
        "its end": grant.lending.expires_at is not None,
    }
    return [what for what, there in narrowing.items() if there]


def _lost(grant: SaidGrant) -> list[str]:
    """What is not said of a grant, and allows nothing more by that."""
    conditions = grant.lending.conditions
    lost = {
        "its trusted forks": conditions.trusted_forks,
        "that commits of forks can be approved": conditions.fork_approval,
    }
    return [what for what, there in lost.items() if there]


def _known(grant: SaidGrant) -> list[Person]:
    """Whom a grant names with an id: a name alone is nobody here, and would be somebody there."""
    return [each for each in grant.lending.conditions.people or () if each.id is not None]
