"""Why a solve failed, in a form that a person can act on."""

import difflib
import re
from collections.abc import Mapping, Sequence

_MISSING = re.compile(
    r"[Nn]o candidates were found for (?P<direct>[^\s,]+)"
    r"|(?P<leaf>[\w.\-]+)[^\n]*?, for which no candidates were found"
)
_VIRTUAL = {
    "__cuda": "Say which CUDA the target has: --cuda 12.4, or in the environment.yml "
    'system-requirements: {cuda: "12.4"}.',
    "__glibc": "Say which glibc the target has, in the environment.yml: "
    'system-requirements: {glibc: "2.28"}.',
    "__osx": 'Say which macOS the target has: system-requirements: {macos: "13.0"}.',
}


def tidy(explanation: str) -> str:
    """rattler's explanation without its opening words and empty lines."""
    text = re.sub(r"^Cannot solve the request because of:\s*", "", explanation.strip())
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def missing_names(explanation: str) -> tuple[str, ...]:
    """The packages for which the solver found nothing that fits."""
    found = (match["direct"] or match["leaf"] for match in _MISSING.finditer(explanation))
    return tuple(dict.fromkeys(found))


def hint(
    explanation: str,
    *,
    known: Sequence[str],
    versions: Mapping[str, Sequence[str]],
    channels: Sequence[str],
) -> str:
    """What to do about it.

    `known` are all names in the channels, `versions` what the channels have of the missing ones,
    the oldest first.
    """
    advice = []
    for name in missing_names(explanation):
        if name in _VIRTUAL:
            advice.append(_VIRTUAL[name])
        elif versions.get(name):
            advice.append(f"{name} is there in {_some(versions[name])}.")
        elif close := difflib.get_close_matches(name, known, 3, 0.75):
            advice.append(f"There is no {name} in {_list(channels)}; did you mean {_or(close)}?")
        else:
            advice.append(f"There is no {name} in {_list(channels)} for this platform.")
    return " ".join(advice) or "Loosen one of the specs that the explanation names."


def _some(versions: Sequence[str]) -> str:
    if len(versions) <= 5:
        return f"version{'s' if len(versions) > 1 else ''} {', '.join(versions)}"
    return f"{len(versions)} versions from {versions[0]} to {versions[-1]}"


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _list(channels: Sequence[str]) -> str:
    return ", ".join(channels)
