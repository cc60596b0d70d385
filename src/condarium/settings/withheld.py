"""What is kept from jobs and from what they start: the secrets of those who run the server."""

from collections.abc import Mapping
from dataclasses import replace

from condarium.settings.options import OPTIONS
from condarium.settings.store import Settings

BUILDS_NOTHING = "CONDARIUM_BUILDS_NOTHING"
"""Set where requests are answered: sources are built in jobs, whose processes are their own."""

_SECRETS = {
    f"{each.variable}{ending}"
    for each in OPTIONS
    if each.secret and each.section != "store"
    for ending in ("", "_FILE")
}
"""A job needs none of them; without the store's own it could not do its work."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without operators' and sign-in's secrets, nor the names of their files."""
    return {name: value for name, value in environ.items() if name not in _SECRETS}


def for_jobs(settings: Settings) -> Settings:
    """The settings that a job's process is told."""
    environ = without_secrets(settings.environ)
    environ.pop(BUILDS_NOTHING, None)
    return replace(settings, environ=environ)


def for_requests(settings: Settings) -> Settings:
    """The settings of what answers requests."""
    return replace(settings, environ={**settings.environ, BUILDS_NOTHING: "1"})
