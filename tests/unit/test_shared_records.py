"""conda-meta's records: equal ones are one file for all prefixes of a store."""

import errno
import os
from pathlib import Path

import pytest

from condarium.engine.prefixes.conda_meta import share_records


def make_prefix(folder: Path, **records: str) -> Path:
    meta = folder / "conda-meta"
    meta.mkdir(parents=True)
    for name, content in records.items():
        (meta / f"{name}.json").write_text(content)
        (meta / f"{name}.json").chmod(0o600)
    return folder


def record(prefix: Path, name: str) -> Path:
    return prefix / "conda-meta" / f"{name}.json"


def test_equal_records_become_one_file_and_others_stay_apart(tmp_path: Path) -> None:
    a = make_prefix(tmp_path / "a", numpy="same", python="a's")
    b = make_prefix(tmp_path / "b", numpy="same", python="b's")
    for prefix in (a, b):
        share_records(prefix, tmp_path / "records")
    assert record(a, "numpy").samefile(record(b, "numpy"))
    assert record(a, "python").read_text() == "a's"
    assert record(b, "python").read_text() == "b's"
    assert sorted(path.name for path in (a / "conda-meta").iterdir()) == [
        "numpy.json",
        "python.json",
    ]


def test_all_who_may_read_the_prefix_may_read_its_records(tmp_path: Path) -> None:
    prefix = make_prefix(tmp_path / "a", numpy="same")
    prefix.chmod(0o755)
    share_records(prefix, tmp_path / "records")
    assert record(prefix, "numpy").stat().st_mode & 0o777 == 0o644


def test_a_record_that_was_written_to_is_not_given_to_others(tmp_path: Path) -> None:
    a = make_prefix(tmp_path / "a", numpy="same")
    share_records(a, tmp_path / "records")
    record(a, "numpy").write_text("edited in place")
    b = make_prefix(tmp_path / "b", numpy="same")
    c = make_prefix(tmp_path / "c", numpy="same")
    for prefix in (b, c):
        share_records(prefix, tmp_path / "records")
    assert record(a, "numpy").read_text() == "edited in place"
    assert record(b, "numpy").read_text() == "same"
    assert record(b, "numpy").samefile(record(c, "numpy"))


def test_where_files_cannot_be_linked_every_prefix_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    prefix = make_prefix(tmp_path / "a", numpy="same")
    share_records(prefix, tmp_path / "records")
    assert record(prefix, "numpy").read_text() == "same"
