"""What a failed solve says: in few lines what stood in the way, and what to do about it."""

import pytest

from condarium.engine.solving.explanation import Asked, Known, hint, missing_names, tidy

HEAD = "Cannot solve the request because of: "
NONE = ", for which no candidates were found."
VIABLE = " cannot be installed because there are no viable options:"
WHICH = ", which cannot be installed because there are no viable options:"
ANY = " can be installed with any of the following options:"
ABOVE = ", which conflicts with the versions reported above."
TOGETHER = "The following packages are incompatible\n"
CHANNEL = "https://conda.example/lab"


def asked(*specs: tuple[str, str], platform: str = "linux-64", **machine: str) -> Asked:
    by_name: dict[str, list[str]] = {}
    for name, text in specs:
        by_name.setdefault(name, []).append(text)
    has = {f"__{name}": value for name, value in machine.items()}
    return Asked(platform=platform, specs=by_name, machine=has, channels=[CHANNEL])


UNKNOWN = f"{HEAD}No candidates were found for numppy *.\n"
TOO_NEW = f"{HEAD}No candidates were found for r-dplyr 99.*.\n"
PYTHON = f"""{HEAD}zarr >=3{VIABLE}
├─ zarr 3.2.0 | 3.2.1 | 3.3.0 would require
│  └─ python >=3.12{NONE}
└─ zarr 3.0.8 | 3.0.10 | ... | 3.1.6 would require
   └─ python >=3.11{NONE}
"""
DEEP = f"""{HEAD}book *{VIABLE}
└─ book 1.0 would require
   └─ page 7.*{WHICH}
      └─ page 7.0 would require
         └─ ink >=2{NONE}
"""
CUDA = f"{HEAD}net *{VIABLE}\n└─ net 2.1 would require\n   └─ __cuda >=12.1{NONE}\n"
GLIBC = f"{HEAD}new *{VIABLE}\n└─ new 1.0 would require\n   └─ __glibc >=2.34,<3{NONE}\n"
ARCH = f"{HEAD}fast *{VIABLE}\n└─ fast 1 would require\n   └─ __archspec ==1 x86_64_v4{NONE}\n"
MAC = f"{HEAD}appnope *{VIABLE}\n└─ appnope 1 would require\n   └─ __osx *{NONE}\n"
TWICE = f"""{HEAD}{TOGETHER}├─ numpy 2.0.*{VIABLE}
│  ├─ numpy 2.0.2{ABOVE}
│  ├─ numpy 2.0.2{ABOVE}
│  └─ numpy 2.0.1{ABOVE}
└─ numpy 1.26.*{VIABLE}
   └─ numpy 1.26.4{ABOVE}
"""
EXCLUDING = f"""{HEAD}{TOGETHER}├─ y *{ANY}
│  └─ y 1
└─ x *{VIABLE}
   └─ x 1 would constrain
      └─ y >=2, which conflicts with any installable versions previously reported
"""
HIDDEN = f"""{HEAD}{TOGETHER}└─ tool >=2{VIABLE}
   └─ tool 2.0 | 3.0 is excluded because due to strict channel priority not using this option from: '{CHANNEL}/'
"""  # noqa: E501
PINNED = (
    f"{HEAD}{TOGETHER}└─ lib *{ANY}\n   └─ lib 1.0\n└─ the constraint lib 2.* cannot be fulfilled"
)
NOT_THERE = f"""{HEAD}{TOGETHER}└─ lib [channel="{CHANNEL}/"]{VIABLE}
   └─ lib 1.0 | 2.0 is excluded because candidate not in requested channel: 'lab'
"""
MIXED = f"""{HEAD}map *{VIABLE}
├─ map 3.4 would require
│  └─ __osx >=11{NONE}
└─ map 3.3 would require
   └─ numpy <2{NONE}
"""


@pytest.mark.parametrize(
    ("text", "question", "known", "advice"),
    [
        (
            UNKNOWN,
            asked(("numppy", "numppy")),
            Known(names=["numpy", "python"]),
            f"There is no numppy in {CHANNEL}; did you mean numpy?",
        ),
        (
            UNKNOWN,
            asked(("numppy", "numppy")),
            Known(names=["zlib"]),
            f"There is no numppy in {CHANNEL} for linux-64: check the name, and add the channel "
            "that has it.",
        ),
        (
            UNKNOWN,
            asked(("numppy", "numppy")),
            Known(names=["numpy"], elsewhere={"numppy": ["osx-64", "win-64"]}),
            "numppy is there for osx-64 and win-64, and not for linux-64.",
        ),
        (
            TOO_NEW,
            asked(("r-dplyr", "r-dplyr=99")),
            Known(versions={"r-dplyr": ["1.0", "1.1"]}),
            "r-dplyr is there in versions 1.0, 1.1.",
        ),
        (
            TOO_NEW,
            asked(("r-dplyr", "r-dplyr=99")),
            Known(versions={"r-dplyr": [f"1.{n}" for n in range(9)]}),
            "r-dplyr is there in 9 versions from 1.0 to 1.8.",
        ),
        (
            PYTHON,
            asked(("zarr", "zarr>=3"), ("python", "python=3.8")),
            Known(versions={"python": ["3.8", "3.12"]}),
            "zarr>=3 does not go with python=3.8: loosen one of them.",
        ),
        (
            DEEP,
            asked(("book", "book")),
            Known(versions={"ink": ["1.0"]}),
            "ink is there in version 1.0.",
        ),
        (
            CUDA,
            asked(("net", "net")),
            Known(),
            "If the machines have it, say so with --cuda 12.1, or in the environment.yml: "
            'system-requirements: {cuda: "12.1"}.',
        ),
        (
            GLIBC,
            asked(("new", "new"), glibc="2.28"),
            Known(),
            "If the machines have it, say so in the environment.yml: "
            'system-requirements: {glibc: "2.34"}.',
        ),
        (
            ARCH,
            asked(("fast", "fast"), archspec="x86_64_v3"),
            Known(),
            "If the machines have it, say so in the environment.yml: "
            "system-requirements: {archspec: x86_64_v4}.",
        ),
        (MAC, asked(("appnope", "appnope")), Known(), "appnope is for macOS, not linux-64."),
        (
            TWICE,
            asked(("numpy", "numpy=1.26"), ("numpy", "numpy=2.0")),
            Known(),
            "numpy is asked for twice: numpy=1.26 and numpy=2.0. Leave one of them.",
        ),
        (
            EXCLUDING,
            asked(("x", "x"), ("y", "y=1")),
            Known(),
            "y=1 and x exclude each other: loosen one.",
        ),
        (
            HIDDEN,
            asked(("tool", "tool>=2")),
            Known(),
            f"A channel before {CHANNEL} has tool too, and hides what comes after it: put the "
            f"other channel first, or write '{CHANNEL}::tool'.",
        ),
        (PINNED, asked(("lib", "lib")), Known(), "lib 2.* is a pinned package of the .condarc."),
        (NOT_THERE, asked(("lib", "lab::lib")), Known(), f"{CHANNEL} has no lib that fits."),
        (
            MIXED,
            asked(("map", "map"), ("numpy", "numpy=2")),
            Known(),
            "map does not go with numpy=2: loosen one of them.",
        ),
        (
            "something that rattler never said before",
            asked(("a", "a")),
            Known(),
            "Ask for another version of what the explanation names, or for none.",
        ),
    ],
)
def test_the_hint_says_what_to_do(text: str, question: Asked, known: Known, advice: str) -> None:
    assert hint(text, question, known) == advice


@pytest.mark.parametrize(
    ("text", "question", "lines"),
    [
        (UNKNOWN, asked(), ["There is no numppy."]),
        (TOO_NEW, asked(), ["There is no r-dplyr 99.*."]),
        (
            PYTHON,
            asked(("zarr", "zarr>=3"), ("python", "python=3.8")),
            [
                "zarr >=3 cannot be installed:",
                "├─ zarr 3.2.0 | 3.2.1 | 3.3.0 needs python >=3.12",
                "└─ zarr 3.0.8 | 3.0.10 | ... | 3.1.6 needs python >=3.11",
            ],
        ),
        (
            DEEP,
            asked(("book", "book")),
            [
                "book cannot be installed:",
                "└─ book 1.0 needs page 7.*, which cannot be installed:",
                "   └─ page 7.0 needs ink >=2, which is in no channel",
            ],
        ),
        (
            CUDA,
            asked(),
            [
                "net cannot be installed:",
                "└─ net 2.1 needs __cuda >=12.1, which linux-64 does not have",
            ],
        ),
        (
            GLIBC,
            asked(glibc="2.28"),
            [
                "new cannot be installed:",
                "└─ new 1.0 needs __glibc >=2.34,<3, and linux-64 has 2.28",
            ],
        ),
        (
            TWICE,
            asked(),
            [
                "These do not go together:",
                "├─ numpy 2.0.* cannot be installed:",
                "│  └─ numpy 2.0.2 | 2.0.1, which conflicts with the others",
                "└─ numpy 1.26.* cannot be installed:",
                "   └─ numpy 1.26.4, which conflicts with the others",
            ],
        ),
        (
            EXCLUDING,
            asked(),
            [
                "These do not go together:",
                "├─ y can be 1",
                "└─ x cannot be installed:",
                "   └─ x 1 allows only y >=2, which conflicts with the others",
            ],
        ),
        (
            HIDDEN,
            asked(),
            [
                "These do not go together:",
                "└─ tool >=2 cannot be installed:",
                f"   └─ tool 2.0 | 3.0 is hidden in {CHANNEL}",
            ],
        ),
        (
            PINNED,
            asked(),
            ["These do not go together:", "├─ lib can be 1.0", "└─ the pin lib 2.* must hold"],
        ),
        (
            NOT_THERE,
            asked(),
            [
                "These do not go together:",
                f"└─ {CHANNEL}::lib cannot be installed:",
                "   └─ lib 1.0 | 2.0 is in other channels only",
            ],
        ),
        ("of a new kind\n└─ in a new place", asked(), ["of a new kind", "└─ in a new place"]),
    ],
)
def test_the_explanation_is_told_in_few_lines(text: str, question: Asked, lines: list[str]) -> None:
    assert tidy(text, question).splitlines() == lines


def test_the_packages_of_which_nothing_fits_are_found() -> None:
    assert missing_names(UNKNOWN) == ("numppy",)
    assert missing_names(PYTHON) == ("python",)
    assert missing_names(MIXED) == ("__osx", "numpy")
    assert missing_names(EXCLUDING) == ()


def _branches(indent: str, depth: int) -> list[str]:
    if depth == 0:
        return [f"{indent}└─ end {depth}{NONE}"]
    lines = []
    for number in range(4):
        last = number == 3
        lines.append(f"{indent}{'└─ ' if last else '├─ '}step{number} {depth}.0 would require")
        lines += _branches(indent + ("   " if last else "│  "), depth - 1)
    return lines


def test_a_long_explanation_is_cut_where_its_branches_end() -> None:
    text = "\n".join([f"{HEAD}top *{VIABLE}", *_branches("", 5)])
    lines = tidy(text, asked(("top", "top"))).splitlines()
    assert len(text.splitlines()) > 1000
    assert len(lines) <= 40
    assert lines[0] == "top cannot be installed:"
    assert any(line.endswith("needs …") for line in lines)


def test_of_many_like_branches_some_are_told_and_the_others_counted() -> None:
    branches = "".join(f"├─ a {n}.0 would require\n│  └─ b{n} *{NONE}\n" for n in range(30))
    lines = tidy(f"{HEAD}a *{VIABLE}\n{branches}", asked()).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "└─ and 22 more like these"
