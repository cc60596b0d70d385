"""Export: what is lent now as a file, of our own format or of those that Cirun reads."""

from collections import Counter
from typing import TYPE_CHECKING

from condarium.errors import BadArguments
from condarium.governance.files.cirun import PROVIDER, Written, write_access, write_runners
from condarium.governance.files.state import SaidGrant, SaidResource, State
from condarium.governance.files.writing import write_public, write_state
from condarium.governance.planning.present import present
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.governance.grants import GrantState
from condarium.model.governance.planned import Exported
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.governance.planning.present import Present
    from condarium.storage.facts import Facts


def export(
    store: Store,
    *,
    form: str,
    organisation: str,
    public: bool,
    wider: bool,
    actor: Actor,
) -> Exported:
    """Write what is lent. The public part is for everybody, the whole for administrators.

    Raises NotPermitted, BadArguments for a public part, or a wider one, of another format.
    """
    if wider and form != "access.yml":
        raise BadArguments(f"found --wider with {form}; expected it with access.yml")
    if not public:
        actor.require(Permission.RESOURCE_CREATE, PLATFORM)
    elif form != "condarium":
        raise BadArguments(
            f"found --public with {form}; expected it with condarium's own format",
            hint=f"What is public of it is at /lending/{form} of a server.",
        )
    now = store.now()
    with store.database.read() as facts:
        there = present(facts, now)
        roles = _roles(facts, there) if form == "condarium" and not public else ()
    if form == "access.yml":
        running = {each.id for each in there.grants if each.state(now) is GrantState.ACTIVE}
        return _exported(form, _access(there, running, organisation, wider=wider))
    if form == "cirun.global.yml":
        return _exported(form, _runners(there.state))
    text = write_public(there.state) if public else write_state(there.state)
    return Exported(format=form, content=text, left_out=roles)


def _roles(facts: "Facts", there: "Present") -> tuple[str, ...]:
    """That it is said elsewhere who lends, runs and borrows, where there are such roles."""
    lent = [
        name
        for name in there.state.resources
        if facts.bindings.all(thing=(_RESOURCE, name), limit=1)
    ]
    if not lent:
        return ()
    return (
        f"who has a role on {', '.join(lent[:_TOLD])}{', …' if len(lent) > _TOLD else ''}, and who "
        "is in which group, is not in it: `condarium access list` says so",
    )


_RESOURCE = ThingKind.RESOURCE
_TOLD = 4


def _exported(form: str, written: Written) -> Exported:
    return Exported(format=form, content=written.commented, left_out=written.left_out)


def _access(there: "Present", active: set[int], organisation: str, *, wider: bool) -> Written:
    """The grants of Cirun's runners that hold now; of others it is said that they are left out."""
    ours = {name for name, each in there.state.resources.items() if _is_of_cirun(each)}
    told, left_out = list[SaidGrant](), list[str]()
    others = Counter[str]()
    for grant in there.grants:
        which = f"{grant.project} on {grant.resource}"
        if grant.resource not in ours:
            others[grant.resource] += grant.resource in there.state.resources
        elif grant.id not in active:
            left_out.append(f"{which} is left out: it does not hold now")
        else:
            told.append(
                SaidGrant(project=grant.project, resource=grant.resource, lending=grant.lending)
            )
    left_out += [
        f"all grants of {name} ({count}) are left out: it is no runner of Cirun"
        for name, count in sorted(others.items())
        if count
    ]
    on_terms = {name for name in ours if there.state.resources[name].settings.terms}
    written = write_access(told, organisation=organisation, on_terms=on_terms, wider=wider)
    return Written(text=written.text, left_out=(*left_out, *written.left_out))


def _runners(state: State) -> Written:
    return write_runners(
        (name, each.settings.labels, each.settings.machine)
        for name, each in state.resources.items()
        if _is_of_cirun(each)
    )


def _is_of_cirun(resource: SaidResource) -> bool:
    return resource.settings.provider == PROVIDER
