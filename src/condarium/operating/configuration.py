"""The configuration, shown: as a template, checked, and as it holds."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from condarium.model.operating import ConfigurationChecked, OptionValue
from condarium.model.secret import MASK, redact_url
from condarium.model.similar import nearest
from condarium.settings import ServerSettings, Settings
from condarium.settings.configuration import BadConfiguration, read_file
from condarium.settings.options import OPTIONS, SECTIONS, Kind, Option, by_key
from condarium.settings.reach import read_reach
from condarium.settings.reading import BadSetting
from condarium.settings.sign_in import SignInSettings
from condarium.settings.telemetry import TelemetrySettings
from condarium.settings.worker import JobSettings, WorkerSettings

READERS: tuple[Callable[[Mapping[str, str]], object], ...] = (
    Settings.read,
    ServerSettings.read,
    SignInSettings.read,
    JobSettings.read,
    WorkerSettings.read,
    TelemetrySettings.read,
    read_reach,
)
"""What reads settings: each says what is wrong with its own."""

_OURS = "CONDARIUM_"
_HANDED_ON = {"CONDARIUM_JOB", "CONDARIUM_BUILDS_NOTHING"}
"""What condarium tells its own processes."""
_HEAD = """\
# The configuration of condarium: $CONDARIUM_CONFIG, else condarium.toml in the store, else
# /etc/condarium/condarium.toml. Every option is here, at its default. A variable of the
# environment goes before what is said here; `condarium config check` finds mistakes.
"""


def template() -> str:
    """Every option with its help, commented out."""
    parts = [_HEAD]
    for section, title in SECTIONS.items():
        parts.append(f"# {title}\n[{section}]\n")
        parts += [_entry(each) for each in OPTIONS if each.section == section and each.in_file]
    return "\n".join(parts)


def check(file: Path | None, settings: Settings) -> ConfigurationChecked:
    """Read a file, or the one that holds, and the environment.

    Raises BadConfiguration, BadSetting.
    """
    chosen = file or settings.file
    said = read_file(chosen) if chosen else {}
    environ = said if file else settings.environ
    for read in READERS:
        try:
            read({"HOME": str(settings.home), **environ} if file else environ)
        except BadSetting as error:
            if chosen and error.name in said and environ.get(error.name) == said[error.name]:
                raise _in_file(chosen, error) from error
            raise
    names = {each.variable: each.key for each in OPTIONS}
    options = tuple(names[each] for each in said)
    return ConfigurationChecked(file=chosen, options=options, unknown=unknown(settings))


def unknown(settings: Settings) -> dict[str, str]:
    """Variables that look like ours and are none, and which each is like, if any."""
    known = {each.variable for each in OPTIONS} | _HANDED_ON
    found = {each for each in settings.environ if each.startswith(_OURS)} - known
    words = {each.removeprefix(_OURS).lower(): each for each in known - _HANDED_ON}
    near = {each: nearest(each.removeprefix(_OURS), words) for each in sorted(found)}
    return {each: words[like[0]] if like else "" for each, like in near.items()}


def show(settings: Settings) -> tuple[OptionValue, ...]:
    """What holds for every option, and where it was said."""
    said = read_file(settings.file) if settings.file else {}
    return tuple(_value(option, settings, said) for option in OPTIONS)


def _value(option: Option, settings: Settings, said: Mapping[str, str]) -> OptionValue:
    text = settings.environ.get(option.variable)
    if not text:
        default = _toml(option, option.default) if option.default is not None else None
        return OptionValue(
            name=option.key, variable=option.variable, value=default, source="default"
        )
    shown = MASK if option.secret and option.name != "database" else redact_url(text)
    source = "file" if said.get(option.variable) == text else "environment"
    return OptionValue(name=option.key, variable=option.variable, value=shown, source=source)  # type: ignore[arg-type]  # one of the two


def _entry(option: Option) -> str:
    says = option.help + (f" (by default: {option.otherwise})" if option.otherwise else "")
    lines = textwrap.wrap(says, 94, initial_indent="# ", subsequent_indent="# ")
    value = option.default if option.default is not None else option.example
    return "\n".join([*lines, f"#{option.name} = {_toml(option, value)}", ""])


def _toml(option: Option, value: object) -> str:
    """A default or an example, as a file spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) or option.kind in (Kind.FLAG, Kind.COUNT):
        return str(value)
    if option.kind is Kind.WORDS:
        words = [f'"{word}"' for word in str(value).split(",") if word]
        return f"[{', '.join(words)}]"
    return f'"{value}"'


def _in_file(file: Path, error: BadSetting) -> BadConfiguration:
    from condarium.errors import SpecProblem
    from condarium.settings.configuration import line_of

    option = next(each for each in by_key().values() if each.variable == error.name)
    problem = SpecProblem(
        line=line_of(file, option),
        column=1,
        found=f"{option.name} = {MASK if option.secret else error.found!r}",
        expected=error.expected,
    )
    return BadConfiguration(str(file), [problem])
