"""A place without a store: to ask there is refused, and makes none."""

from pathlib import Path

import pytest

from condarium.app import operations
from condarium.cli.main import main
from condarium.client import Client
from condarium.errors import NoSuchEnvironment
from condarium.storage.store import NoSuchStore

ENVIRONMENT = "lab/fit"
CHANNEL = "lab"
RESOURCE = "gpu"
PROJECT = "namespace:lab"
SHA = "0" * 40
ASKING = [
    ("env", "list"),
    ("env", "show", ENVIRONMENT),
    ("env", "history", ENVIRONMENT),
    ("env", "path", ENVIRONMENT),
    ("env", "log", ENVIRONMENT),
    ("env", "run", ENVIRONMENT, "--", "true"),
    ("env", "diff", ENVIRONMENT),
    ("env", "du"),
    ("env", "verify", ENVIRONMENT),
    ("env", "rollback", ENVIRONMENT),
    ("env", "archive", ENVIRONMENT, "1"),
    ("env", "restore", ENVIRONMENT, "1"),
    ("env", "remove", ENVIRONMENT),
    ("query", "search", "numpy", "-n", ENVIRONMENT),
    ("query", "depends", "numpy", "-n", ENVIRONMENT),
    ("query", "whoneeds", "numpy", "-n", ENVIRONMENT),
    ("query", "why", "numpy", ENVIRONMENT),
    ("gc",),
    ("channel", "edit", CHANNEL, "--public"),
    ("channel", "remove", CHANNEL),
    ("channel", "publish", CHANNEL, __file__),
    ("channel", "yank", CHANNEL, "tool"),
    ("channel", "unyank", CHANNEL, "tool"),
    ("channel", "remove-package", CHANNEL, "tool"),
    ("channel", "label", "add", CHANNEL, "dev", "tool"),
    ("channel", "label", "remove", CHANNEL, "dev", "tool"),
    ("channel", "label", "copy", CHANNEL, "dev", "main"),
    ("channel", "label", "promote", CHANNEL, "dev", "main"),
    ("channel", "label", "list", CHANNEL),
    ("channel", "patch", "add", CHANNEL, __file__),
    ("channel", "patch", "dry-run", CHANNEL, __file__),
    ("channel", "patch", "undo", CHANNEL, "1"),
    ("channel", "patch", "list", CHANNEL),
    ("channel", "revert", CHANNEL, "r1"),
    ("channel", "list"),
    ("channel", "show", CHANNEL),
    ("channel", "search", CHANNEL, "tool"),
    ("channel", "packages", CHANNEL),
    ("channel", "files", CHANNEL),
    ("channel", "log", CHANNEL),
    ("channel", "diff", CHANNEL, "r1"),
    ("channel", "verify", CHANNEL),
    ("channel", "import-index", CHANNEL, "."),
    ("channel", "import-wheels", CHANNEL, "tool"),
    ("channel", "mirror", CHANNEL, "--lock", __file__),
    ("channel", "export", CHANNEL, "bundle.tar"),
    ("channel", "import", CHANNEL, __file__),
    ("channel", "source", "list"),
    ("channel", "source", "show", "0" * 64),
    ("ledger", "balances"),
    ("ledger", "entries"),
    ("ledger", "statement"),
    ("ledger", "export"),
    ("audit", "search"),
    ("audit", "verify"),
    ("audit", "export"),
    ("user", "rename", "ada", "eve"),
    ("user", "set-password", "ada", "--password-file", __file__),
    ("user", "disable", "ada"),
    ("user", "enable", "ada"),
    ("user", "show", "ada"),
    ("user", "list"),
    ("service-account", "disable", "ci"),
    ("service-account", "enable", "ci"),
    ("service-account", "show", "ci"),
    ("service-account", "list"),
    ("group", "add-member", "people", "ada"),
    ("group", "remove-member", "people", "ada"),
    ("group", "remove", "people"),
    ("group", "show", "people"),
    ("group", "list"),
    ("namespace", "remove", "lab"),
    ("namespace", "set-quota", "lab", "--environments", "5"),
    ("namespace", "show", "lab"),
    ("namespace", "list"),
    ("access", "bind", "ada", "viewer", "--namespace", "lab"),
    ("access", "unbind", "ada", "viewer", "--namespace", "lab"),
    ("access", "rotate-keys"),
    ("access", "revoke-all", "ada"),
    ("access", "list"),
    ("access", "explain", "ada", "env show"),
    ("token", "create"),
    ("token", "revoke", "t"),
    ("token", "list"),
    ("whoami",),
    ("job", "list"),
    ("job", "show", "1"),
    ("job", "logs", "1"),
    ("job", "cancel", "1"),
    ("job", "retry", "1"),
    ("job", "remove", "1"),
    ("job", "prune"),
    ("worker", "list"),
    ("schedule", "create", "nightly", "gc", "--cron", "0 3 * * *"),
    ("schedule", "list"),
    ("schedule", "enable", "nightly"),
    ("schedule", "disable", "nightly"),
    ("schedule", "run", "nightly"),
    ("schedule", "remove", "nightly"),
    ("request", "create", "-p", "namespace:lab", "-r", "gpu", "-m", "why"),
    ("request", "check", "-p", "namespace:lab", "-r", "gpu", "-m", "why"),
    ("request", "list"),
    ("request", "show", "1"),
    ("request", "comment", "1", "why"),
    ("request", "approve", "1"),
    ("request", "deny", "1", "-m", "why"),
    ("request", "withdraw", "1"),
    ("backup", "elsewhere"),
    ("access", "public"),
    ("access", "check", "-p", PROJECT, "--label", "gpu"),
    ("grant", "create", RESOURCE, "-p", PROJECT, "-m", "why"),
    ("grant", "list"),
    ("grant", "show", "1"),
    ("grant", "change", "1", "--event", "push", "-m", "why"),
    ("grant", "renew", "1", "--for", "30d", "-m", "why"),
    ("grant", "suspend", "1", "-m", "why"),
    ("grant", "resume", "1", "-m", "why"),
    ("grant", "revoke", "1", "-m", "why"),
    ("grant", "approve-commit", "1", "0" * 40),
    ("grant", "withdraw-commit", "1", "0" * 40),
    ("grant", "review-due"),
    ("admission", "list"),
    ("admission", "show", "1"),
    ("admission", "next", RESOURCE),
    (
        "admission",
        "redeem",
        "-r",
        RESOURCE,
        "-p",
        PROJECT,
        "--commit",
        SHA,
        "--credential",
        __file__,
    ),
    ("admission", "heartbeat", "1"),
    ("admission", "end", "1"),
    ("admission", "cancel", "1"),
    ("resource", "change", RESOURCE, "--capacity", "2"),
    ("resource", "retire", RESOURCE),
    ("resource", "list"),
    ("resource", "show", RESOURCE),
    ("resource", "add-budget", RESOURCE, "--donor", "acme", "--amount", "40"),
    ("resource", "end-budget", RESOURCE, "1"),
    ("terms", "publish", "rules", "-f", __file__),
    ("terms", "list"),
    ("terms", "show", "rules"),
    ("terms", "accept", "rules"),
    ("terms", "acceptances", "rules"),
    ("user", "link", "ada", "github:ada#1"),
    ("user", "unlink", "ada", "github:ada#1"),
    ("access", "export"),
    ("access", "plan", __file__),
    ("access", "apply", __file__, "--plan", "1-2-3"),
    ("access", "resolve"),
]
MAKERS = {
    *("quickstart", "env build", "lock", "channel create", "channel source add", "serve"),
    *("user create", "service-account create", "group create", "namespace create", "restore"),
    *("resource create", "access import"),
}
ELSEWHERE = {
    *("config template", "config check", "config show", "login", "logout", "doctor", "upgrade"),
    *("backup list", "backup verify", "backup prune"),
}
"""What is not about the store, or has its own word for a place without one."""


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONDARIUM_STORE", "CONDARIUM_DATABASE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "tpyo"


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_to_ask_where_there_is_no_store_makes_none(
    words: tuple[str, ...], nowhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(nowhere), *words]) == 3
    assert f"error: there is no store at {nowhere}" in capfd.readouterr().err
    assert not nowhere.exists()


def test_every_command_is_tried_but_those_that_make_a_store() -> None:
    said = [" ".join(words) + " " for words in ASKING]
    untried = {
        name for name in operations() if not any(words.startswith(f"{name} ") for words in said)
    }
    assert untried == MAKERS | ELSEWHERE


def test_a_folder_with_something_else_in_it_is_no_store(nowhere: Path) -> None:
    nowhere.mkdir()
    (nowhere / "letters").mkdir()
    with Client(nowhere) as client, pytest.raises(NoSuchStore):
        client.env.list()
    assert [each.name for each in nowhere.iterdir()] == ["letters"]


def test_at_the_default_place_nobody_has_begun_yet(nowhere: Path) -> None:
    with Client() as client:
        assert list(client.env.list()) == []
    assert not (nowhere.parent / ".local").exists()


def test_a_store_that_was_made_is_one_although_it_is_empty(nowhere: Path) -> None:
    (nowhere / "locks").mkdir(parents=True)
    with Client(nowhere) as client:
        assert list(client.env.list()) == []
        with pytest.raises(NoSuchEnvironment):
            client.env.show(ENVIRONMENT)
