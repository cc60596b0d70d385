"""Names that people type, parsed once."""

import re
from dataclasses import dataclass
from typing import Self

from condarium.errors import BadName

DEFAULT_NAMESPACE = "default"
_PART = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.\-]{0,63}")


@dataclass(frozen=True, order=True)
class EnvironmentName:
    """An environment's name, `NAMESPACE/NAME`; a bare `NAME` lies in the namespace `default`.

    >>> str(EnvironmentName.parse("fit"))
    'default/fit'
    """

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadName where a part is empty, longer than 64 characters or has other ones."""
        namespace, slash, name = text.partition("/")
        if not slash:
            namespace, name = DEFAULT_NAMESPACE, namespace
        for part in (namespace, name):
            if not _PART.fullmatch(part):
                raise BadName(
                    f"{text!r} is not the name of an environment",
                    hint="Write NAMESPACE/NAME or NAME; each part is 1 to 64 letters, digits, "
                    "'.', '_' or '-', and does not start with '.' or '-'.",
                )
        return cls(namespace, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def check_namespace(text: str) -> str:
    """Give the namespace back, or raise BadName."""
    if not _PART.fullmatch(text):
        raise BadName(
            f"{text!r} is not the name of a namespace",
            hint="It is 1 to 64 letters, digits, '.', '_' or '-', and does not start with '.'.",
        )
    return text
