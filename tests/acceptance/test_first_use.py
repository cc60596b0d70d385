"""What somebody meets who types a thing for the first time, or the wrong thing."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.server import ChannelServer, Stall
from tests.support.store_check import check_store
from tests.support.user import PROGRAM, User

from condarium.app import operations

COMMANDS = sorted(operations())
in_both_modes = pytest.mark.parametrize(
    "built", ["in process", "remote"], indirect=True, scope="session"
)

QUESTIONS = (
    ("env", "list"),
    ("env", "show", "lab/fit"),
    ("env", "history", "lab/fit"),
    ("env", "log", "lab/fit"),
    ("env", "path", "lab/fit"),
    ("env", "diff", "lab/fit"),
    ("env", "du"),
    ("env", "verify", "lab/fit"),
    ("gc", "--dry-run"),
    ("env", "build", "lab/fit", "-f", "environment.yml"),
    ("env", "archive", "lab/fit", "1", "--dry-run"),
)


def said_briefly(user: User, *argv: str, code: int) -> str:
    """Run a command that must fail; give what it said, which is an error and a hint at most."""
    said = user(*argv)
    assert (said.code, said.out) == (code, ""), said.err
    lines = [line for line in said.err.splitlines() if not re.match(r"job \d+ failed: ", line)]
    assert lines[0].startswith("error: ")
    assert "Traceback" not in said.err
    assert "defect" not in said.err
    return said.err


class TestWrongArguments:
    def test_a_file_that_is_not_there_is_missed_and_a_likely_one_named(
        self, user: User, spec: Path
    ) -> None:
        said = said_briefly(user, "env", "build", "-f", "enviroment.yml", code=2)
        assert "enviroment.yml: there is no such file" in said
        assert "environment.yml" in said.splitlines()[1]

    def test_a_folder_is_no_file(self, user: User) -> None:
        said = said_briefly(user, "env", "build", "lab/fit", "-f", ".", code=2)
        assert "found a folder; expected a file" in said

    def test_a_mistyped_command_is_guessed(self, user: User) -> None:
        said = said_briefly(user, "env", "bulid", code=2)
        assert "Did you mean `condarium env build`?" in said

    @pytest.mark.parametrize("name", ["a b/c", "a/b/c", "../x", "lab/", "-"])
    def test_a_bad_name_is_refused_with_what_a_name_may_be(
        self, user: User, spec: Path, name: str
    ) -> None:
        said = said_briefly(user, "env", "build", name, "-f", "environment.yml", code=2)
        assert "NAMESPACE/NAME" in said

    @in_both_modes
    @pytest.mark.parametrize(
        "command", ["show", "history", "log", "path", "diff", "rollback", "verify", "remove", "du"]
    )
    def test_an_environment_that_does_not_exist_is_missed(self, built: User, command: str) -> None:
        said = said_briefly(built, "env", command, "lab/nope", code=3)
        assert "there is no environment lab/nope" in said

    def test_a_name_without_a_file_is_asked_for_one(self, user: User) -> None:
        assert "-f environment.yml" in said_briefly(user, "env", "build", "lab/fit", code=2)

    def test_a_command_that_is_not_in_the_environment_is_named(self, built: User) -> None:
        said = built("env", "run", "lab/fit", "--", "nocommand")
        assert (said.code, said.err) == (127, "condarium: lab/fit has no command nocommand\n")

    def test_a_store_that_is_not_there_is_missed(self, user: User) -> None:
        said = said_briefly(user, "--store", "/proc/nowhere", "env", "list", code=3)
        assert "there is no store at /proc/nowhere" in said

    def test_a_store_that_cannot_be_made_is_named(self, built: User) -> None:
        build = ("env", "build", "lab/fit", "-f", "environment.yml")
        said = said_briefly(built, "--store", "/proc/nowhere", *build, code=1)
        assert "the store at /proc/nowhere" in said
        assert "cannot be used" in said


class TestTerminal:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_help_of_every_command_fits_80_columns(self, user: User, command: str) -> None:
        said = user(*command.split(), "--help", COLUMNS="80")
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"usage: condarium {command}")
        assert "Raises" not in said.out
        assert max(map(len, said.out.splitlines())) <= 80

    @pytest.mark.parametrize("argv", [(), ("--help",), ("env",), ("help",), ("help", "env")])
    def test_asking_for_help_in_any_way_lists_the_commands(
        self, user: User, argv: tuple[str, ...]
    ) -> None:
        screen = user.at_terminal(*argv)
        assert screen.code == 0
        assert "env rollback" in screen.text
        assert max(map(len, screen.lines)) <= 80

    @in_both_modes
    def test_answers_fit_80_columns_but_for_paths(self, built: User) -> None:
        for argv in QUESTIONS:
            screen = built.at_terminal(*argv)
            assert screen.code == 0, screen.text
            wide = [line for line in screen.lines if len(line) > 80 and "/" not in line]
            assert wide == [], argv

    @in_both_modes
    def test_a_narrow_terminal_is_no_reason_to_fail(self, built: User) -> None:
        for argv in QUESTIONS:
            assert built.at_terminal(*argv, columns=20).code == 0, argv


class TestInterruption:
    @pytest.mark.parametrize("how", ["a key", "a signal"])
    def test_ctrl_c_in_a_build_ends_it_with_one_line_and_leaves_nothing(
        self, user: User, tools: Path, how: str
    ) -> None:
        with ChannelServer(tools) as server:
            server.fault("*.conda", Stall())
            user.write("environment.yml", f"channels: [{server.url}]\ndependencies: [tool]\n")
            command = ("env", "build", "lab/fit", "-f", "environment.yml")
            if how == "a key":
                screen = user.at_terminal(*command, when=lambda: server.count("*.conda") > 0)
                code, last = screen.code, screen.lines[-1]
            else:
                code, last = _interrupt(user, server, command)
        assert code == 130
        assert last == "interrupted; nothing is left half done"
        assert user("env", "list").out == ""
        check_store(user.store)

    def test_after_ctrl_c_the_same_command_succeeds(self, user: User, tools: Path) -> None:
        with ChannelServer(tools) as server:
            server.fault("*/tool-*.conda", Stall(times=1))
            user.write("environment.yml", f"channels: [{server.url}]\ndependencies: [tool]\n")
            command = ("env", "build", "lab/fit", "-f", "environment.yml")
            user.at_terminal(*command, when=lambda: server.count("*/tool-*.conda") > 0)
            assert user(*command).code == 0
        assert user("gc").code == 0
        check_store(user.store, collected=True)


class TestPlaces:
    def test_a_reader_who_has_seen_enough_is_no_error(self, built: User) -> None:
        pipe = f"{PROGRAM} env show lab/fit --lock | head -1; echo ${{PIPESTATUS[0]}}"
        done = _bash(built, pipe)
        assert done.stdout.splitlines()[0] == "version: 7"
        assert done.stdout.splitlines()[1] in ("0", "141")
        assert done.stderr == ""

    def test_closed_output_is_no_defect(self, built: User) -> None:
        done = _bash(built, f"{PROGRAM} env list >&-")
        assert "Traceback" not in done.stderr
        assert done.returncode != 70

    def test_a_full_device_is_said(self, built: User) -> None:
        done = _bash(built, f"{PROGRAM} env list > /dev/full")
        assert (done.returncode, done.stderr.startswith("error: the output cannot be written")) == (
            1,
            True,
        )

    def test_without_a_home_the_users_own_is_found(self, user: User, spec: Path) -> None:
        store = str(user.home / "elsewhere")
        argv = ("--store", store, "env", "build", "lab/fit", "-f", "environment.yml")
        assert user(*argv, HOME=None).code == 0

    def test_a_home_that_may_not_be_written_to_matters_only_to_a_store_in_it(
        self, user: User, spec: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        home, store = "/proc", str(tmp_path_factory.mktemp("store"))
        argv = ("env", "build", "lab/fit", "-f", "environment.yml")
        assert user(*argv, HOME=home, CONDARIUM_STORE=store).code == 0
        said = user(*argv, HOME=home)
        assert said.code == 1
        assert "hint: Name a folder that you may write to" in said.err

    def test_a_group_may_write_to_a_store_where_the_umask_says_so(self, built: User) -> None:
        store = built.home / "shared"
        build = f"{PROGRAM} --store {store} env build lab/fit -f environment.yml"
        assert _bash(built, f"umask 002; {build}").returncode == 0
        folders = [path for path in (store, *store.iterdir()) if path.is_dir()]
        shared = [*folders, *store.glob("condarium.db*"), *store.glob("locks/*")]
        assert [path for path in shared if not path.stat().st_mode & 0o020] == []

    def test_no_colour_where_none_is_wanted(self, built: User) -> None:
        assert "\x1b" not in built("env", "list").out


class TestJson:
    @in_both_modes
    @pytest.mark.parametrize("argv", QUESTIONS, ids=" ".join)
    def test_every_answer_is_one_document(self, built: User, argv: tuple[str, ...]) -> None:
        said = built(*argv, "--json")
        assert said.code == 0
        assert said.json is not None

    def test_every_change_answers_too(self, built_anew: User) -> None:
        for argv in (
            ("lock", "-f", "environment.yml"),
            ("env", "rollback", "lab/fit"),
            ("env", "archive", "lab/fit", "2"),
            ("env", "restore", "lab/fit", "2"),
            ("env", "run", "lab/fit", "--", "tool"),
            ("env", "remove", "lab/fit"),
            ("gc",),
        ):
            place = argv.index("--") if "--" in argv else len(argv)
            said = built_anew(*argv[:place], "--json", *argv[place:])
            assert said.code == 0, said.err
            assert isinstance(said.json, dict), argv

    @in_both_modes
    def test_an_error_is_a_document_with_its_code_and_hint(self, built: User) -> None:
        said = built("env", "show", "lab/nope", "--json")
        assert (said.code, said.json["error"]["code"]) == (3, "no-such-environment")
        assert "condarium env list" in said.json["error"]["hint"]
        assert said.err.startswith("error: ")


def _interrupt(user: User, server: ChannelServer, command: tuple[str, ...]) -> tuple[int, str]:
    started = subprocess.Popen(
        [PROGRAM, *command],
        cwd=user.home,
        env=user.surroundings(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        while not server.count("*.conda"):
            time.sleep(0.02)
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=30)
    return started.returncode, said.splitlines()[-1]


def _bash(user: User, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        cwd=user.home,
        env=user.surroundings(),
        timeout=60,
        check=False,
    )
