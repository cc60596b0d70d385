"""The public list of what is lent, as everybody reads it: a page, JSON, a feed, Cirun's files."""

import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from tests.support.accounts import bind, make_token, make_user
from tests.support.hosting import hosted_store
from tests.support.people import Caller
from tests.support.serving import Server, serve

from condarium.storage.store import Store

CHROMIUM = shutil.which("chromium")
EVIL = "<script>alert('x')</script>&\"'\x1b[2J\u202e]]>\ufffe"
ATOM = "{http://www.w3.org/2005/Atom}"
LISTS = (
    "lending",
    "lending.json",
    "lending.atom",
    "lending/access.yml",
    "lending/cirun.global.yml",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lending")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    with hosted_store(folder) as store:
        owner = Caller(store)
        owner(
            "resource create",
            name="gpu-a100",
            kind="runner",
            provider="acme",
            description=EVIL,
            private_notes="the key is under the mat",
        )
        owner("resource create", name="vault", kind="runner", private=True)
        lent = {"reason": EVIL, "project": "github:lab/tool#77"}
        owner("grant create", resource=["gpu-a100"], for_="10d", quota="40", **lent)
        lent = {"reason": "secretly", "project": "github:lab/hidden#78"}
        owner("grant create", resource=["vault"], **lent)
        owner(
            "grant create",
            resource=["gpu-a100"],
            project="github:lab/few#79",
            reason="for some",
            person=["github:grace#12"],
        )
        lent = {"reason": "for one", "project": "github:lab/odd#81"}
        owner("grant create", resource=["gpu-a100"], branch=["<b>&amp;"], **lent)
        make_user(store, "ben", password=None)
        make_user(store, "ada", password=None)
        for name in ("gpu-a100", "vault"):
            bind(store, "ada", "lender", "resource", name)
        yield store


@pytest.fixture(scope="module")
def server(store: Store, folder: Path) -> Iterator[Server]:
    with serve(folder / "store", "--port", "0", "--no-worker") as server:
        yield server


def get(server: Server, path: str, **headers: str) -> httpx.Response:
    answer = httpx.get(f"{server.url}/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def bearer(store: Store, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(store, name)}"}


class _Tags(HTMLParser):
    """What a browser would make of a page: its tags, and the scripts in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_everybody_reads_who_may_use_what_and_the_private_stays_so(server: Server) -> None:
    for path in LISTS:
        text = get(server, path).text
        assert "lab/hidden" not in text
        assert "vault" not in text
        assert "grace" not in text
        assert "under the mat" not in text
    assert [each["project"] for each in get(server, "lending.json").json()["grants"]] == [
        *("github:lab/few#79", "github:lab/odd#81", "github:lab/tool#77")
    ]
    page = get(server, "lending").text
    assert "github:lab/tool#77" in page
    assert "40 a month" in page
    assert page.count("<meter") == 1  # where there is a quota


def test_lenders_read_the_rest_with_their_token(server: Server, store: Store) -> None:
    for path in ("lending", "lending.json"):
        text = get(server, path, **bearer(store, "ada")).text
        assert "github:lab/hidden#78" in text
        assert "github:grace#12" in text
        assert "lab/hidden" not in get(server, path, **bearer(store, "ben")).text


def test_no_text_of_others_becomes_a_part_of_the_page(server: Server) -> None:
    answer = get(server, "lending?q=%3Cscript%3E%22%27&at=1d")
    assert _Tags(answer.text).tags.count("script") == 1
    answer = get(server, "lending")
    assert _Tags(answer.text).tags.count("script") == 1
    assert "b" not in _Tags(answer.text).tags
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", answer.text)
    assert "script-src" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_feed_is_valid_atom(server: Server) -> None:
    answer = get(server, "lending.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ElementTree.fromstring(answer.text)
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 3
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            (found,) = element.findall(f"{ATOM}{name}")
            assert found.text
        datetime.fromisoformat(element.findtext(f"{ATOM}updated", ""))
        assert element.findtext(f"{ATOM}author/{ATOM}name")
    identifiers = [each.findtext(f"{ATOM}id", "") for each in entries]
    assert len(set(identifiers)) == len(identifiers)
    assert all(each.startswith("urn:uuid:") for each in identifiers)
    updated = [each.findtext(f"{ATOM}updated", "") for each in entries]
    assert updated == sorted(updated, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == updated[0]
    assert feed.find(f"{ATOM}link[@rel='self']").attrib["href"] == f"{server.url}/lending.atom"  # type: ignore[union-attr]  # it is there
    assert entries[-1].findtext(f"{ATOM}summary", "").startswith("<script>alert('x')</script>")


def test_a_feed_says_the_host_of_who_asks_and_of_nobody_else(server: Server) -> None:
    assert "evil.test" in get(server, "lending.atom", Host="evil.test").text
    assert "evil.test" not in get(server, "lending.atom").text


def test_ciruns_files_leave_out_what_they_could_not_say_without_naming_people(
    server: Server, store: Store
) -> None:
    public = get(server, "lending/access.yml").text
    assert "tool" in public
    assert "few" not in public
    assert public.startswith("# 1 more name people")
    assert "grace" in get(server, "lending/access.yml", **bearer(store, "ada")).text


def test_it_is_shown_as_of_any_day(server: Server) -> None:
    assert get(server, "lending.json?at=2020-01-01").json()["grants"] == []
    assert "on 2020-01-01, at any time of the day" in get(server, "lending?at=2020-01-01").text
    assert len(get(server, "lending.json?q=FEW").json()["grants"]) == 1
    for path, status in (("lending?at=soon", 400), ("lending/nothing", 404)):
        assert httpx.get(f"{server.url}/{path}").status_code == status


def test_a_wrong_day_is_told_on_the_page_and_the_rest_is_there(server: Server) -> None:
    answer = httpx.get(f"{server.url}/lending?at=%3Cb%3E&q=few")
    assert answer.headers["content-type"].startswith("text/html")
    assert "Found &#39;&lt;b&gt;&#39;; expected an instant" in answer.text
    assert "github:lab/few#79" in answer.text
    assert 'type="date"' in answer.text


def test_there_is_a_feed_of_each_project(server: Server) -> None:
    feed = ElementTree.fromstring(get(server, "lending.atom?project=github:lab/FEW").text)
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "gpu-a100: granted, github:lab/few"
    own = f"{server.url}/lending.atom?project=github%3Alab%2FFEW"
    assert feed.findtext(f"{ATOM}id") == own
    assert httpx.get(f"{server.url}/lending.atom?project=few").status_code == 400


def test_programs_read_it_in_pages(server: Server) -> None:
    found = get(server, "lending.json?page=7").json()
    assert (found["page"], found["pages"], len(found["grants"])) == (1, 1, 3)


def test_strangers_ask_about_whole_days(server: Server, store: Store) -> None:
    asked = "lending.json?at=2020-01-01T09:30:00Z"
    assert "09:30" not in get(server, asked).json()["at"]
    assert "09:30" in get(server, asked, **bearer(store, "ben")).json()["at"]


def test_strangers_wait_for_each_other_and_not_without_end(server: Server) -> None:
    with ThreadPoolExecutor(60) as pool:
        asked = [f"{server.url}/lending?q={number}" for number in range(60)]
        found = [each.status_code for each in pool.map(httpx.get, asked)]
        assert found.count(200) >= 32
        assert set(found) <= {200, 503}
    assert get(server, "lending").status_code == 200


def test_a_change_is_seen_at_once_by_all_who_read_it_before(server: Server, folder: Path) -> None:
    before = get(server, "lending.json").json()["grants"]
    with hosted_store(folder) as another:
        lent = {"reason": "one more", "project": "github:lab/late#80"}
        Caller(another)("grant create", resource=["gpu-a100"], **lent)
        assert len(get(server, "lending.json").json()["grants"]) == len(before) + 1
        Caller(another)("grant revoke", project="github:lab/late", reason="and gone")
    assert get(server, "lending.json").json()["grants"] == before
    assert "and gone" in get(server, "lending.atom").text


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_in_a_browser_it_is_found_from_the_first_page_and_searched(server: Server) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(server.url)
        page.click("text=who may use what")
        assert page.url == f"{server.url}/lending"
        page.fill("input[name=q]", "few")
        assert page.locator("tbody tr[data-name]:visible").count() == 1
        page.fill("input[name=at]", "2020-01-01")
        page.click("form.find button")
        assert "0 grants" in page.inner_text("main")
        page.click("text=See it as it is now")
        assert page.locator("tbody tr[data-name]").count() == 3
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert not said
