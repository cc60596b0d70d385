"""Names become ids: only an id is somebody for good, and what has none may use nothing."""

from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from condarium.errors import NoSuchNamespace
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind, with_id
from condarium.settings.github import GitHubSettings
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.engine.network.github import GitHub
    from condarium.storage.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What was asked about, in the same order, with the ids that were found.

    `warnings` say of whom none is known, and who has another name by now.
    """

    projects: tuple[Project, ...] = ()
    people: tuple[Person, ...] = ()
    warnings: tuple[str, ...] = ()


def resolve(
    store: Store, projects: Iterable[Project] = (), people: Iterable[Person] = ()
) -> Resolved:
    """Find the ids of those that have none; an id that is given is never changed.

    Namespaces and users are found here, all else at GitHub where a token for it is set. Raises
    NotAtGithub and GithubFailed.
    """
    wanted = [*projects], [*people]
    with store.database.read() as facts:
        found = [_project_here(facts, each) for each in wanted[0]]
        known = [_person_here(facts, each) for each in wanted[1]]
    with _github(store) as github:
        if github:
            found = [_project_there(github, each) for each in found]
            known = [_person_there(github, each) for each in known]
    everybody: list[Project | Person] = [*found, *known]
    asked: list[Project | Person] = [*wanted[0], *wanted[1]]
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
