"""The reference page of all settings, made from the table of options.

`python -m condarium.cli.settings_reference FILE` writes it.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from condarium.settings.options import OPTIONS, SECTIONS, Option

_INTRODUCTION = """\
# Settings

<!-- Generated from the options by `make docs`; changes here are lost. -->

How channels are reached is in the [.condarc](condarc.md), what an environment holds in its
[environment.yml](environment-yml.md). Everything else is set in the environment or in one TOML file
([how to](../how-to/configure.md)): the one that `CONDARIUM_CONFIG` names, else `condarium.toml` in
the store's folder, else `/etc/condarium/condarium.toml`. An option of the command line wins over a
variable, a variable over the file. Settings are read once, when a command or a `Client` starts.

In the file, a list is an array of texts, and in a variable it has commas between. A size is `500M`
or `20G`, a duration `90d`, `12h`, `30m` or `45s`; in a variable, a flag is `1` or `0`.
"""
_BESIDE = {
    "store": """\
`--store` names the store's folder, too. PostgreSQL needs its driver (`pip install
'condarium[postgresql]'`), and `s3://` the usual `AWS_*` variables: `AWS_REGION`,
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`. Packages and prefixes are in the
store's folder in any case.
""",
    "server": """\
The server speaks HTTP. Put a proxy that speaks TLS in front of it before it leaves the machine.
Clients send a token as a Bearer token, as the password or the user of HTTP Basic, as `X-API-Key`,
or as `/t/TOKEN` in front of a path; public channels are read without looking at it. A private
channel answers without a token as if it were not there.
""",
}
_TITLES = {
    **SECTIONS,
    "client": "What commands and Python work with: variables only.",
    "environment": "Variables that no file has.",
}
_END = """\
`NO_COLOR` or `--no-color` leaves out colours.

## The network

These concern the network, and are honoured as usual: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`;
`SSL_CERT_FILE`, `SSL_CERT_DIR`; for PyPI those of uv's variables that say how to reach an index
([the lock](lock.md#packages-under-pip)); for conda channels `CONDA_*` ([.condarc](condarc.md)).

Two are for those who work on condarium: `CONDARIUM_TEST_CACHE` says where the tests keep packages
that they made, and `CONDARIUM_DATA` where real data for some of them is.

## The store

| | |
| --- | --- |
| `condarium.db` | the facts |
| `condarium.toml` | the configuration, if there is any |
| `blobs/` | packages, specs, locks and logs, by SHA-256 |
| `envs/NAMESPACE/NAME` | a link to the active prefix |
| `prefixes/ID` | what locks look like on disk |
| `packages/` · `pypi/` · `bytecode/` · `records/` | files that prefixes link to |
| `repodata/` | cached indexes of channels |
| `incoming/` | what is being uploaded or fetched |
| `locks/` | files that are locked while something works |
| `quickstart/` | the channel and the file that `condarium quickstart` made |

[Stored formats](formats.md) describes what is in them; `condarium backup` takes what cannot be made
again ([how to](../how-to/back-up-and-restore.md)).
"""


def settings_page() -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION]
    for section in dict.fromkeys(option.section for option in OPTIONS):
        options = [option for option in OPTIONS if option.section == section]
        title = section.replace("_", " ").capitalize()
        parts.append(f"## {title}\n\n{_TITLES[section]}\n\n{_table(options)}")
        parts += [_BESIDE[section]] if section in _BESIDE else []
    return "\n".join([*parts, _END])


def _table(options: Iterable[Option]) -> str:
    lines = ["| in the file | variable | meaning | by default |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *map(_row, options)]) + "\n"


def _row(option: Option) -> str:
    name = f"`{option.name}`" if option.in_file else ""
    secret = " (secret)" if option.secret else ""
    default = option.otherwise if option.default is None else f"`{_spelled(option.default)}`"
    cells = (name, f"`{option.variable}`", f"{option.help} ({option.kind}){secret}", default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _spelled(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(settings_page())
