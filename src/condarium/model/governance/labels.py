"""Labels that jobs ask for machines by, and those that only look like them."""

import unicodedata

from condarium.model.access.names import folded

_LATIN = str.maketrans(
    "авекмнорстухіјѕԁɡһոαβγεηικνορτυχωı",
    "abekmhopctyxijsdghnabyenikvoptuxwi",
)
"""Small letters of other scripts, and what one takes them for."""


def look(label: str) -> str:
    r"""What a label looks like: equal for those that one could take for each other.

    >>> look("gpu-\N{CYRILLIC SMALL LETTER A}100") == look("gpu-a100")
    True
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", label).casefold())
    kept = (_sign(sign) for sign in apart)
    return folded("".join(kept).translate(_LATIN))


def _sign(sign: str) -> str:
    """A dash for each kind of dash; nothing for what cannot be seen, or stands above another."""
    category = unicodedata.category(sign)
    if category == "Pd" or sign == "\N{MINUS SIGN}":
        return "-"
    return "" if category in ("Cf", "Mn", "Cc") else sign
