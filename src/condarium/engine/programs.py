"""What programs that packages bring see of the environment: nothing that opens a server's doors."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_TOLD = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|NETRC"
    r"|XDG_\w+_HOME|SSL_CERT_(FILE|DIR)|MACOSX_DEPLOYMENT_TARGET|(?i:(https?|all|no)_proxy)"
)
"""All others may have secrets in them: a database's password, a bucket's keys."""


def told(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment a program may know that somebody else chose.

    >>> told({"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "s", "PGPASSWORD": "p", "https_proxy": "x"})
    {'PATH': '/bin', 'https_proxy': 'x'}
    """
    return {name: value for name, value in environ.items() if _TOLD.fullmatch(name)}


@contextmanager
def only_told() -> Iterator[None]:
    """Have this process's own environment be no more than that: what a library starts inherits it.

    No other thread may need the rest meanwhile.
    """
    before = dict(os.environ)
    _replace(told(before))
    try:
        yield
    finally:
        _replace(before)


def _replace(environ: Mapping[str, str]) -> None:
    os.environ.update(environ)
    for name in os.environ.keys() - environ.keys():
        del os.environ[name]
