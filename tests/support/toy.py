"""A few operations whose work is to say what they were given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from condarium.errors import Conflict
from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.operation import Argument, operation
from condarium.storage.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an operation was given; `shout` is what it computes from it."""

    given: Mapping[str, Any]
    content: str = "the document\n"
    at: datetime = NOON
    where: Path = Path("/srv/place")
    names: tuple[EnvironmentName, ...] = field(default_factory=tuple)

    @property
    def loud(self) -> str:
        return ", ".join(self.given).upper()


@dataclass(frozen=True, kw_only=True)
class Started:
    command: tuple[str, ...]
    exit_code: int


@operation("toy say", permission=Permission.ENVIRONMENT_READ, makes_store=True)
def say(
    store: Store,
    environment: Annotated[EnvironmentName, Argument("whom to tell", metavar="NS/NAME")],
    numbers: Annotated[tuple[int, ...], Argument("how often", positional=True)] = (),
    *,
    file: Annotated[Document | None, Argument("what to say", "-f", metavar="FILE")] = None,
    older_than: Annotated[timedelta | None, Argument("how old")] = None,
    tone: Annotated[Literal["soft", "loud"], Argument("how loud")] = "soft",
    tag: Annotated[tuple[str, ...], Argument("a word to add")] = (),
    twice: Annotated[bool, Argument("say it again")] = False,
    actor: Actor,
    progress: Progress,
) -> Said:
    """Say what was given.

    A second paragraph tells more.
    """
    progress.phase("saying", 1, "words")
    progress.say("a remark")
    given = {
        "environment": environment,
        "numbers": numbers,
        "file": file and file.content.decode(),
        "older_than": older_than,
        "tone": tone,
        "tag": tag,
        "twice": twice,
        "actor": actor.name,
    }
    return Said(given=given, names=(environment,))


@operation("toy change", permission=Permission.ENVIRONMENT_BUILD, changes=True, makes_store=True)
def change(
    store: Store, *, dry_run: Annotated[bool, Argument("only look")] = False, actor: Actor
) -> Said:
    """Change something."""
    return Said(given={"changed": True})


@operation("toy break", permission=Permission.ENVIRONMENT_BUILD, changes=True, makes_store=True)
def break_(
    store: Store, *, how: Annotated[str, Argument("in which way", "-w")], actor: Actor
) -> Said:
    """Fail in the way that is asked for."""
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "conflict":
        raise Conflict("first line\nsecond \x1b[31mline", hint="do something else")
    raise ValueError(how)


@operation("toy run", permission=Permission.ENVIRONMENT_RUN, local=True, makes_store=True)
def run(
    store: Store,
    environment: Annotated[EnvironmentName, Argument("where")],
    command: Annotated[tuple[str, ...], Argument("the command", positional=True)],
    *,
    level: Annotated[int, Argument("how much", "-l")] = 0,
) -> Started:
    """Start a command."""
    return Started(command=command, exit_code=7)


@operation("write", permission=Permission.LOCK_SOLVE, saves="content", makes_store=True)
def write(store: Store, *, file: Annotated[Document, Argument("what", "-f")]) -> Said:
    """Write a document."""
    return Said(given={}, content=f"<{file.content.decode()}>\n")
