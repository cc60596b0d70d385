"""What a file of elsewhere asks for: a part of the state, laid onto what there is.

Such a file says little: of a request, that a project may use a resource, and whether pull requests
may. So what it does not speak of stays as it is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from condarium.governance.files.state import SaidGrant, SaidResource, State
from condarium.model.governance.grants import Conditions
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import ResourceKind, Settings


def shown_name(source: str) -> str:
    """A file's name as everybody may read it, without where it lies on somebody's machine."""
    return re.split(r"[/\\]", source)[-1]


@dataclass(frozen=True, kw_only=True)
class ResourcePart:
    """A resource by its name; `labels` and `machine` are None where the file does not say them."""

    name: str
    kind: ResourceKind
    provider: str
    labels: tuple[str, ...] | None = None
    machine: Mapping[str, Any] | None = None

    def onto(self, there: SaidResource | None) -> SaidResource:
        if there is None:
            there = SaidResource(settings=Settings(kind=self.kind, provider=self.provider))
        settings = there.settings
        if self.labels is not None:
            settings = replace(settings, labels=self.labels)
        if self.machine is not None:
            settings = replace(settings, provider=self.provider, machine=self.machine)
        return replace(there, settings=settings)


@dataclass(frozen=True, kw_only=True)
class GrantPart:
    """A project may use a resource, or with `revoke` may not any more.

    `conditions` are None where the file says nothing of them but, perhaps, `pull_request`.
    """

    project: Project
    resource: str
    revoke: bool = False
    conditions: Conditions | None = None
    pull_request: bool | None = None
    called: str = ""
    reason: str = ""

    @property
    def place(self) -> tuple[str, str]:
        return (self.resource, str(self.project).lower())

    def onto(self, there: SaidGrant | None) -> SaidGrant | None:
        if self.revoke:
            return None
        if there is None:
            there = SaidGrant(project=self.project, resource=self.resource, reason=self.reason)
        lending = replace(
            there.lending,
            conditions=self._conditions(there.lending.conditions),
            called=self.called or there.lending.called,
        )
        if lending == there.lending:
            return there
        return replace(there, lending=lending, reason=self.reason or there.reason)

    def _conditions(self, there: Conditions) -> Conditions:
        if self.conditions is None:
            said = there.pull_request if self.pull_request is None else self.pull_request
            return replace(there, pull_request=said)
        if self._kept_elsewhere and there.people is not None:
            return replace(self.conditions, people=there.people)
        return self.conditions

    @property
    def _kept_elsewhere(self) -> bool:
        """Whether a list elsewhere has all the people: then those stay who were named here."""
        said = self.conditions
        return said is not None and said.people == () and said.people_from is not None


@dataclass
class Part:
    """What several files ask for, in their order, and what they say that is not kept here."""

    resources: list[ResourcePart] = field(default_factory=list)
    grants: list[GrantPart] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, other: "Part") -> None:
        self.resources += other.resources
        self.grants += other.grants
        self.warnings += other.warnings

    def onto(self, there: State) -> State:
        """The state with all that is asked for."""
        resources = dict(there.resources)
        for resource in self.resources:
            resources[resource.name] = resource.onto(resources.get(resource.name))
        grants = _by_place(there.grants)
        for part in self.grants:
            wanted = part.onto(grants.pop(part.place, None))
            if wanted is not None:
                grants[part.place] = wanted
        others = [each for each in there.grants if each.place not in _by_place(there.grants)]
        return State.of(terms=there.terms, resources=resources, grants=[*others, *grants.values()])


def _by_place(grants: Iterable[SaidGrant]) -> dict[tuple[str, str], SaidGrant]:
    """The last grant of each place."""
    return {each.place: each for each in grants}
