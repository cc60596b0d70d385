"""Changes of package files: which ones are meant, and what becomes of each, in one revision."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from condarium.channels.changing.selecting import Held
from condarium.channels.revising.draft import revise
from condarium.model.actor import Actor
from condarium.model.hosting.changes import FileAction, FilesChanged
from condarium.model.hosting.fact import Fact
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Step:
    """What becomes of a file: facts that begin to hold of it, and facts that end."""

    opened: Sequence[Fact] = ()
    closed: Sequence[Fact] = ()


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """A change of package files: which ones are meant, and what becomes of each.

    `step` gives None for a file that is as it should be already.
    """

    action: FileAction
    choose: Callable[[Facts, HostedChannel], Iterable[Held]]
    step: Callable[[Held], Step | None]
    label: str | None = None
    to: str | None = None

    def make(
        self,
        store: Store,
        channel: ChannelName,
        *,
        dry_run: bool,
        reason: str,
        actor: Actor,
    ) -> FilesChanged:
        """Change all files in one revision, or only say which that would be."""
        with revise(store, channel, self.action, reason=reason, actor=actor) as draft:
            chosen = self.choose(draft.facts, draft.channel)
            steps = [(held, self.step(held)) for held in chosen]
            for _, step in steps:
                if step is not None and not dry_run:
                    draft.close(*step.closed)
                    draft.open(*step.opened)
        return FilesChanged(
            channel=channel,
            action=self.action,
            revision=draft.revision.number if draft.revision else None,
            dry_run=dry_run,
            files=tuple(held.path for held, step in steps if step is not None),
            unchanged=tuple(held.path for held, step in steps if step is None),
            hidden=tuple(held.path for held, step in steps if step and _hides(held, step)),
            label=self.label,
            to=self.to,
        )


def _hides(held: Held, step: Step) -> bool:
    """Whether a file stays, and has no label any more."""
    if held.file in step.closed or not held.labels:
        return False
    opened = [fact for fact in step.opened if fact.value]
    return not opened and all(fact in step.closed for fact in held.labels.values())
