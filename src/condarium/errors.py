"""Every error condarium raises on purpose.

    CondariumError
    ├── BadInput                a file, an argument or a setting is not what it must be
    ├── NotFound                a thing that was named does not exist
    ├── Conflict                the state of a thing forbids what was asked
    ├── Refused                 the actor may not do this
    └── Failed                  the work was tried and did not succeed

An error carries its data as attributes, and says what was found, what was expected and what to do
next. `code` is the stable name of its class (`NoSuchEnvironment` → `no-such-environment`).
"""

import re
from typing import ClassVar


class CondariumError(Exception):
    """condarium could not do what was asked."""

    code: ClassVar[str] = "condarium-error"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        """What to do next, as a sentence for a person; None where the message says it all."""
        super().__init__(self.message)


class BadInput(CondariumError):
    """The input is not valid."""


class NotFound(CondariumError):
    """There is no such thing."""


class Conflict(CondariumError):
    """The state of the thing does not allow this."""


class Refused(CondariumError):
    """This is not permitted."""


class Failed(CondariumError):
    """The work failed."""
