"""Trees of lines: what hangs on what."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from condarium.cli.page import Page, Part, Styled, dim


@dataclass(kw_only=True)
class Branch:
    """A line, and those that hang on it."""

    parts: tuple[Part, ...]
    branches: list["Branch"] = field(default_factory=list)


def show_trees(trunks: Sequence[Branch], page: Page) -> None:
    """Each trunk at the margin; on a terminal, lines that would not fit are cut off."""
    waiting = [(trunk, "", "") for trunk in reversed(trunks)]
    while waiting:
        branch, lead, below = waiting.pop()
        page.line(*fitted([dim(lead), *branch.parts], page.width))
        last = len(branch.branches) - 1
        for index in range(last, -1, -1):
            fork, beside = ("└─ ", "   ") if index == last else ("├─ ", "│  ")
            waiting.append((branch.branches[index], below + fork, below + beside))


def fitted(parts: Iterable[Part], width: int | None) -> Iterator[Part]:
    """The parts up to a width, the last one shortened; all of them where there is no width."""
    left = width
    for part in parts:
        styled = Styled(part, "") if isinstance(part, str) else part
        if left is None or len(styled.text) <= left:
            yield styled
            left = None if left is None else left - len(styled.text)
            continue
        if left > 0:
            yield replace(styled, text=f"{styled.text[: left - 1]}…")
        return
