"""What a lender may not do alone: take others' jobs, pass the review rule, or take terms."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.accounts import make_user
from tests.support.github import GitHub
from tests.support.people import Caller, Clock
from tests.support.review import Review

from condarium.errors import CondariumError, NotPermitted
from condarium.governance.github.resolving import AnotherId
from condarium.governance.grants.unreviewed import ReviewNeeded
from condarium.model.access.principals import PrincipalKind
from condarium.model.document import Document
from condarium.settings import Settings
from condarium.storage.governance.resources import LentToAll
from condarium.storage.store import Store

TOOL = "github:lab/tool#77"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Review]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=Clock())) as store:
        yield Review(store)


def grant(caller: Caller, **given: Any) -> int:
    said = {"resource": ["gpu"], "project": TOOL, "reason": "tests", **given}
    return int(caller("grant create", **said).grants[0].id)


def test_a_label_is_for_administrators(lab: Review) -> None:
    lab.lend("gpu")
    for label in ("default", "ubuntu-latest", "other-queue"):
        with pytest.raises(NotPermitted, match="by a label"):
            lab("ben")("resource change", name="gpu", label=label)
    assert not lab("ben")("resource change", name="gpu", label="gpu").resource.settings.label[3:]
    assert lab("root0")("resource change", name="gpu", label="gpus").changed
    with pytest.raises(NotPermitted):
        lab("ben")("resource change", name="gpu", label="none")
    with pytest.raises(LentToAll):
        lab.owner("resource create", name="all", label="Default")


def test_one_lender_does_not_pass_a_rule_that_wants_more(lab: Review) -> None:
    lab.lend("gpu", "1 lender", "1 group:core")
    ben = lab("ben")
    with pytest.raises(ReviewNeeded, match="1 lender and 1 group:core"):
        grant(ben)
    with pytest.raises(NotPermitted, match="no lender alone"):
        ben("resource change", name="gpu", rule=["1 lender"])
    number = grant(lab("root0"), branch=["main"], quota="5", for_="10d")
    assert lab("ada")("access public").grants[0].flags[0] == "without review"
    for name, given in (
        ("grant change", {"branch": ["none"]}), ("grant change", {"branch": ["main", "next"]}),
        ("grant change", {"quota": "6"}), ("grant change", {"quota": "none"}),
        ("grant change", {"event": ["watch"]}), ("grant change", {"pull_requests": "yes"}),
        ("grant change", {"fork_approval": "yes"}), ("grant change", {"period": "year"}),
        ("grant change", {"trusted_fork": ["github:eve/tool#666"]}),
        ("grant renew", {"for_": "11d"}), ("grant renew", {"until": "none"}),
    ):  # fmt: skip
        with pytest.raises(ReviewNeeded):
            ben(name, grant=number, reason="mine", **given)
    assert ben("grant change", grant=number, quota="4", reason="less").grants[0].quota == 4_000_000
    assert ben("grant renew", grant=number, for_="5d", reason="shorter").grants
    assert ben("grant change", grant=number, person=["user:ada"], reason="fewer").grants
    with pytest.raises(ReviewNeeded):
        ben("grant change", grant=number, person=["user:ben"], reason="me")


def test_who_suspended_resumes_and_no_other_lender(lab: Review) -> None:
    lab.lend("gpu", "2 lender")
    number = grant(lab("root0"))
    lab("ben")("grant suspend", grant=number, reason="wait")
    with pytest.raises(ReviewNeeded):
        lab("eve")("grant resume", grant=number, reason="go on")
    lab("ben")("grant resume", grant=number, reason="go on")
    lab("eve")("grant suspend", grant=number, reason="wait")
    assert str(lab("root0")("grant resume", grant=number, reason="yes").grants[0].state) == "active"


def test_what_was_asked_for_is_reviewed_and_what_wants_one_lender_needs_no_mark(
    lab: Review,
) -> None:
    lab.lend("gpu", "1 lender", "1 group:core")
    lab.lend("arm")
    number = lab.ask("ada", "gpu")
    for name in ("dan", "ben"):
        lab(name)("request approve", request=number)
    grant(lab("ben"), resource=["arm"])
    assert [each.flags for each in lab("ada")("access public").grants] == [(), ()]


def test_terms_are_taken_by_who_keeps_them(lab: Review) -> None:
    """Or a lender of one resource would publish the terms of all others."""
    for name in ("house", "free"):
        lab.owner("terms publish", name=name, document=Document("t", b"be nice"))
    lab.lend("gpu")
    lab.lend("arm", terms="house")
    lab.end_lender("ben", "arm")
    for terms in ("house", "free"):
        with pytest.raises(NotPermitted, match="does not lend all"):
            lab("ben")("resource change", name="gpu", terms=terms)
    assert lab("eve")("resource change", name="gpu", terms="house").changed
    with pytest.raises(NotPermitted):
        lab("ben")("terms publish", name="house", document=Document("t", b"or else"))


def test_what_was_accepted_through_a_link_ends_with_it(lab: Review) -> None:
    lab.owner("terms publish", name="rules", document=Document("t", b"be nice"))
    lab.owner("user link", name="ada", person="github:bo#5")
    lab.owner("user link", name="ada", person="github:cy#6")
    assert lab("ada")("terms accept", name="rules").new == 3
    lab.owner("terms accept", name="rules", person="github:cy#6")  # by themselves, elsewhere
    for person in ("github:bo#5", "github:cy#6"):
        assert lab.owner("user unlink", name="ada", person=person).changed
    with lab.store.database.read() as facts:
        left = {
            ("rules", 1, f"user:{lab.ids['ada']}"),
            ("rules", 1, "github:6"),
        }
        assert facts.terms.accepted("rules") == left


def test_an_id_is_that_of_the_name(tmp_path: Path) -> None:
    """A repository that all trust, with the id of another one behind it."""
    github = GitHub()
    trusted, own = github.repository("lab/tool"), github.repository("mallory/own")
    ada, eve = github.account("ada"), github.account("eve")
    with github.api() as api:
        environ = {"HOME": str(tmp_path), **github.api_settings(api)}
        settings = Settings.read(environ, store=tmp_path / "store")
        with closing(Store(settings, now=Clock())) as store:
            owner = Caller(store)
            owner("resource create", name="gpu", kind="runner")
            owner("namespace create", name="lab")
            owner("terms publish", name="rules", document=Document("t", b"be nice"))
            make_user(store, "ada", None)
            project, wrong = f"github:lab/tool#{trusted['id']}", f"github:lab/tool#{own['id']}"
            person = {"name": "ada", "person": f"github:ada#{eve['id']}"}
            attacks: list[tuple[str, dict[str, Any]]] = [
                ("grant create", {"project": wrong}),
                ("grant create", {"project": "namespace:lab#999"}),
                ("grant create", {"project": "namespace:gone#999"}),
                ("grant create", {"project": project, "trusted_fork": [wrong]}),
                ("grant create", {"project": project, "person": [person["person"]]}),
                ("grant create", {"project": project, "person": ["user:ada#somebody-else"]}),
                ("terms accept", {"name": "rules", "person": person["person"]}),
                ("user link", person),
            ]
            for name, given in attacks:
                said = {"resource": ["gpu"], "reason": "tests"} if name == "grant create" else {}
                with pytest.raises(AnotherId):
                    owner(name, **said, **given)
            assert grant(owner, project=project)
            assert owner("user link", name="ada", person=f"github:ada#{ada['id']}").changed
            with pytest.raises(CondariumError):
                owner("user link", name="ada", person="github:nobody#1")


def test_what_a_machine_asked_for_needs_an_administrator(lab: Review) -> None:
    """Whoever holds its token would approve their own request."""
    lab.lend("gpu")
    with lab.store.database.note() as facts:
        facts.principals.add(PrincipalKind.SERVICE, "ci", at=lab.store.now(), by="ben")
    number = lab.ask("ci", "gpu")
    with pytest.raises(NotPermitted, match="only approvals of administrators"):
        lab("ben")("request approve", request=number)
    lab("root0")("request approve", request=number)
    assert str(lab("ada")("request show", request=number).request.state) == "approved"
    again = lab.ask("ci", "gpu", project="github:lab/other#13")
    assert lab("ben")("request deny", request=again, reason="no").request.decided_at
