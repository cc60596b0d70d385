"""What public projects once locked can be locked again: the same specs, on real records.

Every pair is tried, in about a minute on two cores; CONDARIUM_REPLAY_STRIDE=5 tries each fifth.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.channel import cache_root
from tests.support.real_data import (
    Pair,
    different_specs,
    replay_pairs,
    unpacked_channels,
    why_absent,
)

from condarium.environments.locking import solve_file
from condarium.model.document import Document
from condarium.settings import Settings
from condarium.storage.store import Store

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(why_absent() is not None, reason=why_absent() or ""),
]

# This lock was not made of the specs beside it: it lacks 93 of the 94 packages they ask for.
NOT_OF_ITS_SPECS = "CryoInTheCloud/hub-image/environment.yml@636b1938"

PANGEO = "pangeo-data/pangeo-docker-images"
# Dependencies of locked packages that were added to the records after the lock was made.
ADDED_SINCE = {
    f"{PANGEO}/base-notebook/environment.yml@f9d46149": {"propcache"},
    f"{PANGEO}/pangeo-notebook/environment.yml@4552cca5": {"libgcc", "libstdcxx"},
    f"{PANGEO}/ml-notebook/environment.yml@4552cca5": {"libgcc", "libstdcxx"},
    f"{PANGEO}/pytorch-notebook/environment.yml@4552cca5": {"libgcc", "libstdcxx"},
}

STRIDE = int(os.environ.get("CONDARIUM_REPLAY_STRIDE", "1"))
PAIRS = tuple(pair for pair in replay_pairs() if pair.name != NOT_OF_ITS_SPECS)
Solve = Callable[[Document], frozenset[str]]


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked_channels(cache_root(tmp_path_factory.getbasetemp()))


@pytest.fixture
def solve(channels: Path, tmp_path: Path) -> Solve:
    """Lock a document, and give the files of the lock as `subdir/file name`."""
    environ = {"CONDA_CHANNEL_ALIAS": channels.as_uri()}
    settings = Settings(store=tmp_path / "store", home=tmp_path, environ=environ)

    def solve(document: Document) -> frozenset[str]:
        store = Store(settings)
        try:
            (packages,) = solve_file(store, document).document.lock.packages.values()
        finally:
            store.close()
        return frozenset("/".join(each.url.split("/")[-2:]) for each in packages)

    return solve


def _names(files: frozenset[str]) -> set[str]:
    return {file.rpartition("/")[2].rsplit("-", 2)[0] for file in files}


@pytest.mark.parametrize("pair", different_specs(PAIRS)[::STRIDE], ids=lambda pair: pair.name)
def test_specs_of_a_public_project_solve(pair: Pair, solve: Solve) -> None:
    assert _asked(pair) <= _names(solve(pair.document()))


@pytest.mark.parametrize("pair", PAIRS[::STRIDE], ids=lambda pair: pair.name)
def test_pinned_to_an_old_lock_specs_give_its_very_set(pair: Pair, solve: Solve) -> None:
    found = solve(pair.document(pinned=True))
    assert pair.locked <= found
    assert _names(found - pair.locked) == ADDED_SINCE.get(pair.name, set())


def _asked(pair: Pair) -> set[str]:
    from rattler import MatchSpec

    dependencies = json.loads(pair.document().content)["dependencies"]
    named = (MatchSpec(each, strict=False).name for each in dependencies)
    return {name.normalized for name in named if name is not None}


def test_no_pair_is_left_out_silently() -> None:
    assert len(replay_pairs()) == 240
    assert len(PAIRS) == 239
    assert ADDED_SINCE.keys() <= {pair.name for pair in PAIRS}
