"""Wheels from a Python package index, published as packages."""

import platform as machine
import re
from collections.abc import Sequence

from condarium.channels.blob_files import incoming_folder
from condarium.channels.changing.publishing import publish
from condarium.channels.making.wheels import host_subdir, import_wheels
from condarium.channels.revising.draft import check_local
from condarium.errors import BadArguments
from condarium.model.actor import Actor
from condarium.model.hosting.transfer import WheelsImported
from condarium.model.progress import Progress
from condarium.model.subdirs import parse_subdir
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, check_label
from condarium.storage.store import Store


def publish_wheels(
    store: Store,
    channel: ChannelName,
    requirements: Sequence[str],
    *,
    python: str | None = None,
    platforms: Sequence[str] = (),
    labels: Sequence[str] = (),
    reason: str = "",
    actor: Actor,
    progress: Progress,
) -> WheelsImported:
    """Resolve requirements, make packages of their wheels, and publish these in one revision.

    `python` is a minor version, by default that of this Python; `platforms` are subdirs, by
    default this machine's. Raises PipResolutionFailed, NoWheel, WheelNotFetched, BadWheel, and
    what `publish` raises.
    """
    for label in labels:
        check_label(label)
    python = _minor(python)
    platforms = tuple(parse_subdir(each) for each in platforms) or (host_subdir(),)
    check_local(store, channel, "import-wheels")
    with store.shared(), incoming_folder(store) as folder:
        made = {
            path
            for platform in platforms
            for path in import_wheels(
                requirements,
                into=folder,
                python=python,
                platform=platform,
                progress=progress,
                environ=store.settings.environ,
            )
        }
        published = publish(
            store,
            channel,
            [Upload(path.name, path) for path in sorted(made)],
            labels=labels,
            reason=reason or f"wheels of {', '.join(requirements)}",
            actor=actor,
            progress=progress,
        )
    return WheelsImported(
        channel=channel,
        labels=published.labels,
        python=python,
        platforms=platforms,
        revision=published.revision,
        files=published.files,
    )


def _minor(python: str | None) -> str:
    if python is None:
        return ".".join(machine.python_version_tuple()[:2])
    if not re.fullmatch(r"3\.[0-9]{1,2}", python):
        raise BadArguments(f"found Python {python!r}; expected a minor version such as 3.12")
    return python
