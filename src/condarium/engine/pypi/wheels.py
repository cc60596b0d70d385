"""Which of several wheels that would all do is the best, as pip and uv choose (PEP 425)."""

import re
from collections.abc import Iterable

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename


def best_wheel(filenames: Iterable[str]) -> str:
    """Give the most specific wheel: its ABI counts first, then how recent its platform is.

    >>> best_wheel(["x-1-py3-none-any.whl", "x-1-cp39-abi3-manylinux_2_17_x86_64.whl"])
    'x-1-cp39-abi3-manylinux_2_17_x86_64.whl'
    """
    return max(filenames, key=lambda name: (_rank(name), name))


def _rank(filename: str) -> tuple[tuple[int, ...], object]:
    try:
        _, _, build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return (-1,), ()
    return max(_tag_rank(tag) for tag in tags), build


def _tag_rank(tag: Tag) -> tuple[int, ...]:
    own = tag.interpreter.startswith("cp")
    abi = 3 if own and tag.abi.startswith("cp") else 2 if own and tag.abi == "abi3" else 1
    if tag.platform == "any":
        return (abi if abi > 1 else 0, *_numbers(tag.interpreter), 0)
    return (abi, *_numbers(tag.interpreter), 1, *_platform(tag.platform))


def _numbers(interpreter: str) -> tuple[int, int]:
    digits = re.sub(r"\D", "", interpreter) or "0"
    return int(digits[0]), int(digits[1:] or 0)


def _platform(platform: str) -> tuple[int, ...]:
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    for name, version in legacy.items():
        if platform.startswith(f"{name}_"):
            return version
    found = re.match(r"(?:manylinux|musllinux|macosx)_(\d+)_(\d+)_", platform)
    return (int(found[1]), int(found[2])) if found else (0, 0)
