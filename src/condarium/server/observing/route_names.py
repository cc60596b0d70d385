"""What an address is of, without the names in it: for logs and metrics, which must stay few."""

from condarium.errors import CondariumError
from condarium.model.subdirs import is_subdir
from condarium.server.rest.routes import PREFIX, find_route

_INDEXES = frozenset(
    {"repodata_shards.msgpack.zst", "run_exports.json", "channeldata.json", "notices.json"}
    | {f"{name}{ending}" for name in ("repodata.json", "current_repodata.json")
       for ending in ("", ".zst", ".bz2", ".jlap")}
)  # fmt: skip
_OWN = frozenset(
    {"/", "/healthz", "/readyz", "/metrics", f"{PREFIX}/openapi.json", f"{PREFIX}/webhooks/github"}
)
_FIRST_WORDS = frozenset({"sign-in", "account", "static", "source", "lending"})


def route_of(method: str, path: str) -> str:
    """The template of an address: `/{view}/{subdir}/{package}`; `other` for what nothing is at."""
    if path in _OWN:
        return path
    if path.startswith("/api/"):
        return _of_api(method, path)
    *places, name = path[1:].split("/")
    if (places[:1] and places[0] in _FIRST_WORDS) or (name in _FIRST_WORDS and not places):
        return f"/{places[0] if places else name}"
    if places[1:] == ["shards"]:
        return "/{channel}/shards/{shard}"
    subdir = "/{subdir}" if places and is_subdir(places[-1]) else ""
    if name in _INDEXES:
        return f"/{{view}}{subdir}/{name}"
    if subdir and name.endswith((".conda", ".tar.bz2")):
        return "/{view}/{subdir}/{package}"
    return "/{view}/" if name == "" or is_subdir(name) else "other"


def _of_api(method: str, path: str) -> str:
    if not path.startswith(f"{PREFIX}/"):
        return "/api/channels/{channel}/upload" if "/upload/" in path else "/api/upload"
    if path.endswith("/events"):
        return f"{PREFIX}/jobs/{{job}}/events"
    try:
        operation, _ = find_route("GET" if method == "HEAD" else method, path)
    except CondariumError:
        return "other"
    return f"{PREFIX}{operation.route[1]}" if operation.route else "other"
