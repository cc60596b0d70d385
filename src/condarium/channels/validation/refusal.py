"""How a package is refused: which member, which rule, what was found, what was expected."""

from condarium.errors import BadInput

_ALTERED = "Fetch or build the package again: its bytes are not what its maker wrote."
_OWN = "Build it again with rattler-build or conda-build, which write what clients expect."
_RENAME = "Give the file the name that its info/index.json says, or build it again."
_RECIPE = "Correct it in the recipe, and build the package again."
_UNSAFE = "A client that unpacks it could write outside of its folder: do not install it."
_LIMITS = "If it is what you want, raise this limit in the settings."

RULES = {
    # the file's name (CEP 26)
    "file-suffix": "Publish .conda or .tar.bz2 files.",
    "file-name-length": _RECIPE,
    "file-name-parts": _RENAME,
    "package-name": _RECIPE,
    "package-version": _RECIPE,
    "package-build": _RECIPE,
    "file-name-agrees": _RENAME,
    # the archive (CEP 35)
    "zip-readable": _ALTERED,
    "zip-gapless": _OWN,
    "zip-members": _OWN,
    "zip-stored": _OWN,
    "zip-headers-agree": _ALTERED,
    "zip-checksum": _ALTERED,
    "format-version": _OWN,
    "zstd-readable": _ALTERED,
    "zstd-one-frame": "Compress it as one frame: conda reads the first one only.",
    "zstd-window": "Compress it with a window of at most 128 MiB, as levels up to 22 do.",
    "bz2-readable": _ALTERED,
    "bz2-one-stream": "Compress it with bzip2, not pbzip2: rattler reads the first stream only.",
    "tar-readable": _ALTERED,
    "tar-ends": _OWN,
    # its members
    "member-type": "Packages have files, links and folders only; leave this out.",
    "member-twice": _OWN,
    "member-encoding": "Name files in UTF-8.",
    "absolute-path": _UNSAFE,
    "path-leaves-package": _UNSAFE,
    "path-form": _OWN,
    "link-leaves-package": _UNSAFE,
    "link-target-missing": _OWN,
    "member-under-link": _UNSAFE,
    "info-in-pkg": _OWN,
    "other-than-info": _OWN,
    # limits
    "too-many-members": _LIMITS,
    "names-size": _LIMITS,
    "expanded-size": _LIMITS,
    "expansion-ratio": _LIMITS,
    "metadata-size": _LIMITS,
    # metadata (CEP 34)
    "metadata-missing": _OWN,
    "json-readable": _OWN,
    "json-twice": _OWN,
    "json-type": _RECIPE,
    "json-depth": _RECIPE,
    "json-text": _RECIPE,
    "subdir": _RECIPE,
    "version-readable": _RECIPE,
    "dependency-readable": _RECIPE,
    "noarch-agrees": _RECIPE,
    "timestamp-in-future": "Set the clock of the build machine, and build the package again.",
    "index-readable": _RECIPE,
    "entry-point": _RECIPE,
    "paths-version": _OWN,
    "paths-twice": _OWN,
    "paths-type": _OWN,
    "paths-lists-all": _OWN,
    "paths-all-there": _OWN,
    "paths-sha256": _ALTERED,
    "paths-size": _ALTERED,
    "paths-placeholder": _OWN,
}
"""Every rule that a package can break, and what to do then."""


class Fault(Exception):
    """A rule that is broken somewhere in a package, before it is known which file that is."""

    def __init__(self, rule: str, member: str | None, *, found: str, expected: str) -> None:
        self.rule, self.member, self.found, self.expected = rule, member, found, expected
        super().__init__(rule, member, found, expected)


class PackageRefused(BadInput):
    """A package file breaks a rule: `rule` is one of RULES, `member` says where, if anywhere."""

    def __init__(
        self, file_name: str, *, member: str | None, rule: str, found: str, expected: str
    ) -> None:
        self.file_name, self.rule = _shown(file_name), rule
        self.member = _shown(member) if member else None
        self.reason = f"found {_shown(found)}; expected {expected}"
        where = f"{self.file_name}: {self.member}" if self.member else self.file_name
        super().__init__(f"{where}: {self.reason} ({rule})", hint=RULES[rule])


def _shown(text: str) -> str:
    """What can be printed, of names that were made to harm a terminal or a log."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
