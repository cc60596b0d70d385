"""The operations that change channels."""

from datetime import timedelta
from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.hosting.changes import (
    ChannelCreated,
    ChannelEdited,
    ChannelRemoved,
    FilesChanged,
    PatchesChanged,
    PatchTrial,
    Reverted,
)
from condarium.model.hosting.report import Published
from condarium.model.progress import Progress
from condarium.model.upload import Upload
from condarium.model.view import ChannelName
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store

Channel = Annotated[ChannelName, Argument("the channel", metavar="CHANNEL")]
Specs = Annotated[
    tuple[str, ...],
    Argument(
        "which package files: MatchSpecs such as 'numpy ==1.26.4', 'py*' or '[subdir=noarch]', "
        "or names of files",
        positional=True,
        metavar="SPEC",
    ),
]
Narrowed = Annotated[
    tuple[str, ...],
    Argument("only those of them that fit a MatchSpec or have this file name", metavar="SPEC"),
]
Patches = Annotated[
    tuple[Document, ...],
    Argument(
        "conda-forge's YAML rules, or a patch_instructions.json", positional=True, metavar="FILE"
    ),
]
PatchSubdir = Annotated[
    str | None, Argument("the subdir that instructions are for, where they do not say it")
]
DryRun = Annotated[bool, Argument("say what would be changed, and change nothing")]
Reason = Annotated[str, Argument("why, for the log", "-m")]


@operation(
    "channel create",
    permission=Permission.CHANNEL_CREATE,
    changes=True,
    makes_store=True,
    where=Where.INSIDE,
)
def create(
    store: Store,
    channel: Annotated[ChannelName, Argument("its name", metavar="CHANNEL")],
    *,
    description: Annotated[str, Argument("what it is for", metavar="TEXT")] = "",
    public: Annotated[bool, Argument("let everybody read it, signed in or not")] = False,
    union: Annotated[
        tuple[ChannelName, ...],
        Argument(
            "show several channels as one: this first, those that follow after it",
            metavar="CHANNEL",
        ),
    ] = (),
    merge: Annotated[
        bool,
        Argument("in a union, show files of all; by default a package comes from one channel"),
    ] = False,
    proxy: Annotated[
        str | None, Argument("show a channel elsewhere, and keep what is used", metavar="URL")
    ] = None,
    spec: Annotated[tuple[str, ...], Argument("of the proxy, only what fits", metavar="SPEC")] = (),
    exclude: Annotated[
        tuple[str, ...], Argument("of the proxy, not what fits", metavar="SPEC")
    ] = (),
    subdir: Annotated[tuple[str, ...], Argument("of the proxy, only these subdirs")] = (),
    license_: Annotated[
        tuple[str, ...], Argument("of the proxy, only what has such a licence", metavar="SPDX")
    ] = (),
    cooldown: Annotated[
        timedelta | None,
        Argument("of the proxy, only what has been there for so long", metavar="7d"),
    ] = None,
    reuse: Annotated[
        bool, Argument("take a name that was removed, whose old addresses may be in use")
    ] = False,
    actor: Actor,
) -> ChannelCreated:
    """Make a channel: of packages of its own, a union of channels, or a proxy of one elsewhere.

    It is private unless --public is given. Raises ChannelExists, ChannelWasRemoved, NoSuchChannel,
    PrivateMember.
    """
    from condarium.channels.changing import creating
    from condarium.errors import BadArguments
    from condarium.model.hosting.hosted import Filter, UnionMode

    chosen = Filter(
        specs=spec, exclude=exclude, subdirs=subdir, licenses=license_, cooldown=cooldown
    )
    if chosen != Filter() and proxy is None:
        raise BadArguments("a filter is for a proxy", hint="Give --proxy URL, or leave it out.")
    if merge and not union:
        raise BadArguments("--merge is for a union", hint="Name its channels with --union.")
    return creating.create(
        store,
        channel,
        public=public,
        description=description,
        members=union,
        mode=UnionMode.MERGE if merge else UnionMode.FIRST,
        upstream=proxy,
        filter=chosen,
        reuse=reuse,
        actor=actor,
    )


@operation("channel edit", permission=Permission.CHANNEL_MANAGE, changes=True)
def edit(
    store: Store,
    channel: Channel,
    *,
    public: Annotated[bool, Argument("let everybody read it, signed in or not")] = False,
    private: Annotated[bool, Argument("let only those read it who have a token")] = False,
    description: Annotated[str | None, Argument("what it is for", metavar="TEXT")] = None,
    actor: Actor,
) -> ChannelEdited:
    """Change who may read a channel, or its description.

    What it has, and its log, stay as they are. Raises NoSuchChannel, PrivateMember.
    """
    from condarium.channels.changing import creating
    from condarium.errors import BadArguments

    if public and private:
        raise BadArguments("a channel is public or private, not both")
    return creating.edit(
        store,
        channel,
        public=public if public or private else None,
        description=description,
        actor=actor,
    )


@operation("channel remove", permission=Permission.CHANNEL_MANAGE, changes=True)
def remove(store: Store, channel: Channel, *, actor: Actor) -> ChannelRemoved:
    """Delete a channel and its log; `gc` then frees what nothing else uses.

    Raises ChannelInUse where a union has it as a member.
    """
    from condarium.channels.changing import creating

    return creating.remove(store, channel, actor=actor)


@operation("channel publish", permission=Permission.CHANNEL_PUBLISH, changes=True)
def publish(
    store: Store,
    channel: Channel,
    file: Annotated[
        tuple[Upload, ...],
        Argument("package files (.conda, .tar.bz2)", positional=True, metavar="FILE"),
    ],
    *,
    label: Annotated[
        tuple[str, ...], Argument("the label that they get; by default main", "-l")
    ] = (),
    reason: Reason = "",
    actor: Actor,
    progress: Progress,
) -> Published:
    """Publish package files, all in one revision or none of them.

    Each is checked before it is seen. The same bytes again change nothing, and say so; a name that
    was taken is refused for ever. Raises PackageRefused, FileNameTaken.
    """
    from condarium.channels.changing import publishing

    return publishing.publish(
        store, channel, file, labels=label, reason=reason, actor=actor, progress=progress
    )


@operation("channel yank", permission=Permission.CHANNEL_PUBLISH, changes=True)
def yank(
    store: Store,
    channel: Channel,
    spec: Specs,
    *,
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Hide package files from every index; by their exact URL they are still downloaded.

    Raises NothingFits.
    """
    from condarium.channels.changing import yanking

    return yanking.yank(store, channel, spec, dry_run=dry_run, reason=reason, actor=actor)


@operation("channel unyank", permission=Permission.CHANNEL_PUBLISH, changes=True)
def unyank(
    store: Store,
    channel: Channel,
    spec: Specs,
    *,
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Show package files again that were yanked.

    Raises NothingFits.
    """
    from condarium.channels.changing import yanking

    return yanking.unyank(store, channel, spec, dry_run=dry_run, reason=reason, actor=actor)


@operation("channel remove-package", permission=Permission.CHANNEL_MANAGE, changes=True)
def remove_package(
    store: Store,
    channel: Channel,
    spec: Specs,
    *,
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Take package files out of a channel from now on; earlier revisions still have them.

    The same bytes can be published again, other bytes under the same name cannot.
    Raises NothingFits.
    """
    from condarium.channels.changing import yanking

    return yanking.remove_packages(
        store, channel, spec, dry_run=dry_run, reason=reason, actor=actor
    )


@operation("channel label add", permission=Permission.CHANNEL_PUBLISH, changes=True)
def label_add(
    store: Store,
    channel: Channel,
    label: Annotated[str, Argument("the label")],
    spec: Specs,
    *,
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Give a label to package files: they are seen in its view, too.

    Raises NothingFits.
    """
    from condarium.channels.changing import labelling

    return labelling.add(store, channel, label, spec, dry_run=dry_run, reason=reason, actor=actor)


@operation("channel label remove", permission=Permission.CHANNEL_PUBLISH, changes=True)
def label_remove(
    store: Store,
    channel: Channel,
    label: Annotated[str, Argument("the label")],
    spec: Specs,
    *,
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Take a label from package files; without any label no index shows them.

    Raises NothingFits.
    """
    from condarium.channels.changing import labelling

    return labelling.remove(
        store, channel, label, spec, dry_run=dry_run, reason=reason, actor=actor
    )


@operation("channel label copy", permission=Permission.CHANNEL_PUBLISH, changes=True)
def label_copy(
    store: Store,
    channel: Channel,
    label: Annotated[str, Argument("the label that they have", metavar="FROM")],
    to: Annotated[str, Argument("the label that they get")],
    *,
    spec: Narrowed = (),
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Give a label to all package files that have another one.

    Raises NoSuchLabel, NothingFits.
    """
    from condarium.channels.changing import labelling

    return labelling.copy(
        store, channel, label, to, specs=spec, dry_run=dry_run, reason=reason, actor=actor
    )


@operation("channel label promote", permission=Permission.CHANNEL_PUBLISH, changes=True)
def label_promote(
    store: Store,
    channel: Channel,
    label: Annotated[str, Argument("the label that they have, and lose", metavar="FROM")],
    to: Annotated[str, Argument("the label that they get")],
    *,
    spec: Narrowed = (),
    dry_run: DryRun = False,
    reason: Reason = "",
    actor: Actor,
) -> FilesChanged:
    """Move all package files that have a label to another one, in one revision.

    `channel revert` undoes it. Raises NoSuchLabel, NothingFits.
    """
    from condarium.channels.changing import labelling

    return labelling.promote(
        store, channel, label, to, specs=spec, dry_run=dry_run, reason=reason, actor=actor
    )


@operation("channel patch add", permission=Permission.CHANNEL_MANAGE, changes=True)
def patch_add(
    store: Store,
    channel: Channel,
    file: Patches,
    *,
    subdir: PatchSubdir = None,
    name: Annotated[str | None, Argument("what the log calls it; by default its file")] = None,
    reason: Reason = "",
    actor: Actor,
) -> PatchesChanged:
    """Add metadata patches after those that a channel has, all in one revision.

    Packages published later are patched, too. A patch that holds already is not added again.
    Raises BadPatch with all that is wrong.
    """
    from condarium.channels.changing import patching

    return patching.add(store, channel, file, subdir=subdir, name=name, reason=reason, actor=actor)


@operation("channel patch dry-run", permission=Permission.CHANNEL_MANAGE)
def patch_dry_run(
    store: Store,
    channel: Channel,
    file: Patches,
    *,
    subdir: PatchSubdir = None,
    limit: Annotated[
        int, Argument("how many records and dependents to name; 0 for all", metavar="N")
    ] = 20,
    progress: Progress,
) -> PatchTrial:
    """Show each record that patches would change, before and after, and who depends on it.

    Nothing is changed. Raises BadPatch with all that is wrong.
    """
    from condarium.channels.changing import trying

    return trying.dry_run(store, channel, file, subdir=subdir, limit=limit, progress=progress)


@operation("channel patch undo", permission=Permission.CHANNEL_MANAGE, changes=True)
def patch_undo(
    store: Store,
    channel: Channel,
    number: Annotated[int, Argument("the patch's number; `channel patch list` shows it")],
    *,
    reason: Reason = "",
    actor: Actor,
) -> PatchesChanged:
    """End a patch: its records are again as they are without it, byte for byte.

    Raises NoSuchPatch.
    """
    from condarium.channels.changing import patching

    return patching.undo(store, channel, number, reason=reason, actor=actor)


@operation("channel revert", permission=Permission.CHANNEL_MANAGE, changes=True)
def revert(
    store: Store,
    channel: Channel,
    revision: Annotated[str, Argument("the revision, such as r12")],
    *,
    reason: Reason = "",
    actor: Actor,
) -> Reverted:
    """Append a revision that undoes an earlier one: files, labels, yanks and patches.

    What was undone since stays as it is. Raises CannotUndo where later revisions changed the same
    things in another way, and names them.
    """
    from condarium.channels.changing import reverting

    return reverting.revert(store, channel, revision, reason=reason, actor=actor)
