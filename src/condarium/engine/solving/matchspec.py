"""What a MatchSpec may be, as rattler reads it, and what people write instead.

rattler's lenient parser accepts some texts with a meaning that nobody had in mind: in
`numpy >=1.2 <2` it takes `<2` for a build string. Such texts are refused here, too.
"""

import re

from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

_NAME = r"[A-Za-z0-9_][\w.\-]*"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_FILE = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.(conda|tar\.bz2)$")


def matchspec_problem(text: str) -> str | None:
    """Say what is wrong with a MatchSpec, as advice to its author; None where nothing is.

    >>> matchspec_problem("numpy >=1.26,<2") is None
    True
    >>> matchspec_problem("numpy==>1.2")
    "'==>' is no comparison: write 'numpy>1.2'."
    """
    bare = re.sub(r"(^|\s)#.*$", "", text).strip()
    problem = _not_meant(bare)
    if problem is not None:
        return problem
    try:
        spec = MatchSpec(bare, strict=False)
    except InvalidMatchSpecError as error:
        return _mistake(bare) or _reason(error)
    return _misread(bare, spec)


def _not_meant(text: str) -> str | None:
    """What a parser may accept or stumble over, but its author meant for another place."""
    if "{{" in text or "{%" in text:
        return "Jinja is not filled in here: write the name and the version out."
    if re.match(r"(pip|conda|mamba|pixi|uv)3? +(install|add)\b", text):
        return "That is a command: write only what it installs."
    if text.startswith("-"):
        return "That is an option of pip: put it into the list under '- pip:', or delete it."
    if re.match(r"pip\s*:", text):
        return "Write '- pip:' with a space or a new line after the colon, and a list below."
    if re.search(r"\b(git|hg|svn|bzr)\+", text) or text.endswith(".git"):
        return "A repository is no conda package: name a released version of the package."
    if ";" in text and "[" not in text:
        return "Markers after ';' are for pip: every dependency here is for every platform."
    return _not_a_name(text)


def _not_a_name(text: str) -> str | None:
    local = text.startswith((".", "/", "~", "\\", "file:")) or re.match(r"[A-Za-z]:[/\\]", text)
    if local and "::" not in text:
        return "A local file or folder cannot be locked: publish the package in a channel."
    if (file := _FILE.match(text)) and "[" not in text:
        return _of_file(file)
    if re.search(r"\[[^\]]*\burl\s*=", text):
        return "Files are not asked for by address: write the channel, version and build instead."
    if re.fullmatch(r"[\d.]+\*?", text):
        return f"That is a version: write the package's name before it, 'python ={text}'."
    if text.startswith("::"):
        return f"Write a channel before '::', or only '{text[2:]}'."
    if text.endswith("::"):
        return "Write the package's name after '::'."
    return None


def _of_file(file: re.Match[str]) -> str:
    """A package's file is asked for by what its name says, so that a channel can vouch for it."""
    folder, _, name = file["name"].rpartition("/")
    channel = re.sub(r"/[^/]+$", "", folder) if _URL.match(folder) else ""
    exact = f"{name}=={file['version']}={file['build']}"
    if channel:
        return f"Files are not asked for by address: write '{channel}::{exact}'."
    return f"A file's name is no MatchSpec: write '{exact}'."


def _mistake(text: str) -> str | None:
    """The usual mistakes among the texts that rattler refuses."""
    if "@" in text and (_URL.search(text) or "file:" in text):
        return "Packages at an address belong into the list under '- pip:'."
    if _URL.match(text) and "::" not in text:
        return "An address is no conda package: write 'CHANNEL::PACKAGE'."
    if extras := re.match(rf"({_NAME})\[([\w.\-, ]+)\](.*)$", text):
        return _extras(extras)
    if "(" in text:
        return "Write the version without brackets."
    return _bad_operator(text) or _bad_name(text)


def _extras(match: re.Match[str]) -> str:
    name, extra, rest = match.groups()
    return (
        f"Conda packages have no extras such as [{extra}]: write '{name}{rest}' and add what the "
        f"extra stands for, or put '{name}[{extra}]{rest}' into the list under '- pip:'."
    )


def _bad_operator(text: str) -> str | None:
    name = re.match(_NAME, text.rpartition("::")[2])
    package = name[0] if name else "numpy"
    found = re.search(r"[=<>!~^]+", text)
    operator = found[0] if found else ""
    if "^" in operator:
        return f"'^' is not for conda: write a range, '{package} >=1.2,<2'."
    if "===" in operator:
        return f"Write '==' for exactly one version: '{text.replace('===', '==')}'."
    if operator in ("=>", "=<"):
        return f"Write it the other way round: '{text.replace(operator, operator[::-1])}'."
    if found and (len(operator) > 2 or operator in ("<>", "><")):
        bare = "!=" if operator == "<>" else operator.strip("=")
        if bare not in ("<", ">", "!=") or not text[found.end() :].strip():
            return f"'{operator}' is no comparison: write one, such as '{package} >=1.2'."
        return f"'{operator}' is no comparison: write '{text.replace(operator, bare)}'."
    if found and not text[found.end() :].strip():
        return f"A version is missing after '{operator}'."
    if re.search(r"[,|=<>]\s*$", text):
        return f"Something is missing after '{text.rstrip()[-1]}'."
    return None


def _bad_name(text: str) -> str | None:
    if re.fullmatch(rf"{_NAME}(\s*,\s*{_NAME})+", text):
        return "Write every package as an item of its own."
    if "*" in text.split(" ")[0].partition("=")[0]:
        return "A package's name is given in full, without '*'."
    if "/" in text and "::" not in text and re.fullmatch(rf"{_NAME}/{_NAME}.*", text):
        return f"A channel is divided from a package by '::', as in '{text.replace('/', '::', 1)}'."
    if "'" in text or '"' in text:
        return "Remove the quotes around or within it."
    return None


def _misread(text: str, spec: MatchSpec) -> str | None:
    """What rattler accepts, with another meaning than the one that its author had."""
    if spec.namespace:
        return f"A channel is divided from a package by two colons: '{text.replace(':', '::', 1)}'."
    build = str(spec.build or "")
    if re.search(r"\bor\b|\band\b", build):
        return "Write ',' for 'and', and '|' for 'or', between versions: 'numpy >=1.2,<2'."
    if re.search(r"[<>=!~]", build):
        if bad := _bad_operator(text):
            return bad
        return f"Put a comma between two conditions on the version: '{_with_comma(text)}'."
    if " " in build:
        return "At most a version and a build string follow a name."
    return _misread_version(text, str(spec.version or ""))


def _misread_version(text: str, version: str) -> str | None:
    words = text.split()
    if len(words) == 2 and re.fullmatch(r"[A-Za-z][A-Za-z_\-]*", words[1]):
        return (
            "Write every package as an item of its own; if it is a version, write "
            f"'{words[0]} =={words[1]}'."
        )
    if version.rstrip(".*").lstrip("=") == "latest":
        return "Leave 'latest' out: the newest version that fits is taken anyway."
    return None


def _with_comma(text: str) -> str:
    name = re.match(rf"([^\s<>=!~]*::)?{_NAME}", text)
    conditions = re.findall(r"[<>=!~]+\s*[^\s<>=!~,]+", text)
    return f"{name[0] if name else ''} {','.join(conditions)}"


def _reason(error: InvalidMatchSpecError) -> str:
    first = str(error).splitlines()[0].rstrip(".")
    if first.startswith("invalid package name"):
        return "A package's name has only letters, digits, '-', '_' and '.'."
    return f"It cannot be read: {first}."
