"""The `pip:` list of an environment.yml: requirements, and the options that lead to them.

A lock holds only what has a hash, so that it gives the same files for ever. What a person keeps in
a folder or a branch changes under its name, and is refused here, with a way out.
"""

import re
import shlex
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement


@dataclass(frozen=True)
class PipEntry:
    """What one item of the list asks for: requirements (PEP 508) or options (`--index-url=URL`)."""

    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class PipProblem:
    """Why an item cannot be used; `expected` and `hint` as in SpecProblem."""

    expected: str
    hint: str


_REQUIREMENT = "a requirement such as 'rich>=13' (PEP 508)"
_URL_OPTIONS = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
}
_PACKAGE_OPTIONS = {"--no-binary", "--only-binary"}
_FLAGS = {"--pre", "--no-index"}
_KNOWN = (
    "--index-url, --extra-index-url, --find-links, --no-index, --pre, --no-binary, --only-binary"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_VCS = re.compile(r"(^|@\s*)(git|hg|svn|bzr)\+", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)(#|$)", re.IGNORECASE)


def read_pip_entry(text: str) -> PipEntry | PipProblem:
    """Read one item, as pip reads a line of a requirements file.

    >>> read_pip_entry("-i https://pypi.example/simple").options
    ('--index-url=https://pypi.example/simple',)
    """
    entry = re.sub(r"(^|\s)#.*$", "", text).strip()
    if not entry:
        return PipProblem(_REQUIREMENT, "Delete the item, or name a package in it.")
    if entry.startswith("-"):
        return _read_options(entry)
    return _refused(entry) or _read_requirement(entry)


def _read_options(entry: str) -> PipEntry | PipProblem:
    try:
        words = shlex.split(entry)
    except ValueError:
        return PipProblem("an option of pip", "Close the quote.")
    options: list[str] = []
    while words:
        option = _read_option(words)
        if isinstance(option, PipProblem):
            return option
        options.append(option)
    return PipEntry(options=tuple(options))


def _read_option(words: list[str]) -> str | PipProblem:
    """Take one option, and its value, from the front of `words`."""
    name, equals, value = words.pop(0).partition("=")
    name, value = _split_short(name, value)
    if name in _FLAGS and not equals:
        return name
    if name not in _URL_OPTIONS and name not in _PACKAGE_OPTIONS:
        return _unusable_option(name)
    if not value:
        if not words or words[0].startswith("-"):
            return PipProblem(f"a value after {name}", f"Write '{name} VALUE' in one item.")
        value = words.pop(0)
    if name in _PACKAGE_OPTIONS:
        return f"{name}={value}"
    if not _URL.match(value):
        return PipProblem(f"a URL after {name}", "Write it out, with https:// at its beginning.")
    return f"{_URL_OPTIONS[name]}={value}"


def _split_short(name: str, value: str) -> tuple[str, str]:
    """`-ihttps://…` is `-i https://…`."""
    if name[:2] in ("-i", "-f", "-r", "-e", "-c") and not name.startswith("--") and len(name) > 2:
        return name[:2], name[2:] + (f"={value}" if value else "")
    return name, value


def _unusable_option(name: str) -> PipProblem:
    if name in ("-r", "--requirement"):
        return PipProblem(
            "the requirements themselves",
            "Copy the lines of that file into this list: a spec stands by itself, so that the "
            "lock made from it can be made again.",
        )
    if name in ("-e", "--editable"):
        return PipProblem(
            "a package that can be locked",
            "A folder that one works in has no hash. Leave it out, list what it needs instead, "
            "and point PYTHONPATH at it under 'variables:'; or publish it as a package.",
        )
    if name in ("-c", "--constraint"):
        return PipProblem(
            "the constraints themselves",
            "Put the versions that it holds into the requirements of this list; the lock then "
            "keeps all others.",
        )
    return PipProblem(
        f"a requirement, or one of the options {_KNOWN}", f"Delete {name}: it is not known here."
    )


def _refused(entry: str) -> PipProblem | None:
    if _VCS.search(entry):
        return PipProblem(
            "a release with a hash",
            "What a repository gives has no hash that a lock could keep. Name a released version, "
            "or build a wheel of that commit and give its https:// address.",
        )
    if " --hash" in entry:
        return PipProblem(
            "a requirement without hashes", "Leave --hash out: the lock keeps the hashes itself."
        )
    if re.search(r"\s--?[a-z]", entry):
        return PipProblem(_REQUIREMENT, "Put options into an item of their own.")
    if _is_local(entry):
        return PipProblem(
            "a package that can be locked",
            "A local file or folder may change, or be missing elsewhere. Publish it on an index "
            "(--extra-index-url) or at an https:// address, and name it from there.",
        )
    if _URL.match(entry):
        return PipProblem("'NAME @ URL'", f"Write the package's name before it: 'NAME @ {entry}'.")
    return None


def _is_local(entry: str) -> bool:
    target = entry.partition("@")[2].strip() if re.match(r"[\w.\-\[\], ]+@", entry) else entry
    if target.lower().startswith("file:"):
        return True
    if _URL.match(target):
        return False
    path = target.partition(";")[0]
    return (
        path.startswith((".", "/", "~"))
        or "/" in path
        or "\\" in path
        or bool(_ARCHIVE.search(path))
    )


def _read_requirement(entry: str) -> PipEntry | PipProblem:
    try:
        requirement = Requirement(entry)
    except InvalidRequirement as error:
        return PipProblem(_REQUIREMENT, _advice(entry, str(error)))
    if requirement.name.lower() in ("python", "pip:python"):
        return PipProblem(
            "a package of PyPI", "Python is a conda package: put it above, beside '- pip:'."
        )
    if requirement.url and not _ARCHIVE.search(requirement.url):
        return PipProblem(
            "the address of a wheel or a source archive",
            "Give the address of the .whl or .tar.gz file itself.",
        )
    return PipEntry(requirements=(entry,))


def _advice(entry: str, error: str) -> str:
    single = re.fullmatch(r"([\w.\-]+(?:\[[^\]]*\])?)\s*=\s*([\w.*+!]+)", entry)
    if single:
        return f"pip compares versions with '==': write '{single[1]}=={single[2]}'."
    if "::" in entry:
        return "A channel is for conda packages: put it above, beside '- pip:'."
    if re.fullmatch(r"[\w.\-]+(\s+[\w.\-]+)+", entry):
        return "Put every requirement into an item of its own; write versions as 'rich==13.7'."
    reason = error.splitlines()[0].rstrip(".:")
    return f"It is no requirement: {reason[:1].lower()}{reason[1:]}."
