"""Names that are like one that is not there."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> list[str]:
    """Up to three names that are like this one, or have it in them.

    >>> nearest("nunpy", ["numpy", "pandas"])
    ['numpy']
    """
    wanted = name.lower()
    close = get_close_matches(wanted, list(known), 3, 0.75)
    within = sorted((each for each in known if len(wanted) > 2 and wanted in each), key=len)
    return list(dict.fromkeys([*close, *within]))[:3]
