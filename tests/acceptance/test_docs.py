"""The pages that people read do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.pages import Step, Write, as_shown, steps
from tests.support.serving import TOKEN, serve
from tests.support.user import PROGRAM, User

from condarium.cli.error_reference import errors_page

ROOT = Path(__file__).parents[2]
PAGES = [
    "docs/tutorial/first-environment.md",
    "docs/how-to/use-in-shells-and-notebooks.md",
    "docs/how-to/share-a-store.md",
    "docs/how-to/keep-the-disk-small.md",
    "docs/how-to/move-to-another-machine.md",
    "docs/how-to/run-a-channel.md",
    "docs/how-to/take-packages-offline.md",
    "docs/how-to/recover.md",
    "docs/how-to/back-up-and-restore.md",
    "docs/how-to/configure.md",
    "docs/how-to/upgrade.md",
    "docs/how-to/run-lent-runners.md",
    "docs/how-to/work-from-python.md",
    "docs/how-to/use-a-server.md",
    "docs/how-to/use-the-rest-api.md",
    "docs/how-to/lend-machines.md",
    "docs/how-to/see-what-is-lent.md",
    "docs/how-to/ask-for-machines.md",
    "docs/how-to/review-requests.md",
    "docs/how-to/access-as-files.md",
    "docs/explanation/permission.md",
]
QUESTIONS = "docs/how-to/ask-questions.md"
_MARK = "\x1e"
_ADDRESS = "127.0.0.1:8000"
"""Where pages say that the server is."""


def run_page(page: str, user: User) -> None:
    """Type a page into one shell, while the user's store is served, and compare what comes."""
    with serve(user.store, environ=user.surroundings()) as server:
        _run_page(page, user, server.url.removeprefix("http://"))


def _run_page(page: str, user: User, address: str) -> None:
    every = list(steps(ROOT / page))
    typed = [step for step in every if isinstance(step, Step)]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc"],
        input=_script(every).replace(_ADDRESS, address),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=_folder(user),
        env=user.surroundings(
            USER="ada", LOGNAME="ada", PYTHONDONTWRITEBYTECODE=None, CONDARIUM_ADMIN_TOKEN=TOKEN
        ),
        timeout=300,
        check=False,
    )
    answers = re.findall(rf"(.*?){_MARK}(\d+)\n", done.stdout, re.DOTALL)
    assert len(answers) == len(typed), done.stdout
    for step, (said, status) in zip(typed, answers, strict=True):
        said = _as_ada(said, user)
        assert as_shown(step.shown, said), f"{page}: {step.command}\nsays\n{said}"
        assert (status != "0") == step.fails, f"{page}: {step.command}: {status}\n{said}"


@pytest.fixture(scope="session")
def worn(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Path:
    """A store whose packages are extracted and compiled: pages would each do so again."""
    user = User(tmp_path_factory.mktemp("worn"))
    user.write("all.yml", f"channels: [{channel.as_uri()}]\ndependencies: [python, pandas, rich]\n")
    assert user("env", "build", "lab/all", "-f", "all.yml").code == 0
    return user.store


@pytest.fixture(scope="session")
def hosting(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Path:
    """A store with the quickstart's channel, and nothing else."""
    user = User(tmp_path_factory.mktemp("hosting"))
    packages = [str(path) for path in channel.glob("*/*.conda")]
    assert user("channel", "create", "quickstart", "--public").code == 0
    assert user("channel", "publish", "quickstart", *packages).code == 0
    return user.store


@pytest.fixture
def reader(user: User, hosting: Path, worn: Path) -> User:
    """Somebody who has run the quickstart, and begins to read."""
    user.store.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", hosting, user.store], check=True)
    for part in ("packages", "bytecode"):
        subprocess.run(["cp", "-al", worn / part, user.store / part], check=True)
    return user


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, reader: User) -> None:
    run_page(page, reader)


def test_the_page_of_questions_does_what_it_says(reader: User, channel: Path) -> None:
    """It asks about the environment of the quickstart."""
    asked = "dependencies: [python =3.11, pandas, rich, pip]\n"
    reader.write("demo.yml", f"channels: [{channel.as_uri()}]\n{asked}")
    assert reader("env", "build", "quickstart/demo", "-f", "demo.yml").code == 0
    run_page(QUESTIONS, reader)


@pytest.mark.network
def test_the_page_on_pip_packages_does_what_it_says(reader: User) -> None:
    run_page("docs/how-to/add-pip-packages.md", reader)


@pytest.mark.network
def test_the_readme_does_what_it_says(user: User, worn: Path) -> None:
    user.store.mkdir(parents=True)
    subprocess.run(["cp", "-al", worn / "bytecode", user.store / "bytecode"], check=True)
    run_page("README.md", user)


@pytest.mark.parametrize(
    "page",
    sorted({ROOT / "README.md", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")}),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_reference_of_errors_is_current() -> None:
    page = ROOT / "docs" / "reference" / "errors.md"
    assert page.read_text() == errors_page(), "`make docs` writes it anew"


def _folder(user: User) -> Path:
    folder = user.home / "work"
    folder.mkdir()
    return folder


def _script(every: list[Step | Write]) -> str:
    """`make quickstart` stands for what it does; setting up the project is not for a test."""
    outside = f'env PATH="${{PATH#*:}}" {PROGRAM}'
    lines = [f'make() {{ {outside} "$@"; }}']
    for step in every:
        if isinstance(step, Write):
            lines.append(f"cat > {step.file} <<'END OF FILE'\n{step.content}END OF FILE")
        else:
            command = step.command.replace("{python}", sys.executable)
            lines.append(f"{{\n{command}\n}} </dev/null\nprintf '{_MARK}%d\\n' $?")
    return "\n".join(lines)


def _as_ada(said: str, user: User) -> str:
    """As in the pages, whose reader is called ada."""
    return said.replace(str(user.home), "/home/ada").replace(str(PROGRAM.parent), ".venv/bin")
