"""Real clients against the live server: what they see, install, and build against."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rattler import (
    Gateway,
    RepoDataRecord,
    SourceConfig,
    Subdir,
    install,
    solve,
)
from rattler.networking import Client
from rattler_build import Stage0Recipe, upload_package_to_quetz
from tests.support.channel import Made
from tests.support.hosting import change, create, fact, host, hosted_store
from tests.support.serving import Server, serve

from condarium.storage.store import Store

INDEXES = {
    "shards": SourceConfig(sharded_enabled=True, zstd_enabled=False, bz2_enabled=False),
    "zst": SourceConfig(sharded_enabled=False, zstd_enabled=True, bz2_enabled=False),
    "json": SourceConfig(sharded_enabled=False, zstd_enabled=False, bz2_enabled=False),
}
by_index = pytest.mark.parametrize("index", INDEXES)


@dataclass
class Lab:
    store: Store
    server: Server
    folder: Path

    def gateway(self, index: str, cache: str) -> Gateway:
        """A gateway as a new process would have it, on a cache that may have been used before."""
        return Gateway(
            cache_dir=self.folder / cache,
            default_config=INDEXES[index],
            client=Client.default_client(),
        )

    def sees(self, view: str, *names: str, index: str = "shards", cache: str) -> set[str]:
        """The files of some packages that a client finds in a view; `view` may have a token."""

        async def ask() -> set[str]:
            found = await self.gateway(index, cache).query(
                [f"{self.server.url}/{view}"], ["noarch", "linux-64"], list(names), recursive=False
            )
            return {record.file_name for records in found for record in records}

        return asyncio.run(ask())

    def install(self, view: str, spec: str, prefix: str) -> Path:
        """Solve and install from a view, and give the prefix."""

        async def run() -> None:
            records: list[RepoDataRecord] = await solve(
                [f"{self.server.url}/{view}"],
                [spec],
                platforms=["linux-64", "noarch"],
                gateway=self.gateway("shards", f"{prefix}.repodata"),
            )
            await install(
                records,
                self.folder / prefix,
                cache_dir=self.folder / f"{prefix}.packages",
                platform=Subdir("linux-64"),
                show_progress=False,
            )

        asyncio.run(run())
        return self.folder / prefix


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with hosted_store(tmp_path) as store:
        host(store, "lab", [tool("1.0")])
        host(store, "lab", [tool("2.0")], labels=["dev"])
        with serve(tmp_path / "store") as server:
            yield Lab(store, server, tmp_path)


def tool(version: str) -> Made:
    return Made("tool", version, files={"share/tool": version})


@by_index
def test_a_client_sees_a_publish_at_once(lab: Lab, index: str) -> None:
    """With a cold cache, and with one that it asks the server about."""
    assert lab.sees("lab", "tool", index=index, cache="warm") == {"tool-1.0-0.conda"}
    assert lab.sees("lab", "tool", index=index, cache="warm") == {"tool-1.0-0.conda"}
    host(lab.store, "lab", [tool("3.0")])
    seen = {"tool-1.0-0.conda", "tool-3.0-0.conda"}
    if index != "shards":  # which are written behind the publish
        wait_for(lab, index, seen)
    assert lab.sees("lab", "tool", index=index, cache="warm") == seen
    assert lab.sees("lab", "tool", index=index, cache="cold") == seen


def wait_for(lab: Lab, index: str, seen: set[str]) -> None:
    until = time.monotonic() + 120
    for attempt in itertools.count():
        if lab.sees("lab", "tool", index=index, cache=f"try{attempt}") == seen:
            return
        assert time.monotonic() < until, "the index was not written"


@by_index
def test_views_are_channels(lab: Lab, index: str) -> None:
    host(lab.store, "lab", [tool("3.0")])
    change(lab.store, "lab", "yank", opened=[fact("yank", "noarch", "tool-1.0-0.conda")])
    host(lab.store, "lab", [tool("4.0")])
    views = {
        "lab": {"3.0", "4.0"},
        "lab/label/dev": {"2.0"},
        "lab/as-of/r1": {"1.0"},
        "lab/as-of/r3": {"1.0", "3.0"},
        "lab/as-of/r4": {"3.0"},
        "lab/cooldown/7d": set(),
        "lab/label/dev/as-of/r1": set(),
    }
    for view, versions in views.items():
        seen = lab.sees(view, "tool", index=index, cache=view.replace("/", "-"))
        assert seen == {f"tool-{version}-0.conda" for version in versions}, view


@pytest.mark.parametrize(
    ("view", "version"), [("lab", "1.0"), ("lab/label/dev", "2.0"), ("lab/as-of/r2", "1.0")]
)
def test_packages_are_installed_from_views(lab: Lab, view: str, version: str) -> None:
    prefix = lab.install(view, "tool", "prefix")
    assert (prefix / "share" / "tool").read_text() == version
    (record,) = (prefix / "conda-meta").glob("*.json")
    assert json.loads(record.read_text())["url"].startswith(f"{lab.server.url}/{view}/noarch/")


def test_a_private_channel_is_read_with_a_token_in_the_url(lab: Lab) -> None:
    create(lab.store, "secret", public=False)
    host(lab.store, "secret", [tool("1.0")])
    with_token = f"t/{lab.server.token}/secret"
    for index in INDEXES:
        assert lab.sees(with_token, "tool", index=index, cache=index) == {"tool-1.0-0.conda"}
    prefix = lab.install(with_token, "tool", "prefix")
    assert (prefix / "share" / "tool").read_text() == "1.0"


def test_what_is_yanked_can_still_be_installed_from_a_lock(lab: Lab) -> None:
    change(lab.store, "lab", "yank", opened=[fact("yank", "noarch", "tool-1.0-0.conda")])
    assert lab.sees("lab", "tool", cache="now") == set()
    assert lab.sees("lab/as-of/r1", "tool", cache="then") == {"tool-1.0-0.conda"}
    assert (lab.install("lab/as-of/r1", "tool", "prefix") / "share" / "tool").exists()


@pytest.mark.parametrize("way", ["BearerToken", "CondaToken", "BasicHTTP"])
def test_a_private_channel_is_read_by_whoever_is_logged_in(
    lab: Lab, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = lab.server.token
    saved = {"username": "me", "password": token} if way == "BasicHTTP" else token
    logins = lab.folder / "credentials.json"
    logins.write_text(json.dumps({"127.0.0.1": {way: saved}}))
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(logins))
    create(lab.store, "secret", public=False)
    host(lab.store, "secret", [tool("1.0")])
    for index in INDEXES:
        assert lab.sees("secret", "tool", index=index, cache=index) == {"tool-1.0-0.conda"}


def test_a_private_channel_without_a_token_is_not_there(lab: Lab) -> None:
    create(lab.store, "secret", public=False)
    host(lab.store, "secret", [tool("1.0")])
    for index in INDEXES:
        with pytest.raises(Exception, match=r"(?i)not found|404|repodata"):
            lab.sees("secret", "tool", index=index, cache=index)


RECIPE = """\
package:
  name: made
  version: "1.0"
build:
  noarch: generic
  script:
    - mkdir -p $PREFIX/share
    - cp $PREFIX/share/tool $PREFIX/share/made
requirements:
  host:
    - tool
  run:
    - tool
"""


def test_rattler_build_builds_against_a_channel_and_uploads_to_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(lab.folder / "rattler"))
    recipe = lab.folder / "recipe.yaml"
    recipe.write_text(RECIPE)
    out = lab.folder / "out"
    for variant in Stage0Recipe.from_file(recipe).render():
        variant.run_build(output_dir=out, channels=[f"{lab.server.url}/lab/label/dev"])
    (package,) = out.glob("noarch/made-*.conda")
    upload_package_to_quetz([str(package)], lab.server.url, "lab", api_key=lab.server.token)
    prefix = lab.install("lab", "made", "prefix")
    assert (prefix / "share" / "made").read_text() == "2.0"
    assert (prefix / "share" / "tool").read_text() == "1.0"
