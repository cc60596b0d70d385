"""The operations that bring sets of packages from one place to another."""

from typing import Annotated

from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.hosting.transfer import BundleImported, Exported, Mirrored, WheelsImported
from condarium.model.progress import Progress
from condarium.model.upload import Upload
from condarium.model.view import MAIN, ChannelName, View
from condarium.operation import Argument, operation
from condarium.storage.store import Store

Channel = Annotated[ChannelName, Argument("the channel", metavar="CHANNEL")]
Reason = Annotated[str, Argument("why, for the log", "-m")]


@operation("channel mirror", permission=Permission.CHANNEL_PUBLISH, changes=True, job=True)
def mirror(
    store: Store,
    channel: Channel,
    *,
    lock: Annotated[
        Document,
        Argument(
            "a pixi.lock, a conda-lock.yml or an explicit list", positional=False, metavar="FILE"
        ),
    ],
    lock_environment: Annotated[
        str | None, Argument("the environment of a lock that has several", metavar="NAME")
    ] = None,
    platform: Annotated[
        tuple[str, ...],
        Argument("only this platform of the lock; several, given again", metavar="SUBDIR"),
    ] = (),
    label: Annotated[str, Argument("the label that the packages get", "-l")] = MAIN,
    reason: Reason = "",
    actor: Actor,
    progress: Progress,
) -> Mirrored:
    """Fetch exactly the packages of a lock, for machines without a network.

    They are verified by the lock's hashes and published in one revision. Where a pixi.lock has
    other dependencies of a package than the package itself, because its channel is patched, those
    of the lock are shown. A proxy keeps them. Raises BadLock, UpstreamFailed, FileNameTaken.
    """
    from condarium.channels import mirroring

    return mirroring.mirror(
        store,
        channel,
        lock,
        environment=lock_environment,
        platforms=platform,
        label=label,
        reason=reason,
        actor=actor,
        progress=progress,
    )


@operation("channel export", permission=Permission.CHANNEL_READ, local=True)
def export(
    store: Store,
    view: Annotated[View, Argument("a channel, or a view of one", metavar="VIEW")],
    file: Annotated[str, Argument("the bundle to write", metavar="FILE")],
    *,
    spec: Annotated[
        tuple[str, ...], Argument("only packages that fit; several, given again", metavar="SPEC")
    ] = (),
    lock: Annotated[
        Document | None, Argument("only the packages of this lock", metavar="FILE")
    ] = None,
    progress: Progress,
) -> Exported:
    """Write packages with their records to one file, to be imported or unpacked elsewhere.

    It is a tar that is a static channel where it is unpacked. The same view gives the same bytes.
    Raises NotInView, BundleNotWritten.
    """
    from condarium.channels.bundles import exporting

    return exporting.export(store, view, file, lock=lock, specs=spec, progress=progress)


@operation("channel import", permission=Permission.CHANNEL_PUBLISH, changes=True)
def import_(
    store: Store,
    channel: Channel,
    file: Annotated[Upload, Argument("a bundle that `channel export` wrote", metavar="FILE")],
    *,
    label: Annotated[
        tuple[str, ...],
        Argument("the label that the packages get; by default that of the exported view", "-l"),
    ] = (),
    reason: Reason = "",
    actor: Actor,
    progress: Progress,
) -> BundleImported:
    """Publish the packages of a bundle, all in one revision or none of them.

    All of it is verified first. Records are those that the exported view showed, patches included;
    files that are there already keep theirs. Raises BadBundle, PackageRefused, FileNameTaken.
    """
    from condarium.channels.bundles import importing

    return importing.import_bundle(
        store, channel, file, labels=label, reason=reason, actor=actor, progress=progress
    )


@operation("channel import-wheels", permission=Permission.CHANNEL_PUBLISH, changes=True, job=True)
def import_wheels(
    store: Store,
    channel: Channel,
    requirement: Annotated[
        tuple[str, ...],
        Argument("what to get, as pip reads it", positional=True, metavar="REQUIREMENT"),
    ],
    *,
    python: Annotated[
        str | None, Argument("the Python to be used with; by default this one", metavar="3.12")
    ] = None,
    platform: Annotated[
        tuple[str, ...],
        Argument("the platform; by default this one; several, given again", metavar="SUBDIR"),
    ] = (),
    label: Annotated[
        tuple[str, ...], Argument("the label that they get; by default main", "-l")
    ] = (),
    reason: Reason = "",
    actor: Actor,
    progress: Progress,
) -> WheelsImported:
    """Make packages of wheels on PyPI, with all that they require, and publish them.

    Pure and platform wheels both; entry points, dependencies with their markers and extras, and
    licences are kept. Raises PipResolutionFailed, NoWheel, WheelNotFetched, BadWheel.
    """
    from condarium.channels.making.publishing_wheels import publish_wheels

    return publish_wheels(
        store,
        channel,
        requirement,
        python=python,
        platforms=platform,
        labels=label,
        reason=reason,
        actor=actor,
        progress=progress,
    )
