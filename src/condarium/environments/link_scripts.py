"""Whether packages' link scripts may be run: through a server only where its operator says so."""

from collections.abc import Mapping

from condarium.errors import Refused
from condarium.settings.reach import runs_link_scripts


class LinkScriptsOff(Refused):
    """This server runs no link scripts."""

    def __init__(self) -> None:
        super().__init__(
            "packages' link scripts are not run by this server: they are arbitrary programs",
            hint="Build without --link-scripts, or have CONDARIUM_LINK_SCRIPTS set there.",
        )


def check_link_scripts(environ: Mapping[str, str]) -> None:
    """Raises LinkScriptsOff, BadSetting."""
    if not runs_link_scripts(environ):
        raise LinkScriptsOff
