"""Pages: they say what there is, escape what packages say, and link to each other."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from posixpath import normpath
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.support.hosting import ADA, Clock, create, hosted_store

from condarium.channels.changing.publishing import facts_of
from condarium.channels.revising.draft import revise
from condarium.channels.views.catalogue import Catalogue
from condarium.errors import NotFound
from condarium.model.hosting.hosted import ChannelKind, HostedFile
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store
from condarium.web.pages import page
from condarium.web.rendering import say_bytes, security_policy, web_url

EVIL = "<script>alert('x')</script>"
MOVES = "\x1b[2J\a\u202e"
"""What clears a terminal, rings and turns a line around."""
SHA = "ab" * 32
URL = "https://conda.test"


def described(
    name: str, version: str = "1.0", *, subdir: str = "noarch", **about: object
) -> HostedFile:
    record = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "sha256": "ab" * 32,
    }
    return HostedFile(
        subdir=subdir,
        file_name=f"{name}-{version}-0.conda",
        name=name,
        version=version,
        build="0",
        build_number=0,
        sha256=SHA,
        md5=None,
        size=1_234_567,
        indexed_at=1_772_366_400_000,
        record=msgspec.json.encode(
            {**record, "size": 1_234_567, "indexed_timestamp": 1_772_366_400_000}
        ),
        about=msgspec.json.encode(about) if about else None,
    )


def add(store: Store, channel: str, *files: HostedFile, label: str = "main", why: str = "") -> None:
    with revise(store, ChannelName(channel), "publish", reason=why, actor=ADA) as draft:
        for file in files:
            draft.add_file(file)
            draft.open(*facts_of(file, [label]))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    clock = Clock()
    with hosted_store(tmp_path_factory.mktemp("pages"), clock) as store:
        create(store, "lab", description=f"Tools of the lab {EVIL}{MOVES}")
        create(store, "secret-lab", public=False)
        create(store, "empty")
        create(store, "joined", kind=ChannelKind.UNION, members=(ChannelName("lab"),))
        evil = described("evil", summary=EVIL, home="javascript:alert(1)", license="<b>MIT</b>")
        good = described("tool", summary="A tool", home=["https://tool.test/?a=1&b=2"])
        add(store, "lab", good, evil, why=f"first {EVIL}")
        clock.advance(timedelta(days=1))
        add(store, "lab", described("tool", "2.0", subdir="linux-64"), label="team/rc")
        add(store, "lab", *(described(f"many-{number:04}") for number in range(230)))
        add(store, "lab", *(described("builds", f"{number}") for number in range(30)))
        yield store


def show(store: Store, address: str | None, subdir: str | None = None, **choice: object) -> str:
    view = View.parse(address) if address else None
    content, revision = page(store, Catalogue(store), view, subdir, url=URL, **choice)  # type: ignore[arg-type]
    assert (revision == "") is (address is None)
    return content.decode()


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hrefs += [value or "" for key, value in attrs if key in ("href", "src", "action")]


PAGES = [
    (None, None),
    ("lab", None),
    ("lab", "noarch"),
    ("lab/label/team/rc", None),
    ("lab/as-of/r1", None),
    ("lab/label/team/rc/as-of/r2/cooldown/1h", "linux-64"),
    ("empty", None),
    ("empty", "noarch"),
    ("joined", None),
]


def test_what_moves_a_cursor_or_turns_lines_around_is_spelled(store: Store) -> None:
    text = show(store, "lab")
    assert not set("\x1b\a\u202e") & set(text)
    assert r"\x1b[2J\x07\u202e" in text


@pytest.mark.parametrize(("address", "subdir"), PAGES)
def test_a_page_needs_nothing_but_itself_and_escapes_what_it_shows(
    store: Store, address: str | None, subdir: str | None
) -> None:
    text = show(store, address, subdir)
    links = Links(text)
    assert links.tags.count("script") == 1
    assert links.tags.count("h1") == 1
    assert not {"img", "link", "iframe", "b"} & set(links.tags)
    assert not [href for href in links.hrefs if urlsplit(href).scheme not in ("", "https")]
    assert "javascript:" not in text


@pytest.mark.parametrize(("address", "subdir"), PAGES)
def test_links_within_lead_to_views_and_subdirs(
    store: Store, address: str | None, subdir: str | None
) -> None:
    """They are relative, so that a token before them stays."""
    place = "/t/secret/" + "".join(f"{part}/" for part in (address, subdir) if part)
    links = {urlsplit(href) for href in Links(show(store, address, subdir)).hrefs}
    for href in {link.path for link in links if not link.scheme}:
        path = normpath(place + href)
        assert path.startswith("/t/secret")
        wanted = path.removeprefix("/t/secret").strip("/")
        if wanted in ("", "sign-in") or re.search(r"\.(json|zst|conda)$", wanted):
            continue
        view, _, last = wanted.rpartition("/")
        if last in ("noarch", "linux-64"):
            show(store, view, last)
        else:
            show(store, wanted)


def test_channels_are_listed_and_hidden_ones_are_not(store: Store) -> None:
    text = show(store, None)
    assert "lab" in text
    assert "r4" in text
    assert "secret-lab" not in text


def test_a_view_says_what_it_is_and_how_to_use_it(store: Store) -> None:
    text = show(store, "lab/label/team/rc/as-of/r2")
    assert f"conda install -c {URL}/lab/label/team/rc/as-of/r2 PACKAGE" in text
    assert "label team/rc" in text
    assert "as of r2" in text
    assert "as it was" in text
    assert "2.0" in text
    assert "as it was" not in show(store, "lab")


def test_packages_are_found_by_name_and_shown_in_parts(store: Store) -> None:
    first, last = show(store, "lab"), show(store, "lab", number=99)
    assert "233 package names" in first
    assert "page 1 of 3" in first
    assert "page 3 of 3" in last
    assert first.count("<tr data-name=") == 100
    assert 'href="?q=&amp;page=2"' in first
    found = show(store, "lab", query=" TOOL ")
    assert re.findall(r'data-name="([^"]+)"', found) == ["tool"]
    assert "A tool" in found
    assert 'href="https://tool.test/?a=1&amp;b=2"' in found
    assert "0 names with “none &lt;”" in show(store, "lab", query="none <")


def test_files_have_what_one_wants_to_know_of_them(store: Store) -> None:
    text = show(store, "lab", "noarch", query="tool")
    assert 'href="tool-1.0-0.conda"' in text
    assert "1.2 MB" in text
    assert "2026-03-01" in text
    assert SHA in text


def test_of_many_files_the_newest_are_shown_and_the_others_on_request(store: Store) -> None:
    some, every = show(store, "lab", "noarch"), show(store, "lab", "noarch", query="builds")
    assert "10 more of builds" in some
    assert "builds-29-0" in some
    assert "builds-9-0" not in some
    assert "builds-9-0" in every


def test_there_is_no_page_of_a_subdir_that_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        show(store, "lab", "win-64")


def test_the_policy_allows_the_page_and_nothing_else() -> None:
    assert security_policy().startswith("default-src 'none'; style-src 'sha256-")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a.test/x", "https://a.test/x"),
        (["http://a.test", "https://b.test"], "http://a.test"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//a.test", ""),
        ("https:", ""),
        ("https://[bad", ""),
        ([], ""),
        ({"a": 1}, ""),
        (None, ""),
    ],
)
def test_only_links_to_the_web_are_links(value: object, expected: str) -> None:
    assert web_url(value) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (10**15, "1000.0 TB")],
)
def test_sizes_are_for_people(size: int | None, expected: str) -> None:
    assert say_bytes(size) == expected
