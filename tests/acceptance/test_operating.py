"""Somebody who operates a store: backs it up, loses it, and brings it back."""

import shutil

from tests.support.user import User


def test_a_store_that_was_lost_comes_back_with_its_environments(built_anew: User) -> None:
    user = built_anew
    before = user("env", "history", "lab/fit", "--json").json
    assert user("backup", "kept").code == 0
    shutil.rmtree(user.store)
    restored = user("restore", "kept", "--with-prefixes", "--json")
    assert restored.code == 0, restored.err
    assert (restored.json["prefixes"], restored.json["waiting"]) == (1, [])
    assert user("env", "history", "lab/fit", "--json").json == before
    assert "tool says" in user("env", "run", "lab/fit", "--", "tool").out
    assert user("env", "verify", "lab/fit").code == 0
    assert user("doctor").code == 0
    assert user("audit", "verify").code == 0


def test_what_goes_wrong_is_said_with_what_to_do(built_anew: User) -> None:
    user = built_anew
    said = user("restore", "nowhere")
    assert (said.code, "hint: " in said.err) == (3, True)
    user("backup", "kept")
    said = user("restore", "kept")
    assert (said.code, "not empty" in said.err) == (4, True)
    assert user("backup", "prune", "kept", "--keep-last", "0").code == 2
    listed = user("backup", "list", "kept", "--json").json
    assert [each["revision"] for each in listed] == ["0004"]
