"""The command line, from its words to its exit status."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.test_choosing import job

from condarium.app import operations
from condarium.cli import arguments, exit_codes
from condarium.cli.arguments import BadCommandLine, parse
from condarium.cli.help import page
from condarium.cli.main import main
from condarium.cli.output import Output
from condarium.cli.page import Page
from condarium.cli.reference import reference
from condarium.cli.render import registry
from condarium.client.server_errors import make_error

ROOT = Path(__file__).parents[2]
Run = Callable[..., SimpleNamespace]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a command line over toy operations; gives `code`, `out` and `err`."""
    monkeypatch.setattr("condarium.app._DECLARATIONS", ("tests.support.toy",))
    monkeypatch.setenv("CONDARIUM_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("CONDARIUM_DEBUG", raising=False)
    operations.cache_clear()
    for operation in operations().values():
        monkeypatch.setitem(registry._RENDERERS, operation.result, _show)

    def run(*argv: str) -> SimpleNamespace:
        code = main(argv)
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    yield run
    operations.cache_clear()


def _show(result: object, page: Page) -> None:
    page.line("summary")


def _given(run: Run, *argv: str) -> dict[str, object]:
    said = run("toy", "say", *argv, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)["given"]


def test_texts_become_values(run: Run, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("good day")
    given = _given(
        run, "lab/fit", "1", "-f", str(tmp_path / "words"), "--older-than=1d", "--tag", "a", "2",
        "--tag", "b", "--tone", "loud", "--twice",
    )  # fmt: skip
    assert given["environment"] == "lab/fit"
    assert given["numbers"] == [1, 2]
    assert given["file"] == "good day"
    assert given["older_than"] == 86400.0
    assert given["tag"] == ["a", "b"]
    assert (given["tone"], given["twice"]) == ("loud", True)


def test_what_is_not_given_has_its_default(run: Run) -> None:
    given = _given(run, "fit")
    assert given["environment"] == "default/fit"
    assert (given["numbers"], given["file"], given["tone"]) == ([], None, "soft")


def test_a_dash_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    assert _given(run, "fit", "-f", "-")["file"] == "piped"


@pytest.mark.parametrize(
    "argv",
    [
        ("--json", "toy", "say", "fit"),
        ("toy", "--json", "say", "fit"),
        ("toy", "say", "--json", "fit"),
        ("--store", "place", "toy", "say", "fit", "--json"),
    ],
)
def test_options_of_every_command_may_stand_anywhere(run: Run, argv: tuple[str, ...]) -> None:
    assert json.loads(run(*argv).out)["loud"].startswith("ENVIRONMENT")


def test_json_holds_fields_and_properties(run: Run) -> None:
    document = json.loads(run("toy", "say", "fit", "--json").out)
    assert document["at"] == "2026-03-01T12:00:00Z"
    assert document["where"] == "/srv/place"
    assert document["names"] == ["default/fit"]
    assert document["loud"].endswith("ACTOR")


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (("toy", "sey"), "condarium has no command 'toy sey'", "Did you mean `condarium toy say`?"),
        (("say",), "condarium has no command 'say'", "Did you mean `condarium toy say`?"),
        (("toy", "xyz"), "no command 'toy xyz'", "`condarium toy` shows its commands."),
        (("xyz",), "no command 'xyz'", "`condarium` shows the commands."),
        (("--jsn",), "condarium has no option --jsn", "Name a command first."),
        (("toy", "say", "x", "--fiel", "y"), "has no option --fiel", "Did you mean --file?"),
        (("toy", "say"), "NS/NAME is missing", "`condarium toy say --help` shows"),
        (("toy", "break"), "-w HOW is missing", "--help"),
        (("toy", "say", "x", "-f"), "expected one argument", "--help"),
        (("toy", "say", "x", "y"), "NUMBERS: found 'y'; expected a whole number", ""),
        (("toy", "say", "x", "--tone", "laud"), "--tone: found 'laud'", "Did you mean loud?"),
        (("toy", "say", "x", "--older-than", "9"), "--older-than: found '9'", ""),
        (("toy", "say", "x", "--twice=3"), "--twice: found '3'; it takes no value", ""),
        (("toy", "say", "a/b/c"), "'a/b/c' is not the name of an environment", "NAMESPACE/NAME"),
        (("toy", "say", "x", "-f", "/none/x.yml"), "/none/x.yml: there is no such file", ""),
        (("toy", "change", "x"), "found 'x', one too many", "--help"),
    ],
)
def test_a_wrong_command_line_says_what_to_do(
    run: Run, argv: tuple[str, ...], message: str, hint: str
) -> None:
    answer = run(*argv)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert message in answer.err
    assert hint in answer.err
    assert "usage" not in answer.err


def test_everything_after_two_dashes_belongs_to_the_program(run: Run) -> None:
    answer = run("toy", "run", "fit", "--json", "-l", "3", "--", "python", "-q", "--", "--json")
    assert json.loads(answer.out)["command"] == ["python", "-q", "--", "--json"]


def test_a_program_needs_no_dashes(run: Run) -> None:
    answer = run("toy", "run", "--json", "--level", "3", "fit", "python", "-c", "--help", "-h")
    assert json.loads(answer.out)["command"] == ["python", "-c", "--help", "-h"]


def test_a_program_must_be_named(run: Run) -> None:
    answer = run("toy", "run", "fit", "--")
    assert answer.code == 2
    assert "COMMAND is missing" in answer.err


def test_the_exit_status_of_a_program_is_passed_on(run: Run) -> None:
    assert run("toy", "run", "fit", "x").code == 7


def test_two_dashes_end_the_options_of_other_commands(run: Run) -> None:
    operation = operations()["toy say"]
    assert parse(operation, ["--", "fit", "3"])[1]["numbers"] == (3,)


def test_an_error_shows_its_lines_and_its_hint(run: Run) -> None:
    answer = run("toy", "break", "-w", "conflict")
    assert answer.code == 4
    assert answer.err == "error: first line\nsecond \\x1b[31mline\nhint: do something else\n"


def test_an_error_as_json_is_the_document(run: Run) -> None:
    answer = run("--json", "toy", "break", "--how", "conflict")
    error = json.loads(answer.out)["error"]
    assert error["code"] == "conflict"
    assert error["hint"] == "do something else"
    assert answer.err.startswith("error: first line")


def test_a_wrong_command_line_as_json_carries_what_the_error_knows(run: Run) -> None:
    error = json.loads(run("toy", "say", "x", "-f", "/none", "--json").out)["error"]
    assert (error["code"], error["name"]) == ("unreadable-file", "/none")


def test_ctrl_c_ends_in_one_line(run: Run) -> None:
    answer = run("toy", "break", "-w", "interrupt")
    assert (answer.code, answer.err) == (130, "interrupted; nothing is left half done\n")


def test_ctrl_c_ends_a_request_that_a_server_may_go_on_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, said in (
        ("channel publish", "interrupted; the server may go on with it\n"),
        ("channel import-wheels", "interrupted; nothing is left half done\n"),
    ):
        output = Output(json=False, color=False, debug=False, remote=True)
        output.operation = operations()[name]
        assert output.interrupted() == 130
        assert capsys.readouterr().err == said


def test_a_job_that_is_not_waited_for_is_a_number_where_little_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output(json=False, color=False, debug=False, remote=True)
    for name in ("env build", "lock"):
        output.result(operations()[name], job(7), {}, quiet=True)
        assert capsys.readouterr().out == "7\n"
    output.result(operations()["lock"], job(7), {}, quiet=False)
    assert "job 7" in capsys.readouterr().out


def test_ctrl_d_at_a_prompt_is_no_defect(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("condarium.cli.arguments.getpass", ended)
    with pytest.raises(BadCommandLine, match="nothing was typed"):
        arguments._typed("New password: ")


def test_a_servers_defect_ends_as_one_of_this_machine() -> None:
    error = make_error("unexpected", "something unexpected happened", None, {})
    assert exit_codes.of_error(error) == exit_codes.UNEXPECTED


def test_what_makes_no_difference_to_a_command_is_not_in_its_help() -> None:
    login, build, serve = (page(operations()[name]) for name in ("login", "env build", "serve"))
    assert not any(flag in login for flag in ("--store", "--server", "--detach"))
    assert all(flag in build for flag in ("--store", "--server", "--detach"))
    assert "--store" in serve
    assert "--server" not in serve
    assert "(required)" not in page(operations()["user set-password"])


def test_a_defect_says_where_its_traceback_can_be_had(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = run("toy", "break", "-w", "odd")
    assert answer.code == 70
    assert "ValueError: odd" in answer.err
    assert "Traceback" not in answer.err
    monkeypatch.setenv("CONDARIUM_DEBUG", "1")
    assert "Traceback" in run("toy", "break", "-w", "odd").err


def test_remarks_go_to_standard_error(run: Run) -> None:
    answer = run("toy", "say", "fit")
    assert (answer.out, answer.err) == ("summary\n", "a remark\n")


def test_quiet_leaves_out_remarks_and_what_was_changed(run: Run) -> None:
    assert run("toy", "say", "fit", "-q").err == ""
    assert run("toy", "say", "fit", "-q").out == "summary\n"
    assert run("toy", "change", "--quiet").out == ""
    assert run("toy", "change", "--quiet", "--dry-run").out == "summary\n"


def test_a_document_goes_to_standard_output_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x")))
    answer = run("write", "-f", "-")
    assert (answer.out, answer.err) == ("<x>\n", "summary\n")


def test_a_document_is_saved_where_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("x")
    answer = run("write", "-f", str(tmp_path / "in"), "-o", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "<x>\n"
    assert answer.out == f"summary\nwritten to {tmp_path / 'out'}\n"
    assert run("write", "-f", str(tmp_path / "in"), "-qo", "-").out == "<x>\n"


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",), ("help",), ("env",), ("help", "env")])
def test_overviews_fit_a_terminal(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "env build " in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    "argv", [("env", "run", "--help"), ("--help", "env", "run"), ("help", "env", "run")]
)
def test_a_command_explains_itself(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: condarium env run NS/NAME [OPTIONS] -- COMMAND...\n")
    assert "Options of every command:" in out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["--version", "--json"]) == 0
    assert capsys.readouterr().out.startswith("condarium ")


def test_help_imports_neither_a_solver_nor_a_database_nor_rich() -> None:
    code = (
        "import sys; from condarium.cli.main import main; main(['--help']); "
        "main(['env', 'build', '--help']); "
        "heavy = {'rich', 'rattler', 'sqlalchemy', 'obstore', 'httpx', 'asyncio'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "condarium", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "condarium", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: the output cannot be written: No space left")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("closing", [">&-", ">&- 2>&-"])
def test_closed_streams_are_no_error(closing: str) -> None:
    command = f"{sys.executable} -m condarium --help {closing}"
    assert subprocess.run(["sh", "-c", command], timeout=60).returncode == 0


def test_with_json_programs_cannot_write_to_standard_output() -> None:
    code = (
        "import subprocess; from condarium.cli.output import Output\n"
        "output = Output(json=True, color=False, debug=False)\n"
        "with output.kept_clean(): subprocess.run(['echo', 'stray'])\n"
        "output.version('1')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True
    )
    assert (json.loads(done.stdout), done.stderr) == ({"version": "1"}, "stray\n")


def test_the_reference_page_is_current() -> None:
    page = ROOT / "docs" / "reference" / "operations.md"
    assert page.read_text() == reference(), "`make docs` writes it anew"
