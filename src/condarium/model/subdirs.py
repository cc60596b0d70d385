"""The platforms that conda has packages for, by the name of their subdir."""

from difflib import get_close_matches

from condarium.errors import UnknownPlatform

SUBDIRS = (
    "emscripten-wasm32",
    "freebsd-64",
    "linux-32",
    "linux-64",
    "linux-aarch64",
    "linux-armv6l",
    "linux-armv7l",
    "linux-loongarch64",
    "linux-ppc64",
    "linux-ppc64le",
    "linux-riscv32",
    "linux-riscv64",
    "linux-s390x",
    "osx-64",
    "osx-arm64",
    "wasi-wasm32",
    "win-32",
    "win-64",
    "win-arm64",
    "zos-z",
)

# How other tools, and people, call the same machines.
_ALSO_CALLED = {
    "linux": "linux-64",
    "linux-amd64": "linux-64",
    "linux-arm64": "linux-aarch64",
    "linux-x86_64": "linux-64",
    "linux64": "linux-64",
    "mac": "osx-arm64",
    "macos": "osx-arm64",
    "macos-64": "osx-64",
    "macos-arm64": "osx-arm64",
    "macos-x86_64": "osx-64",
    "osx": "osx-arm64",
    "osx-aarch64": "osx-arm64",
    "osx-x86_64": "osx-64",
    "osx64": "osx-64",
    "win": "win-64",
    "win64": "win-64",
    "windows": "win-64",
    "windows-64": "win-64",
}


def is_subdir(text: str) -> bool:
    """Whether a channel has such a folder: `noarch`, or a platform's."""
    return text == "noarch" or text in SUBDIRS


def likely_subdir(text: str) -> str | None:
    """Guess which subdir somebody meant who wrote a name that is none."""
    called = text.strip().lower().replace("_", "-").replace("x86-64", "x86_64")
    if called in SUBDIRS:
        return called
    if called in _ALSO_CALLED:
        return _ALSO_CALLED[called]
    return next(iter(get_close_matches(called, SUBDIRS, n=1, cutoff=0.7)), None)


def parse_subdir(text: str) -> str:
    """Give a subdir's name back. Raises UnknownPlatform, with the one that was probably meant."""
    if text not in SUBDIRS:
        raise UnknownPlatform(text, likely_subdir(text))
    return text
