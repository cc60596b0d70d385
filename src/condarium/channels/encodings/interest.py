"""Which views of the present somebody asks for, so that only those are kept up in the background.

Anybody can ask for as many views as there are cooldowns; those of labels are as many as publishers
have made. So a few of the former are remembered, more of the latter, and none drives out another
kind. What is forgotten is made when it is asked for again.
"""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from condarium.model.view import MAIN, View

_PLAIN = 512
_COOLED = 64
"""How many sets of files of views, without and with a cooldown, are remembered."""

Wanted = tuple[View, str]
"""A view and a subdir, empty for the files of the view as a whole."""


class Interest:
    """The sets of files that were asked for last; may be used by several threads at once."""

    def __init__(self, *, plain: int = _PLAIN, cooled: int = _COOLED) -> None:
        self._lock = Lock()
        self._room = {False: plain, True: cooled}
        self._asked: dict[bool, OrderedDict[Wanted, None]] = {
            False: OrderedDict(),
            True: OrderedDict(),
        }
        self.changes = 0
        """How often it began to be in another set of files."""

    def note(self, wanted: Wanted) -> None:
        """Say that somebody asked for a set just now."""
        cooled = wanted[0].cooldown is not None
        with self._lock:
            asked = self._asked[cooled]
            self.changes += wanted not in asked
            asked[wanted] = None
            asked.move_to_end(wanted)
            while len(asked) > self._room[cooled]:
                asked.popitem(last=False)

    def __contains__(self, wanted: Wanted) -> bool:
        with self._lock:
            return wanted in self._asked[wanted[0].cooldown is not None]

    def all(self) -> set[Wanted]:
        with self._lock:
            return {wanted for asked in self._asked.values() for wanted in asked}


def by_importance(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Label `main` first, then other labels, then cooldowns."""

    def key(each: Wanted) -> tuple[bool, bool, str, str]:
        view, subdir = each
        return view.cooldown is not None, view.label != MAIN, str(view), subdir

    return sorted(wanted, key=key)
