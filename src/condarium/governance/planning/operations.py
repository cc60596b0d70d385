"""The operations on what is lent as files: import, export, plan, apply, and ids for names.

Work is imported where an operation runs, so that help is shown without a database.
"""

from typing import Annotated, Literal

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.governance.planned import Applied, Exported, Imported, NamesResolved, Plan
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store

_Files = Annotated[
    tuple[Document, ...],
    Argument("files that say together all that is lent", positional=True, metavar="FILE"),
]
_Organisation = Annotated[
    str, Argument("whose repositories those are that are named without an owner", metavar="NAME")
]
_Ids = Annotated[
    Document | None,
    Argument(
        "a JSON object of names and ids: of logins, and of repositories (OWNER/NAME)",
        metavar="FILE",
    ),
]
_ALL = Permission.RESOURCE_CREATE


@operation("access import", permission=_ALL, changes=True, makes_store=True)
def access_import(
    store: Store,
    files: Annotated[
        tuple[Document, ...],
        Argument(
            "requests of conda-forge, an .access.yml, a .cirun.global.yml: what a file is, its "
            "content tells",
            positional=True,
            metavar="FILE",
        ),
    ],
    *,
    organisation: _Organisation = "conda-forge",
    ids: _Ids = None,
    dry_run: Annotated[bool, Argument("only say what would change")] = False,
    actor: Actor,
) -> Imported:
    """Take in requests of conda-forge, and what Cirun reads.

    Requests count in the order of the days that their names begin with. What files do not speak of
    stays as it is, and files that were imported already change nothing. Resources that are not
    there are made. Names get their ids from --ids, or from GitHub where that is configured; who
    has none may use nothing until `access resolve`.

    Raises BadAccessFile, BadIds.
    """
    from condarium.governance.planning import importing

    return importing.import_(
        store, files, organisation=organisation, ids=ids, dry_run=dry_run, actor=actor
    )


@operation(
    "access export",
    permission=Permission.RESOURCE_READ,
    where=Where.INSIDE,
    saves="content",
)
def access_export(
    store: Store,
    *,
    format_: Annotated[
        Literal["condarium", "access.yml", "cirun.global.yml"],
        Argument("our own format, or one that Cirun reads", metavar="FORMAT"),
    ] = "condarium",
    organisation: _Organisation = "conda-forge",
    public: Annotated[
        bool, Argument("only what everybody may see; it cannot be applied again")
    ] = False,
    wider: Annotated[
        bool,
        Argument(
            "an access.yml also of grants that allow more there than here: without an id, on "
            "terms, with a quota or an end"
        ),
    ] = False,
    actor: Actor,
) -> Exported:
    """Write all that is lent as a file.

    Administrators may; --public is for everybody. The same state is always the same text, and
    planning it changes nothing. There is no secret in it. What another format cannot say is told,
    and stands above it as comments; what would allow more there than here is left out.
    Raises BadArguments, NotPermitted.
    """
    from condarium.governance.planning import exporting

    return exporting.export(
        store,
        form=format_,
        organisation=organisation,
        public=public,
        wider=wider,
        actor=actor,
    )


@operation("access plan", permission=_ALL)
def access_plan(store: Store, files: _Files, *, actor: Actor) -> Plan:
    """Say what files would change, who would lose what, and which jobs would be cancelled.

    What the files do not have ends: grants are revoked, resources retired. What was changed by
    hand since files were applied is told too.

    Raises BadAccessFile.
    """
    from condarium.governance.planning import planning

    return planning.plan(store, files, actor=actor)


@operation("access apply", permission=_ALL, changes=True)
def access_apply(
    store: Store,
    files: _Files,
    *,
    plan: Annotated[
        str, Argument("the plan's id, as `access plan` says it", positional=False, metavar="ID")
    ],
    running: Annotated[bool, Argument("also cancel what runs on grants that end")] = False,
    actor: Actor,
) -> Applied:
    """Make what is lent what files say, as it was planned.

    It happens whole or not at all. Where anything changed since the plan, nothing is done.

    Raises BadAccessFile, BadPlanId, OtherFiles, StalePlan.
    """
    from condarium.governance.planning import planning

    return planning.apply(store, files, plan=plan, running=running, actor=actor)


@operation("access resolve", permission=_ALL, changes=True)
def access_resolve(store: Store, *, ids: _Ids = None, actor: Actor) -> NamesResolved:
    """Find the ids of projects and people that grants know by name alone.

    They are taken from a file, or asked for at GitHub where that is configured. An id that is
    known is never changed.

    Raises BadIds.
    """
    from condarium.governance.planning import nameless

    return nameless.resolve(store, ids=ids, actor=actor)
