"""What is lent, through a server: who sees what of it, and who may not change it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.accounts import bind, make_token, make_user
from tests.support.hosting import hosted_store
from tests.support.people import Caller, someone
from tests.support.serving import Server, serve

from condarium.model.access.principals import Scope
from condarium.model.document import Document

NOTES = "the key is under the mat"
PEOPLE = ("stranger", "borrower", "runner", "lender", "other-lender", "auditor", "administrator")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Secrets of people with one role each; the store is `tokens["store"]`."""
    folder = tmp_path_factory.mktemp("lent")
    with hosted_store(folder) as store:
        owner = Caller(store)
        for name in PEOPLE:
            make_user(store, name, None)
        for name in ("auditor", "administrator"):
            bind(store, name, name)
        owner("terms publish", name="rules", document=Document("t", b"be nice"))
        for name in ("open", "hidden", "others"):
            owner(
                "resource create",
                name=name,
                private=name == "hidden",
                private_notes=NOTES,
                terms="rules" if name == "open" else None,
            )
        for name in ("open", "hidden"):
            for role in ("borrower", "runner", "lender"):
                bind(store, role, role, "resource", name)
        bind(store, "other-lender", "lender", "resource", "others")
        owner("resource add-budget", name="open", donor="acme", amount="40")
        owner("terms accept", name="rules", person="github:ada#123")
        secrets = {name: make_token(store, name) for name in PEOPLE}
        only_open = Scope(resources=frozenset({"open"}))
        secrets["narrowed"] = make_token(store, "lender", scope=only_open)
    return {**secrets, "store": str(folder / "store")}


@pytest.fixture(scope="module")
def server(tokens: dict[str, str]) -> Iterator[Server]:
    with serve(Path(tokens["store"])) as server:
        yield server


@pytest.fixture
def ask(server: Server, tokens: dict[str, str]) -> Any:
    def ask(who: str, method: str, path: str, **body: Any) -> httpx.Response:
        bearer = {} if who == "anybody" else {"Authorization": f"Bearer {tokens[who]}"}
        url = f"{server.url}/api/v1{path}"
        return httpx.request(method, url, headers=bearer, json=body or None)

    return ask


@pytest.mark.parametrize("who", ["anybody", *PEOPLE, "narrowed"])
def test_notes_that_are_private_are_for_lenders(ask: Any, who: str) -> None:
    listed = ask(who, "GET", "/resources")
    shown = [ask(who, "GET", f"/resources/{name}") for name in ("open", "hidden", "others")]
    may = {
        "lender": {"open", "hidden"},
        "other-lender": {"others"},
        "administrator": {"open", "hidden", "others"},
        "narrowed": {"open"},
    }.get(who, set())
    told = {each["name"] for each in listed.json()["items"] if NOTES in str(each)}
    assert told == may
    answers = zip(("open", "hidden", "others"), shown, strict=True)
    assert {name for name, answer in answers if NOTES in answer.text} == may


@pytest.mark.parametrize("who", ["anybody", *PEOPLE, "narrowed"])
def test_what_is_not_public_is_for_those_with_a_role(ask: Any, who: str) -> None:
    sees = who in ("borrower", "runner", "lender", "administrator")
    listed = {each["name"] for each in ask(who, "GET", "/resources").json()["items"]}
    assert listed == {"open", "others", *(["hidden"] if sees else [])}
    hidden, absent = ask(who, "GET", "/resources/hidden"), ask(who, "GET", "/resources/absent")
    assert hidden.status_code == (200 if sees else 404)
    if not sees:
        assert hidden.text.replace("hidden", "absent") == absent.text


@pytest.mark.parametrize(
    ("method", "path", "body", "may"),
    [
        ("POST", "/resources", {"name": "mine"}, set()),
        ("POST", "/resources/open/change", {"capacity": "2"}, {"lender", "narrowed"}),
        ("POST", "/resources/open/retire", {"undo": True}, {"lender", "narrowed"}),
        (
            "POST",
            "/resources/open/add-budget",
            {"donor": "acme", "amount": "1"},
            {"lender", "narrowed"},
        ),
        ("GET", "/terms/rules/acceptances", {}, {"lender", "narrowed", "auditor"}),
        ("POST", "/terms/rules/accept", {"person": "github:bo#5"}, {"lender"}),
        ("POST", "/users/stranger/link", {"person": "github:x#9"}, set()),
        ("POST", "/users/stranger/unlink", {"person": "github:x#9"}, set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_may_not_is_refused(
    ask: Any, method: str, path: str, body: dict[str, Any], may: set[str]
) -> None:
    for who in ("anybody", *PEOPLE, "narrowed"):
        answer = ask(who, method, path, **body)
        allowed = who in {*may, "administrator"}
        assert (who, answer.status_code < 300) == (who, allowed), answer.text
        assert allowed or answer.status_code in (401, 403, 404)


def test_terms_are_published_by_who_lends_all_that_is_on_them(tokens: dict[str, str]) -> None:
    with hosted_store(Path(tokens["store"]).parent) as store:
        document = Document("t", b"be nice")
        assert not someone(store, "lender")(
            "terms publish", name="rules", document=document
        ).changed
        for who, name in (("lender", "new"), ("other-lender", "rules"), ("auditor", "rules")):
            with pytest.raises(Exception, match="may not"):
                someone(store, who)("terms publish", name=name, document=document)


def test_terms_are_for_everybody_and_say_how_many_accepted_them(ask: Any) -> None:
    shown = ask("anybody", "GET", "/terms/rules").json()
    assert shown["terms"]["text"] == "be nice\n"
    assert shown["resources"] == ["open"]
    assert shown["by_me"] is None
    assert shown["accepted"][0]["people"] >= 1
    assert "github:ada" not in str(shown)


def test_whoever_accepts_does_so_for_themselves(ask: Any) -> None:
    accepted = ask("borrower", "POST", "/terms/rules/accept").json()
    assert [each["name"] for each in accepted["people"]] == ["borrower"]
    assert ask("borrower", "GET", "/terms/rules").json()["by_me"] is True
    assert ask("stranger", "GET", "/terms/rules").json()["by_me"] is False
    assert ask("anybody", "POST", "/terms/rules/accept").status_code == 401
