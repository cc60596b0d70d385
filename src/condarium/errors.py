"""Every error condarium raises on purpose.

    CondariumError
    ├── BadInput                a file, an argument or a setting is not what it must be
    ├── NotFound                a thing that was named does not exist
    ├── Conflict                the state of a thing forbids what was asked
    ├── Refused                 the actor may not do this
    └── Failed                  the work was tried and did not succeed

An error carries its data as attributes, and says what was found, what was expected and what to do
next. `code` is the stable name of its class (`NoSuchEnvironment` → `no-such-environment`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class CondariumError(Exception):
    """condarium could not do what was asked."""

    code: ClassVar[str] = "condarium-error"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        """What to do next, as a sentence for a person; None where the message says it all."""
        super().__init__(self.message)


class BadInput(CondariumError):
    """The input is not valid."""


class NotFound(CondariumError):
    """There is no such thing."""


class Conflict(CondariumError):
    """The state of the thing does not allow this."""


class Refused(CondariumError):
    """This is not permitted."""


class Failed(CondariumError):
    """The work failed."""


class BadName(BadInput):
    """A name has characters that it may not have."""


@dataclass(frozen=True, kw_only=True)
class SpecProblem:
    """One thing that is wrong in a spec, where (`line` and `column` count from 1), and its cure."""

    line: int
    column: int
    found: str
    expected: str
    hint: str | None = None


class BadDocument(BadInput):
    """A text cannot be read; `problems` holds all that is wrong, in the order of the file.

    `line`, `column`, `found` and `expected` are those of the first problem.
    """

    def __init__(self, source: str, problems: Sequence[SpecProblem]) -> None:
        self.source, self.problems = source, tuple(problems)
        first = self.problems[0]
        self.line, self.column = first.line, first.column
        self.found, self.expected = first.found, first.expected
        several = len(self.problems) > 1
        super().__init__(
            "\n".join(self._say(problem, with_hint=several) for problem in self.problems),
            hint=None if several else first.hint,
        )

    def _say(self, problem: SpecProblem, *, with_hint: bool) -> str:
        where = f"{self.source}:{problem.line}:{problem.column}"
        cure = f"\n    {problem.hint}" if with_hint and problem.hint else ""
        return f"{where}: found {problem.found}; expected {problem.expected}{cure}"


class BadSpec(BadDocument):
    """A spec cannot be read."""


class BadCondarc(BadInput):
    """A `.condarc`, or a CONDA_* variable, does not say what it may say."""

    def __init__(
        self, source: str, *, found: str, expected: str, line: int | None = None, key: str = ""
    ) -> None:
        self.source, self.line, self.key = source, line, key
        self.found, self.expected = found, expected
        where = source if line is None else f"{source}:{line}"
        what = f"{key}: " if key else ""
        super().__init__(
            f"{where}: {what}found {found}; expected {expected}",
            hint="Correct it, or remove it to have conda's default.",
        )


class NoSuchEnvironment(NotFound):
    """There is no environment of this name."""

    def __init__(self, name: object) -> None:
        self.name = name
        super().__init__(
            f"there is no environment {name}",
            hint="`condarium env list` shows those there are; `condarium env build` makes one.",
        )


class NoSuchNamespace(NotFound):
    """There is no namespace of this name."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        super().__init__(
            f"there is no namespace {namespace}",
            hint="`condarium namespace list` shows those there are.",
        )


class NoSuchGeneration(NotFound):
    """The environment has no such generation."""

    def __init__(self, name: object, number: int | None) -> None:
        self.name, self.number = name, number
        what = "no active generation" if number is None else f"no generation {number}"
        hint = f"`condarium env history {name}` shows its generations"
        if number is None:
            hint += f", and `condarium env rollback {name} N` makes one active"
        super().__init__(f"environment {name} has {what}", hint=f"{hint}.")


class NoSuchBlob(NotFound):
    """The store does not hold these bytes."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(
            f"the store has no blob {digest}",
            hint="Its database and its blobs are not of one piece; restore both from a backup.",
        )


class BlobDamaged(Failed):
    """A blob's bytes no longer have their hash."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(
            f"blob {digest} is damaged: its bytes have another SHA-256",
            hint="Restore it from a backup, or build the environment again.",
        )


class DatabaseFailed(Failed):
    """The database did not do what was asked."""

    def __init__(self, found: str, *, hint: str | None = None) -> None:
        super().__init__(
            f"the database failed: {found}",
            hint=hint
            or "Check that its disk has room and may be written, or that its server is up.",
        )


class StoreTooNew(Conflict):
    """A newer condarium has used this store."""

    def __init__(self, *, found: str, known: str) -> None:
        super().__init__(
            f"the store's schema is {found}; this condarium knows up to {known}",
            hint="Use the newer condarium, or another store (--store).",
        )


class StoreUnusable(Failed):
    """The store's folder cannot be used."""

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the store at {path} cannot be used: {reason}",
            hint="Name a folder that you may write to with --store or CONDARIUM_STORE.",
        )


class NotPermitted(Refused):
    """The actor may not do this."""

    def __init__(
        self,
        actor: str,
        operation: str,
        reasons: tuple[str, ...],
        thing: object = None,
        visible: bool = True,
    ) -> None:
        # a permission, too, where that is all that is asked; it is said by its name
        self.actor, self.operation, self.reasons = actor, str(operation), reasons
        self.thing, self.visible = thing, visible
        where = f" on {thing}" if thing else ""
        why = "".join(f"\n  {reason}" for reason in reasons)
        super().__init__(
            f"{actor} may not run {self.operation!r}{where}{why}",
            hint="Whoever administers it can bind the role: condarium access bind.",
        )


class Unsolvable(Failed):
    """No set of packages satisfies the specs."""

    def __init__(self, platform: str, explanation: str, *, hint: str | None = None) -> None:
        self.platform, self.explanation = platform, explanation
        super().__init__(
            f"nothing in the channels satisfies the specs for {platform}:\n{explanation}", hint=hint
        )


class CompileFailed(Failed):
    """The prefix's Python could not byte-compile."""

    def __init__(self, output: list[str]) -> None:
        super().__init__(
            f"the environment's Python could not byte-compile its files: {' '.join(output)}",
            hint="Build with --no-compile to leave this out.",
        )


class BadLock(BadInput):
    """A lock cannot be used."""

    def __init__(
        self, source: str, reason: str, *, line: int | None = None, hint: str | None = None
    ) -> None:
        self.source, self.reason, self.line = source, reason, line
        where = source if line is None else f"{source}:{line}"
        says = reason.startswith(("is ", "has ", "does "))  # of the file itself
        super().__init__(f"{where} {reason}" if says else f"{where}: {reason}", hint=hint)


class PlatformNotLocked(NotFound):
    """The lock has no packages for this platform."""

    def __init__(self, source: str, platform: str, locked: Sequence[str]) -> None:
        self.source, self.platform, self.locked = source, platform, tuple(locked)
        super().__init__(
            f"{source} is not locked for {platform}, only for {', '.join(locked) or 'nothing'}",
            hint=f"Lock again with `--platform {platform}`, or add it to the spec's platforms.",
        )


class BadPipOption(BadInput):
    """A line under `pip:` cannot be used in a spec."""

    def __init__(self, option: str) -> None:
        self.option = option
        super().__init__(
            f"the line {option!r} under `pip:` cannot be used",
            hint="Of pip's options, those that name indexes, --find-links, --pre, --no-binary, "
            "--only-binary and --trusted-host can; other files and editable folders cannot.",
        )


class PipResolutionFailed(Failed):
    """The packages under `pip:` cannot be resolved.

    `explanation` is uv's, tidied; `conda` names the conda packages that it speaks of.
    """

    def __init__(
        self,
        platform: str,
        explanation: str,
        *,
        conda: Sequence[tuple[str, str]] = (),
        hint: str | None = None,
    ) -> None:
        self.platform, self.explanation, self.conda = platform, explanation, tuple(conda)
        chosen = "".join(
            f"\n  {name} is {version} here: the conda packages are chosen first"
            for name, version in conda
        )
        super().__init__(
            f"the pip packages cannot be resolved for {platform}:\n{explanation}{chosen}", hint=hint
        )


class PipInstallFailed(Failed):
    """The packages under `pip:` could not be installed."""

    def __init__(self, explanation: str, *, hint: str | None = None) -> None:
        self.explanation = explanation
        super().__init__(f"the pip packages could not be installed:\n{explanation}", hint=hint)


class NothingEarlier(Conflict):
    """There is no earlier generation to go back to."""

    def __init__(self, name: object) -> None:
        self.name = name
        super().__init__(
            f"environment {name} has no generation before the active one",
            hint=f"`condarium env history {name}` shows its generations.",
        )


class GenerationArchived(Conflict):
    """The generation is archived: its prefix is not on disk."""

    def __init__(self, name: object, number: int) -> None:
        self.name, self.number = name, number
        super().__init__(
            f"generation {number} of {name} is archived",
            hint=f"`condarium env restore {name} {number}` brings it back from its lock.",
        )


class PrefixMissing(Conflict):
    """The generation's prefix should be on disk, and is not."""

    def __init__(self, name: object, number: int) -> None:
        self.name, self.number = name, number
        super().__init__(
            f"the prefix of generation {number} of {name} is not on disk",
            hint=f"`condarium env restore {name} {number}` makes it again from its lock.",
        )


class LinkBlocked(Conflict):
    """Something else is where an environment's link belongs."""

    def __init__(self, name: object, path: object, found: str) -> None:
        self.name, self.path, self.found = name, path, found
        super().__init__(
            f"the link of environment {name} belongs at {path}, where there is {found} that "
            "condarium did not make",
            hint="Nothing of it was touched. Move it away, or give the environment another name.",
        )


class NotOnThisPlatform(Conflict):
    """The generation was locked for other platforms than this machine's."""

    def __init__(self, name: object, number: int, platforms: tuple[str, ...]) -> None:
        self.name, self.number, self.platforms = name, number, platforms
        super().__init__(
            f"generation {number} of {name} is locked for {', '.join(platforms)} only, "
            "which is not what this machine runs",
            hint="Build it again with --platform and this machine's platform.",
        )


class BadArguments(BadInput):
    """The arguments do not go together."""


class ActiveGeneration(Conflict):
    """The active generation stays on disk."""

    def __init__(self, name: object, number: int) -> None:
        self.name, self.number = name, number
        super().__init__(
            f"generation {number} of {name} is the active one, which is never archived",
            hint=f"Make another one active first: condarium env rollback {name} N",
        )


class NoShell(Failed):
    """There is no bash on this machine, and activation scripts need one."""


class UnknownPlatform(BadInput):
    """conda has no platform of this name."""

    def __init__(self, found: str, likely: str | None) -> None:
        self.found = found
        super().__init__(
            f"{found!r} is not a platform that conda knows",
            hint=f"Did you mean {likely}?"
            if likely
            else "The usual ones are linux-64, linux-aarch64, osx-64, osx-arm64 and win-64.",
        )


class NoChannels(BadInput):
    """No channel says where packages come from."""

    def __init__(self, source: str) -> None:
        super().__init__(
            f"{source} names no channel, and neither does a .condarc",
            hint="Add some, for example: channels: [conda-forge]",
        )


class StoreFull(Failed):
    """The disk of the store is full."""

    def __init__(self, when: str) -> None:
        super().__init__(
            f"the disk of the store is full: there was no room left {when}",
            hint="`condarium gc` frees what nothing uses; `condarium env du` shows what does.",
        )


class StoreReadOnly(Failed):
    """The store may not be written to."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the store may not be written to: {reason}",
            hint="Use a store of your own (--store), or ask whoever owns this one.",
        )


class NoPythonForPip(BadInput):
    """There are pip packages to install, and no Python to install them for."""

    def __init__(self, platform: str) -> None:
        self.platform = platform
        super().__init__(
            f"the spec has pip packages, and what was solved for {platform} has no Python",
            hint="Add python to the dependencies.",
        )


class NoSuchBuild(NotFound):
    """Nothing of this kind was ever built."""

    def __init__(self, name: object, generation: int | None) -> None:
        self.name, self.generation = name, generation
        what = "" if generation is None else f" that made generation {generation}"
        super().__init__(
            f"environment {name} has no build{what}",
            hint=f"`condarium env history {name}` shows its generations.",
        )
