"""Every option there is: how it is called in the configuration file and in the environment.

The template, the check of a file, what `config show` says and the reference page come from this
table; a test holds that it names exactly the variables that the code reads.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """What a value may be; in TOML a text, but for COUNT, FLAG and WORDS."""

    TEXT = "text"
    PATH = "path"
    URL = "URL"
    SIZE = "size"
    """Bytes: `500M`, `20G`."""
    DURATION = "duration"
    """`90d`, `12h`, `30m` or `45s`; a number is one of seconds, in TOML too."""
    COUNT = "number"
    FLAG = "true or false"
    WORDS = "list"
    """In TOML an array of texts, in the environment with commas between."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option: `[section] name` in a file, `variable` in the environment.

    `default` is how a file would spell it, None where there is no value by default; `otherwise`
    then says what happens. `in_file` is False for what only makes sense in the environment. Of a
    `secret` the option `<name>_file` says in which file it is.
    """

    section: str
    name: str
    kind: Kind
    help: str
    default: str | int | bool | None = None
    otherwise: str = ""
    example: str = ""
    secret: bool = False
    in_file: bool = True
    called: str | None = None
    """The variable, where it is not CONDARIUM_ and the name."""

    @cached_property
    def variable(self) -> str:
        return self.called or f"CONDARIUM_{self.name.upper()}"

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}"


def _secret(
    section: str, name: str, said: str, *, otherwise: str = "", example: str = ""
) -> tuple[Option, Option]:
    """A secret, and the file that may have it."""
    secret = Option(
        section=section,
        name=name,
        kind=Kind.TEXT,
        help=said,
        otherwise=otherwise,
        example=example,
        secret=True,
    )
    in_file = f"a file that has {name}, and nothing else"
    return secret, Option(section=section, name=f"{name}_file", kind=Kind.PATH, help=in_file)


_STORE = (
    Option(
        section="store",
        name="store",
        kind=Kind.PATH,
        help="the store's folder",
        otherwise="$XDG_DATA_HOME/condarium, else ~/.local/share/condarium",
        example="/srv/condarium",
    ),
    *_secret(
        "store",
        "database",
        "where the facts are: postgresql://USER:PASSWORD@HOST/DATABASE, or sqlite:///FILE",
        otherwise="condarium.db in the store",
        example="postgresql://condarium@db.example.org/condarium",
    ),
    Option(
        section="store",
        name="blobs",
        kind=Kind.TEXT,
        help="where packages, specs, locks and logs are: s3://BUCKET/PREFIX",
        otherwise="blobs/ in the store",
        example="s3://condarium/blobs",
    ),
    Option(
        section="store",
        name="auto_upgrade",
        kind=Kind.FLAG,
        help="whether a database of an earlier release is migrated when it is opened",
        otherwise="yes for SQLite; PostgreSQL waits for `condarium upgrade`",
        example="false",
    ),
)

_SERVER = (
    Option(
        section="server",
        name="public_url",
        kind=Kind.URL,
        help="where people reach the server; set it behind a proxy",
        otherwise="the Host that a browser asks for",
        example="https://conda.example.org",
    ),
    Option(
        section="server",
        name="max_age",
        kind=Kind.DURATION,
        default=0,
        help="for how long clients may take a channel's index for fresh without asking",
    ),
    Option(
        section="server",
        name="upload_limit",
        kind=Kind.SIZE,
        default="20G",
        help="how large an upload may be",
    ),
    Option(
        section="server",
        name="answer_timeout",
        kind=Kind.DURATION,
        default=300,
        help="for how long a request may be worked on before it is answered with 504",
    ),
    *_secret(
        "server",
        "admin_token",
        "an operator's token, of at least 16 characters: whoever has it may do everything",
    ),
    Option(
        section="server",
        name="drain",
        kind=Kind.DURATION,
        default=0,
        help="for how long a server that ends says so at /readyz before it takes no more requests",
    ),
    Option(
        section="server",
        name="trusted_proxies",
        kind=Kind.WORDS,
        help="addresses or networks of proxies whose X-Forwarded-For is believed",
        example="10.0.0.0/8",
    ),
    Option(
        section="server",
        name="allow_private_channels",
        kind=Kind.WORDS,
        help="private hosts, networks and folders that users' channels may lie in; * for all",
        otherwise="a server reaches public addresses only",
        example="conda.corp.example",
    ),
)

_SIGN_IN = (
    Option(
        section="sign_in",
        name="passwords",
        kind=Kind.FLAG,
        default=True,
        help="whether people may sign in with a local password",
    ),
    Option(
        section="sign_in",
        name="session_idle",
        kind=Kind.DURATION,
        default=43200,
        help="after how long without a request a session in a browser ends",
    ),
    Option(
        section="sign_in",
        name="session_age",
        kind=Kind.DURATION,
        default=604800,
        help="after how long a session ends whatever happens",
    ),
    Option(
        section="sign_in",
        name="oidc_issuer",
        kind=Kind.URL,
        help="the OpenID provider's URL",
        otherwise="there is no single sign-on",
        example="https://login.example.org",
    ),
    Option(
        section="sign_in",
        name="oidc_client_id",
        kind=Kind.TEXT,
        help="the id that the provider gave",
        example="condarium",
    ),
    *_secret("sign_in", "oidc_client_secret", "the secret that the provider gave"),
    Option(
        section="sign_in",
        name="oidc_scopes",
        kind=Kind.WORDS,
        default="openid,profile,email",
        help="what is asked of the provider",
    ),
    Option(
        section="sign_in",
        name="oidc_name_claim",
        kind=Kind.TEXT,
        default="preferred_username",
        help="the claim from which a new user's name is taken",
    ),
    Option(
        section="sign_in",
        name="oidc_groups_claim",
        kind=Kind.TEXT,
        default="groups",
        help="the claim that lists a user's groups; empty for none",
    ),
    Option(
        section="sign_in",
        name="oidc_allowed_groups",
        kind=Kind.WORDS,
        help="groups whose members may sign in",
        otherwise="everybody whom the provider knows",
        example="data-science",
    ),
    Option(
        section="sign_in",
        name="oidc_admin_groups",
        kind=Kind.WORDS,
        help="groups with a role on the platform into which the provider may put people",
        otherwise="it puts nobody into such a group",
        example="condarium-admins",
    ),
)

_WORKER = (
    Option(
        section="worker",
        name="serve_worker",
        kind=Kind.FLAG,
        default=True,
        help="whether a server carries out jobs itself, or leaves them to `condarium worker`",
    ),
    Option(
        section="worker",
        name="worker_queues",
        kind=Kind.WORDS,
        default="default",
        help="the queues whose jobs a worker takes",
    ),
    Option(
        section="worker",
        name="worker_slots",
        kind=Kind.COUNT,
        help="how many jobs a worker carries out at once",
        otherwise="as many as the machine has cores",
        example="4",
    ),
    Option(
        section="worker",
        name="worker_heartbeat",
        kind=Kind.DURATION,
        default="5s",
        help="how often a worker says that it lives",
    ),
    Option(
        section="worker",
        name="worker_silence",
        kind=Kind.DURATION,
        default="30s",
        help="after how long without a word others take over a worker's jobs",
    ),
    Option(
        section="worker",
        name="worker_grace",
        kind=Kind.DURATION,
        default="20s",
        help="how long the jobs of a worker that is stopped may go on before they are handed back",
    ),
    Option(
        section="worker",
        name="job_time",
        kind=Kind.DURATION,
        default="2h",
        help="how long a job may run",
    ),
    Option(
        section="worker",
        name="job_memory",
        kind=Kind.SIZE,
        default="16G",
        help="how much memory all processes of a job may have",
    ),
    Option(
        section="worker",
        name="job_attempts",
        kind=Kind.COUNT,
        default=3,
        help="how often a job is begun at most",
    ),
    Option(
        section="worker",
        name="job_retention",
        kind=Kind.DURATION,
        default="90d",
        help="how long a job and its log are kept once it ended",
    ),
    Option(
        section="worker",
        name="link_scripts",
        kind=Kind.FLAG,
        default=False,
        help="whether who builds through a server may have packages' link scripts run",
    ),
    Option(
        section="worker",
        name="jobs_waiting",
        kind=Kind.COUNT,
        default=200,
        help="how many jobs of one account, and as many in one namespace or channel, may wait",
    ),
    Option(
        section="worker",
        name="documents_waiting",
        kind=Kind.SIZE,
        default="64M",
        help="how many bytes of files the waiting jobs of one account may have brought",
    ),
    Option(
        section="worker",
        name="schedules",
        kind=Kind.FLAG,
        default=True,
        help="whether a new store gets schedules that keep it tidy",
    ),
)

_CLIENT = (
    Option(
        section="client",
        name="server",
        kind=Kind.URL,
        in_file=False,
        help="the server that commands and Python work with",
        otherwise="the store on this machine, or the server of a saved login",
        example="https://conda.example.org",
    ),
    Option(
        section="client",
        name="token",
        kind=Kind.TEXT,
        in_file=False,
        secret=True,
        help="the token for that server",
        otherwise="that of the saved login",
    ),
    Option(
        section="client",
        name="token_file",
        kind=Kind.PATH,
        in_file=False,
        help="a file that has token, and nothing else",
    ),
    Option(
        section="client",
        name="plain_http",
        kind=Kind.TEXT,
        in_file=False,
        help="1: tokens may be sent over http:// to other machines",
    ),
)

_GITHUB = (
    Option(
        section="github",
        name="github_api",
        kind=Kind.URL,
        default="https://api.github.com",
        help="where GitHub's API is; of GitHub Enterprise Server https://HOST/api/v3",
    ),
    *_secret(
        "github",
        "github_token",
        "a token that may read repositories: names become ids by it, and people roles",
        otherwise="the API is not asked",
    ),
    *_secret(
        "github",
        "github_webhook_secret",
        "the secret of the webhook at GitHub; while it is changed both, with a comma between",
        otherwise="webhooks are not taken",
    ),
)

_TELEMETRY = (
    *_secret(
        "telemetry",
        "metrics_token",
        "a token for /metrics alone; whoever may inspect the store may read it too",
    ),
    Option(
        section="telemetry",
        name="log_format",
        kind=Kind.TEXT,
        default="text",
        help="text for people, or json: an object a line",
    ),
    Option(
        section="telemetry",
        name="log_level",
        kind=Kind.TEXT,
        default="warning",
        help="debug, info (each request), warning or error",
    ),
    Option(
        section="telemetry",
        name="traces",
        kind=Kind.TEXT,
        called="OTEL_EXPORTER_OTLP_ENDPOINT",
        help="where OpenTelemetry traces go; it needs the extra `telemetry`",
        otherwise="there are none",
        example="http://collector.example.org:4318",
    ),
)

_ENVIRONMENT = (
    Option(
        section="environment",
        name="config",
        kind=Kind.PATH,
        in_file=False,
        help="the configuration file",
        otherwise="condarium.toml in the store, else /etc/condarium/condarium.toml",
    ),
    Option(
        section="environment",
        name="debug",
        kind=Kind.TEXT,
        in_file=False,
        help="any value: print the traceback of an error",
    ),
)

OPTIONS: tuple[Option, ...] = (
    *_STORE,
    *_SERVER,
    *_SIGN_IN,
    *_WORKER,
    *_CLIENT,
    *_GITHUB,
    *_TELEMETRY,
    *_ENVIRONMENT,
)

SECTIONS = {
    "store": "Where things are.",
    "server": "`condarium serve`.",
    "sign_in": "Who may sign in, and how.",
    "github": "Repositories at GitHub that borrow machines.",
    "telemetry": "What servers and workers tell those who watch them.",
    "worker": "Jobs, and who carries them out.",
}
"""The sections of a file, in their order."""


def by_key() -> dict[tuple[str, str], Option]:
    """The options of a file, by section and name."""
    return {(each.section, each.name): each for each in OPTIONS if each.in_file}
