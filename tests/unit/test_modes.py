"""Who may read the databases of a store."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.people import Caller

from condarium.settings import Settings
from condarium.storage.modes import close_to_others
from condarium.storage.store import Store


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize(
    ("folder", "wanted"), [(0o755, 0o640), (0o2775, 0o660), (0o700, 0o600), (0o777, 0o666)]
)
def test_a_database_with_secrets_follows_its_folder_but_for_others(
    tmp_path: Path, folder: int, wanted: int
) -> None:
    tmp_path.chmod(folder)
    files = [tmp_path / name for name in ("jobs.db", "jobs.db-wal", "jobs.db-shm")]
    if folder == 0o777:
        files[0].touch()
        files[0].chmod(0o666)
    for each in files[1:]:
        each.touch()
        each.chmod(wanted | 0o004)
    close_to_others(files[0])
    assert _mode(files[0]) == wanted
    if folder != 0o777:
        assert [_mode(each) for each in files[1:]] == [wanted, wanted]


def test_the_first_account_closes_the_database(tmp_path: Path) -> None:
    with closing(Store(Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store"))) as store:
        owner, database = Caller(store), store.layout.database
        owner("namespace create", name="lab")
        files = [database, database.with_name(f"{database.name}-wal")]
        assert all(_mode(each) & 0o004 for each in files)
        owner("user create", name="ada")
        assert not any(_mode(each) & 0o007 for each in files)
