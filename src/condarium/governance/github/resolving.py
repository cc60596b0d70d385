"""Names become ids: only an id is somebody for good, and what has none may use nothing."""

from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from condarium.errors import BadInput, NoSuchNamespace
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind, with_id
from condarium.settings.github import GitHubSettings
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.engine.network.github import GitHub
    from condarium.storage.facts import Facts

_W = TypeVar("_W", Project, Person)


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What was asked about, in the same order, with the ids that were found.

    `warnings` say of whom none is known, and who has another name by now.
    """

    projects: tuple[Project, ...] = ()
    people: tuple[Person, ...] = ()
    warnings: tuple[str, ...] = ()


class AnotherId(BadInput):
    """The id behind a name is not that of whoever has the name."""

    def __init__(self, who: Project | Person, found: str | None) -> None:
        self.who, self.found = with_id(who), found
        said = f"{who} has the id {found}" if found else f"there is no {who} here"
        super().__init__(
            f"{said}; found {self.who}",
            hint="Only the id counts, and people read the name: say both of the same one.",
        )


def resolve(
    store: Store, projects: Iterable[Project] = (), people: Iterable[Person] = ()
) -> Resolved:
    """Find the ids of those that have none; an id that is given is never changed.

    Namespaces and users are found here, all else at GitHub where a token for it is set. Raises
    NotAtGithub and GithubFailed.
    """
    asked = [*projects], [*people]
    return _told(*asked, *_found(store, *asked))


def identify(
    store: Store, projects: Iterable[Project] = (), people: Iterable[Person] = ()
) -> Resolved:
    """The same, and an id that is given has to be the name's own, where that can be found.

    Or somebody would lend to a repository that nobody knows, by a name that all trust. Raises
    AnotherId, and what `resolve` raises.
    """
    asked = [*projects], [*people]
    found, known = _found(store, _without_id(asked[0]), _without_id(asked[1]))
    return _told(*asked, [*map(_own, asked[0], found)], [*map(_own, asked[1], known)])


def _without_id(asked: list[_W]) -> list[_W]:
    return [replace(each, id=None) for each in asked]


def _own(who: _W, found: _W) -> _W:
    if who.id in (None, found.id):
        return found
    if found.id is None and who.kind not in (ProjectKind.NAMESPACE, PersonKind.USER):
        return who  # GitHub cannot be asked
    raise AnotherId(who, found.id)


def _found(
    store: Store, projects: list[Project], people: list[Person]
) -> tuple[list[Project], list[Person]]:
    with store.database.read() as facts:
        projects = [_project_here(facts, each) for each in projects]
        people = [_person_here(facts, each) for each in people]
    with _github(store) as github:
        if github:
            projects = [_project_there(github, each) for each in projects]
            people = [_person_there(github, each) for each in people]
    return projects, people


def _told(
    projects: list[Project], people: list[Person], found: list[Project], known: list[Person]
) -> Resolved:
    asked: list[Project | Person] = [*projects, *people]
    everybody: list[Project | Person] = [*found, *known]
    warnings = [
        *(_renamed(before, after) for before, after in zip(asked, everybody, strict=True)),
        *(_unknown(each) for each in everybody if each.id is None),
    ]
    return Resolved(
        projects=tuple(found),
        people=tuple(known),
        warnings=tuple(dict.fromkeys(filter(None, warnings))),
    )


def _github(store: Store) -> "closing[GitHub] | nullcontext[None]":
    settings = GitHubSettings.read(store.settings.environ)
    if settings.token is None:
        return nullcontext()
    from condarium.engine.network.github import GitHub

    return closing(GitHub(settings.api, settings.token, store.settings.environ))


def _project_here(facts: "Facts", project: Project) -> Project:
    if project.id is not None or project.kind is not ProjectKind.NAMESPACE:
        return project
    try:
        return replace(project, id=str(facts.namespaces.id(project.name)))
    except NoSuchNamespace:
        return project


def _person_here(facts: "Facts", person: Person) -> Person:
    if person.id is not None or person.kind is not PersonKind.USER:
        return person
    account = facts.principals.find(person.name)
    return replace(person, id=account.id) if account else person


def _project_there(github: "GitHub", project: Project) -> Project:
    if project.id is not None or project.kind is not ProjectKind.GITHUB:
        return project
    identifier, name = github.repository(project.name)
    return replace(project, id=identifier, name=name)


def _person_there(github: "GitHub", person: Person) -> Person:
    if person.id is not None or person.kind is not PersonKind.GITHUB:
        return person
    identifier, login = github.account(person.name)
    return replace(person, id=identifier, name=login)


def _renamed(before: Project | Person, after: Project | Person) -> str:
    if before.name.lower() == after.name.lower():
        return ""
    return f"{before} is called {with_id(after)} now"


def _unknown(who: Project | Person) -> str:
    return (
        f"the id of {who} is not known, so that it may use nothing; `condarium access resolve` "
        "asks for it, or say it behind a #"
    )
