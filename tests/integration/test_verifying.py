"""`env verify`: what differs is named, and mended while others go on using the rest."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.server import Vanish
from tests.support.store_check import check_store
from tests.support.synthetic import Lab, small_channel, small_lab


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_channel(tmp_path_factory.mktemp("verifying") / "channel")


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Iterator[Lab]:
    """`lab/fit` has a Python, a package for it, and files that hold the prefix."""
    with small_lab(tmp_path, made) as lab:
        assert lab.build("lab/fit", "tool").code == 0
        yield lab


def verify(lab: Lab, *options: str, name: str = "lab/fit") -> dict[str, Any]:
    done = lab.run("env", "verify", name, *options)
    found: dict[str, Any] = json.loads(done.output)
    assert done.code == (0 if found["repaired"] or not found["problems"] else 1)
    return found


def differences(lab: Lab, *, name: str = "lab/fit") -> list[tuple[str, str]]:
    return [(each["what"], each["path"]) for each in verify(lab, name=name)["problems"]]


def mended(lab: Lab) -> None:
    assert verify(lab, "--repair")["repaired"]
    assert differences(lab) == []
    check_store(lab.store, settled=True)


def bytecode(prefix: Path) -> Path:
    return next(iter(sorted(prefix.rglob("*.pyc"))))


def test_a_new_environment_has_no_differences(lab: Lab) -> None:
    found = verify(lab)
    assert (found["problems"], found["unknown"], found["also"]) == ([], 0, [])


@pytest.mark.parametrize("path", ["share/many/3/3.txt", "share/text", "bin/text", "bin/tool"])
@pytest.mark.parametrize("what", ["changed", "missing"])
def test_a_file_is_mended_and_the_others_stay_where_they_are(
    lab: Lab, path: str, what: str
) -> None:
    prefix = lab.prefix("lab/fit")
    file, other = prefix / path, prefix / "share" / "many" / "4" / "4.txt"
    right, place = file.read_bytes(), other.stat().st_ino
    folder = prefix.stat().st_ino
    if what == "changed":
        file.write_bytes(b"?" * len(right))
    else:
        file.unlink()
    assert differences(lab) == [(what, path)]
    mended(lab)
    assert file.read_bytes() == right
    assert (other.stat().st_ino, prefix.stat().st_ino) == (place, folder)


def test_altered_bytecode_is_named_and_made_again(lab: Lab) -> None:
    file = bytecode(lab.prefix("lab/fit"))
    right = file.read_bytes()
    file.write_bytes(right[:-1])
    path = str(file.relative_to(lab.prefix("lab/fit")))
    assert differences(lab) == [("changed", path)]
    mended(lab)
    assert file.read_bytes() == right
    assert file.stat().st_nlink > 1


def test_other_environments_that_have_the_same_altered_file_are_named(lab: Lab) -> None:
    assert lab.build("lab/other", "tool", "big").code == 0
    assert lab.build("lab/apart", "big").code == 0
    file = lab.prefix("lab/fit") / "share" / "many" / "3" / "3.txt"
    file.write_bytes(b"?")
    assert verify(lab, "--repair")["also"] == ["lab/other"]
    assert verify(lab, "--repair", name="lab/other")["repaired"]


def test_what_somebody_installed_is_named_and_removed(lab: Lab) -> None:
    prefix = lab.prefix("lab/fit")
    stray = prefix / "lib" / "python3.11" / "site-packages" / "stray"
    (stray / "__pycache__").mkdir(parents=True)
    for path in ("__init__.py", "__pycache__/__init__.cpython-311.pyc"):
        (stray / path).write_text("")
    (prefix / "bin" / "stray").write_text("")
    (prefix / "share" / "cache").write_text("")
    assert sorted(differences(lab)) == [
        ("unknown", "bin/stray"),
        ("unknown", "lib/python3.11/site-packages/stray/__init__.py"),
    ]
    assert verify(lab)["unknown"] == 1
    mended(lab)
    assert not stray.exists()
    assert (prefix / "share" / "cache").exists()


def test_bytecode_that_python_wrote_is_no_difference(lab: Lab) -> None:
    folder = lab.prefix("lab/fit") / "lib" / "python3.11" / "__pycache__"
    (folder / "base.cpython-311.opt-1.pyc").write_bytes(b"")
    assert differences(lab) == []


@pytest.mark.parametrize("harm", ["changed", "missing", "unknown"])
def test_condas_records_are_compared_too(lab: Lab, harm: str) -> None:
    record = lab.prefix("lab/fit") / "conda-meta" / "many-1.0-0.json"
    if harm == "changed":
        record.write_text("no JSON")
    elif harm == "missing":
        record.unlink()
    else:
        record = record.with_name("stray-1.0-0.json")
        record.write_text("{}")
    assert differences(lab) == [(harm, f"conda-meta/{record.name}")]
    mended(lab)


def test_pip_is_told_not_to_install(lab: Lab) -> None:
    managed = lab.prefix("lab/fit") / "lib" / "python3.11" / "EXTERNALLY-MANAGED"
    assert "environment.yml" in managed.read_text()
    managed.unlink()
    assert differences(lab) == [("missing", str(managed.relative_to(lab.prefix("lab/fit"))))]
    mended(lab)
    assert managed.exists()


def test_a_repair_that_cannot_fetch_changes_nothing(lab: Lab) -> None:
    file = lab.prefix("lab/fit") / "share" / "many" / "3" / "3.txt"
    file.write_bytes(b"?")
    lab.server.fault("many-*", Vanish())
    assert lab.run("env", "verify", "lab/fit", "--repair").problem["code"] == "package-unfetchable"
    assert (lab.store / "packages" / "many-1.0-0" / "info" / "index.json").exists()
    assert file.read_bytes() == b"?"
    lab.server.heal()
    mended(lab)


def test_two_repairs_at_once_mend_once(lab: Lab) -> None:
    file = lab.prefix("lab/fit") / "share" / "many" / "3" / "3.txt"
    file.write_bytes(b"?")
    place = lab.prefix("lab/fit").stat().st_ino
    found: list[dict[str, Any]] = []
    both = [
        threading.Thread(target=lambda: found.append(verify(lab, "--repair"))) for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert len(found) == 2
    assert differences(lab) == []
    assert lab.prefix("lab/fit").stat().st_ino == place


def test_an_archived_generation_is_told(lab: Lab) -> None:
    assert lab.build("lab/fit", "many").code == 0
    assert lab.run("env", "archive", "lab/fit", "1").code == 0
    assert lab.run("env", "verify", "lab/fit", "1").problem["code"] == "generation-archived"
