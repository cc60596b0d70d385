"""Admissions as operations: who may see, take, end and cancel them, and how they look."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.lending import COMMIT, job
from tests.support.people import Caller, Clock, someone, store_with_administrator, user

from condarium.cli.main import main
from condarium.errors import BadArguments, CondariumError, NotPermitted
from condarium.governance.admission.admitting import admit
from condarium.governance.admission.credentials import CredentialRefused, NotTheHolder
from condarium.model.audit import Outcome
from condarium.model.document import Document
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import CREDIT
from condarium.model.governance.projects import Person, Project
from condarium.settings import Settings
from condarium.storage.governance.admissions import NoSuchAdmission
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.store import Store

LAB = "github:lab/tool#11"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=clock)) as store:
        yield store


@pytest.fixture
def owner(store: Store) -> Caller:
    """Lena lends gpu, ron's machines run it, ada is at GitHub who triggers, and bo is somebody."""
    owner = store_with_administrator(store)
    for name in ("lena", "ron", "ada", "bo"):
        user(owner, name)
    owner("resource create", name="gpu", kind="runner")
    owner("resource create", name="hidden", kind="runner", private=True)
    owner("access bind", subject="lena", role="lender", resource="gpu")
    owner("access bind", subject="ron", role="runner", resource="gpu")
    owner("user link", name="ada", person="github:ada#1")
    owner("grant create", resource=("gpu", "hidden"), project=LAB, reason="why not")
    return owner


def ask(store: Store, external: str, **said: Any) -> Admission:
    found = admit(
        store, job(**said), source="github", external=external, actor=Caller(store).app.actor
    )
    assert found is not None
    return found


def file(secret: str) -> Document:
    return Document(name="credential", content=f"{secret}\n".encode())


def redeemed(caller: Caller, secret: str) -> Admission:
    given = {"credential": file(secret), "resource": "gpu", "commit": COMMIT}
    return caller("admission redeem", project=LAB, **given)


def taken(caller: Caller) -> Admission:
    return redeemed(caller, caller("admission next", resource="gpu").secret)


CHANGES = [
    ("grant change", {"grant": 1, "branch": ["main"], "reason": "narrower"}),
    ("grant suspend", {"grant": 1, "reason": "a question"}),
    ("resource change", {"name": "gpu", "longest_job": "1m"}),
]
"""What makes a job of the branch dev one that would not be admitted."""


def test_who_runs_or_lends_it_and_whose_it_is_may_see_an_admission(
    store: Store, owner: Caller
) -> None:
    ask(store, "1")
    ask(store, "2", person=Person.parse("github:cy#3"))
    ask(store, "3", labels=("hidden",))
    seen = {
        name: [each.id for each in someone(store, name)("admission list")]
        for name in ("lena", "ron", "ada", "bo", "root0")
    }
    assert seen == {"lena": [2, 1], "ron": [2, 1], "ada": [3, 1], "bo": [], "root0": [3, 2, 1]}
    assert someone(store, "ada")("admission show", admission=1).waits == "nothing: it is next"
    with pytest.raises(NoSuchAdmission):
        someone(store, "bo")("admission show", admission=1)
    with pytest.raises(NoSuchAdmission):
        someone(store, "ron")("admission show", admission=3)


def test_who_asked_for_a_grant_sees_its_jobs(store: Store, owner: Caller) -> None:
    bo, tool = someone(store, "bo"), "github:bo/tool#7"
    bo("request create", project=tool, resource=("gpu",), purpose="tests")
    someone(store, "lena")("request approve", request=1)
    ask(store, "1", project=Project.parse(tool))
    ask(store, "2")
    assert [str(each.project) for each in bo("admission list")] == ["github:bo/tool"]
    assert bo("admission show", admission=1).grant == 3


def test_a_list_comes_in_pages_and_is_narrowed(store: Store, owner: Caller) -> None:
    for number in range(5):
        ask(store, str(number), branch=f"b{number}")
    ask(store, "x", event="pull_request")
    page = owner("admission list", limit=2)
    assert [each.id for each in page] == [6, 5]
    assert [each.id for each in owner("admission list", limit=9, cursor=page.next)] == [4, 3, 2, 1]
    assert [each.id for each in owner("admission list", state="refused")] == [6]
    assert len(owner("admission list", resource="gpu", project="github:LAB/tool")) == 6
    assert not owner("admission list", project="github:lab/tool#99")


def test_a_runner_takes_redeems_and_ends_a_job(store: Store, owner: Caller, clock: Clock) -> None:
    ask(store, "1")
    ron = someone(store, "ron")
    offer = ron("admission next", resource="gpu", runner="r1")
    given = {"credential": file(offer.secret), "resource": "gpu", "commit": COMMIT}
    with pytest.raises(CredentialRefused, match="another project"):
        ron("admission redeem", project="github:lab/tool#12", **given)
    running = ron("admission redeem", project=LAB, **given)
    assert running.state is AdmissionState.RUNNING
    clock.now = running.lease_until
    assert ron("admission heartbeat", admission=1).lease_until > running.lease_until
    assert ron("admission end", admission=1, seconds=36).cost == -(-CREDIT // 12)
    with store.database.read() as facts:
        said = [(each.action, each.actor, each.outcome) for each in facts.audit.all()][-4:]
    assert said == [
        ("admission offer", "ron", Outcome.DONE),
        ("admission redeem", "ron", Outcome.REFUSED),
        ("admission redeem", "ron", Outcome.DONE),
        ("admission end", "ron", Outcome.DONE),
    ]
    with store.database.read() as facts:
        assert not [each for each in facts.audit.all() if offer.secret in str(each)]


def test_a_lender_corrects_how_long_it_took(store: Store, owner: Caller, clock: Clock) -> None:
    ask(store, "1")
    owner("access bind", subject="lena", role="runner", resource="gpu")
    ron, lena = someone(store, "ron"), someone(store, "lena")
    taken(ron)
    clock.now += timedelta(minutes=4)
    ron("admission heartbeat", admission=1)
    assert lena("admission end", admission=1, seconds=36).cost == CREDIT // 100


def test_only_who_took_a_job_redeems_and_ends_it(store: Store, owner: Caller, clock: Clock) -> None:
    ask(store, "1")
    owner("access bind", subject="bo", role="runner", resource="gpu")
    ron, bo = someone(store, "ron"), someone(store, "bo")
    secret = ron("admission next", resource="gpu").secret
    with pytest.raises(CredentialRefused, match="whoever was offered"):
        redeemed(bo, secret)
    redeemed(ron, secret)
    for verb in ("heartbeat", "end"):
        with pytest.raises(NotTheHolder, match="bo did not take admission 1"):
            bo(f"admission {verb}", admission=1)
    assert ron("admission end", admission=1).state is AdmissionState.ENDED


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_while_a_job_waited_is_asked_when_it_is_offered(
    store: Store, owner: Caller, change: tuple[str, dict[str, Any]]
) -> None:
    ask(store, "1", branch="dev", role="write")
    ask(store, "2")
    verb, given = change
    owner(verb, **given)
    offer = someone(store, "ron")("admission next", resource="gpu")
    assert offer.admission is None or offer.admission.id == 2
    assert not [each for each in owner("admission list", state="offered") if each.id == 1]
    found = owner("admission show", admission=1)
    assert found.state in (AdmissionState.CANCELLED, AdmissionState.WAITING)
    assert "not admitted any more" in found.why or "is suspended" in found.waits


@pytest.mark.parametrize("change", CHANGES)
def test_and_when_it_is_redeemed(
    store: Store, owner: Caller, change: tuple[str, dict[str, Any]]
) -> None:
    ask(store, "1", branch="dev")
    ron = someone(store, "ron")
    secret = ron("admission next", resource="gpu").secret
    verb, given = change
    owner(verb, **given)
    with pytest.raises(CredentialRefused, match="is void"):
        redeemed(ron, secret)
    assert owner("admission show", admission=1).state is AdmissionState.WAITING


def test_who_may_not_run_a_resource_gets_none_of_its_jobs(store: Store, owner: Caller) -> None:
    ask(store, "1")
    secret = owner("admission next", resource="gpu").secret
    for name in ("ada", "bo"):
        stranger = someone(store, name)
        with pytest.raises(NotPermitted):
            stranger("admission next", resource="gpu")
        with pytest.raises(NotPermitted):
            stranger(
                "admission redeem",
                credential=file(secret),
                resource="gpu",
                project=LAB,
                commit=COMMIT,
            )
        for verb in ("heartbeat", "end"):
            with pytest.raises(CondariumError):
                stranger(f"admission {verb}", admission=1)
    with pytest.raises(NoSuchResource):
        someone(store, "ron")("admission next", resource="hidden")


def test_a_job_is_cancelled_by_who_lends_and_by_whose_it_is(store: Store, owner: Caller) -> None:
    for number in range(3):
        ask(store, str(number))
    assert someone(store, "ada")("admission cancel", admission=1).state is AdmissionState.CANCELLED
    done = someone(store, "lena")("admission cancel", admission=2, reason="too many")
    assert (done.state, done.cost) == (AdmissionState.CANCELLED, 0)
    assert done.why == "cancelled by lena: too many"
    with pytest.raises(NotPermitted):
        someone(store, "ron")("admission cancel", admission=3)
    with pytest.raises(NoSuchAdmission):
        someone(store, "bo")("admission cancel", admission=3)
    with pytest.raises(CondariumError, match="is cancelled"):
        owner("admission cancel", admission=1)


def test_a_check_says_what_would_be_decided(store: Store, owner: Caller) -> None:
    ada, bo = someone(store, "ada"), someone(store, "bo")
    usual = {"project": LAB, "label": ("gpu",), "person": "github:ada#1"}
    assert ada("access check", **{**usual, "person": "github:Ada"}).allowed
    refused = bo("access check", **{**usual, "event": "pull_request"})
    assert refused.reasons[0] == "event: found pull_request; the grant is not for pull requests"
    assert "not said who" in bo("access check", **{**usual, "person": None}).reasons[0]
    assert not owner("admission list")
    nothing = bo("access check", **{**usual, "label": ("hidden",)})
    assert (nothing.governed, nothing.resource) == (False, None)
    assert owner("access check", **{**usual, "label": ("hidden",)}).allowed
    assert "has no id" in bo("access check", **{**usual, "project": "github:a/b"}).reasons[0]


def test_a_check_tells_nobody_of_the_people_of_a_grant(store: Store, owner: Caller) -> None:
    owner("grant change", grant=1, person=["github:cy#3"], role=["write"], reason="few")
    usual = {"project": LAB, "label": ("gpu",)}
    for person in ("github:cy#3", "github:dee#4", "user:lena", "user:nobody-here", "github:cy"):
        found = someone(store, "bo")("access check", **usual, person=person)
        assert found.allowed
        assert "not told of others, but to lenders: person, role, terms" in found.reasons[1]
    (_, lena), (_, ada) = (
        (name, someone(store, name)("access check", **usual, person="github:ada#1"))
        for name in ("lena", "ada")
    )
    assert lena.reasons == ada.reasons
    assert "github:ada is not among the people" in ada.reasons[0]


def test_a_check_tells_of_no_namespace_that_is_hidden(store: Store, owner: Caller) -> None:
    owner("resource create", name="farm", kind="queue")
    owner("namespace create", name="secret")
    found = [
        someone(store, "bo")("access check", project=f"namespace:{name}", label=("farm",))
        for name in ("secret", "secret#1", "no-such")
    ]
    assert [each.reasons[0].partition(",")[0] for each in found] == [
        "which project namespace:secret is",
        "which project namespace:secret is",
        "which project namespace:no-such is",
    ]


def test_a_project_without_its_id_redeems_nothing(store: Store, owner: Caller) -> None:
    ask(store, "1")
    secret = owner("admission next", resource="gpu").secret
    given = {"credential": file(secret), "resource": "gpu", "commit": COMMIT}
    with pytest.raises(BadArguments, match="is not known"):
        owner("admission redeem", project="github:lab/tool", **given)


def test_it_looks_like_this(
    store: Store, owner: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(store, "1", branch="main")
    ask(store, "2", event="pull_request")
    at = ["--store", str(tmp_path / "store")]
    secret = tmp_path / "credential"
    assert main(["admission", "next", "gpu", *at]) == 0
    said = capsys.readouterr().out
    secret.write_text(next(line for line in said.splitlines() if "condarium_job_" in line))
    assert "github:lab/tool#11" in said
    redeemed = ["admission", "redeem", "--credential", str(secret), "-r", "gpu", "-p", LAB]
    assert main([*redeemed, "--commit", COMMIT, *at]) == 0
    assert "running" in capsys.readouterr().out
    assert main(["admission", "list", *at]) == 0
    listed = capsys.readouterr().out
    assert "refused" in listed
    assert "up to 6" in listed
    assert main(["admission", "show", "2", *at]) == 0
    assert "not for pull requests" in capsys.readouterr().out
    assert main(["admission", "next", "gpu", *at]) == 0
    assert "nothing may run now" in capsys.readouterr().err
    check = ["access", "check", "-p", LAB, "--label", "gpu", "--person", "github:ada#1"]
    assert main([*check, *at]) == 0
    assert "admitted" in capsys.readouterr().out
