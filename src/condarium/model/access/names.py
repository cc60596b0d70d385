"""The names of users, service accounts and groups, and which of them are too much alike."""

import re

from condarium.errors import BadName

_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.@+\-]{0,63}")
_RESERVED = frozenset({"anybody", "administrator", "condarium", "schedule"})
"""Who else is said to have done something."""
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l"})


def check_account_name(text: str) -> str:
    """Give the name of a user, a service account or a group back, or raise BadName.

    Only ASCII: a name that reads like another one in another script cannot be had.
    """
    if not _NAME.fullmatch(text):
        raise BadName(
            f"{text!r} is not a name for an account or a group",
            hint="It is 1 to 64 letters (a to z), digits, '.', '_', '-', '+' or '@', and begins "
            "with a letter, a digit or '_'. A user's --display-name may be any text.",
        )
    if text.lower() in _RESERVED:
        raise BadName(f"{text!r} means something already", hint="Give another name.")
    return text


def folded(name: str) -> str:
    """A name as it is compared: no two accounts differ by case, or by 0 and o, or by 1, l and i.

    >>> folded("Ali0") == folded("a1lo")
    True
    """
    return name.lower().translate(_ALIKE)
