"""The operations that say who an account here is elsewhere.

Work is imported where an operation runs, so that help is shown without a database.
"""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.governance.report import IdentityChanged
from condarium.operation import Argument, operation
from condarium.storage.store import Store

_Account = Annotated[str, Argument("a user or a service account", metavar="USER")]
_Elsewhere = Annotated[
    str, Argument("who that is elsewhere: github:LOGIN#ID, such as github:ada#123", metavar="WHO")
]


@operation("user link", permission=Permission.ACCESS_MANAGE, changes=True)
def user_link(
    store: Store,
    name: _Account,
    person: _Elsewhere,
    *,
    actor: Actor,
) -> IdentityChanged:
    """Say who an account here is at GitHub, by the id there, which never changes.

    Who is somebody there is so here once at most. Terms are accepted for accounts that are linked
    then.

    Raises NoSuchPrincipal, BadPerson, PersonUnknown, IdentityTaken.
    """
    from condarium.governance.resources import linking

    return linking.link(store, name, person, actor=actor)


@operation("user unlink", permission=Permission.ACCESS_MANAGE, changes=True)
def user_unlink(
    store: Store,
    name: _Account,
    person: _Elsewhere,
    *,
    actor: Actor,
) -> IdentityChanged:
    """Say that an account here is not, or no longer, somebody elsewhere.

    What was accepted for them by the link ends with it.
    """
    from condarium.governance.resources import linking

    return linking.unlink(store, name, person, actor=actor)
