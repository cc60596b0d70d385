"""What people say of a resource becomes settings, or is refused with what was expected."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from condarium.errors import BadInput, BadName, UnknownPlatform
from condarium.model.governance.amounts import CREDIT
from condarium.model.governance.described import BadSetting, Described, differences
from condarium.model.governance.resources import (
    LENDER_APPROVES,
    Approvals,
    ApproverKind,
    BadRule,
    ResourceKind,
    ResourceName,
    Settings,
    looks,
)

PLAIN = Settings(kind=ResourceKind.QUEUE)
FULL = Settings(
    kind=ResourceKind.RUNNER,
    provider="acme",
    description="Four A100",
    platform="linux-64",
    label="gpu",
    labels=("big", "fast"),
    capacity=4,
    most_per_project=2,
    longest_job=timedelta(hours=12),
    factor=8 * CREDIT,
    terms="rules",
    rule=(Approvals(count=2, kind=ApproverKind.GROUP, group="core"),),
    unique_label=True,
    contact="lab@example.org",
    private="rack 3",
)


def test_what_is_not_said_stays() -> None:
    assert Described().settings(FULL) == FULL


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ({"provider": "acme"}, {"provider": "acme"}),
        ({"label": "GPU-A100"}, {"label": "gpu-a100"}),
        ({"labels": ("Big", "big", "fast")}, {"labels": ("big", "fast")}),
        ({"capacity": "4", "most_per_project": "1"}, {"capacity": 4, "most_per_project": 1}),
        ({"factor": "2.5"}, {"factor": 2_500_000}),
        ({"longest_job": timedelta(minutes=5)}, {"longest_job": timedelta(minutes=5)}),
        ({"platform": "linux-aarch64"}, {"platform": "linux-aarch64"}),
        ({"terms": "rules"}, {"terms": "rules"}),
        ({"unique_label": True, "public": False}, {"unique_label": True, "public": False}),
        ({"private": "rack 3\nkey in the safe"}, {"private": "rack 3\nkey in the safe"}),
        (
            {"rule": ("1 lender", " 2  group:core ")},
            {"rule": (*LENDER_APPROVES, Approvals(count=2, kind=ApproverKind.GROUP, group="core"))},
        ),
    ],
    ids=lambda case: next(iter(case)),
)
def test_what_is_said_is_read(said: dict[str, Any], becomes: dict[str, Any]) -> None:
    after = Described(**said).settings(PLAIN)
    assert {name: getattr(after, name) for name in becomes} == becomes
    assert set(differences(PLAIN, after)) == set(becomes)


@pytest.mark.parametrize("nothing", ["", "none"])
@pytest.mark.parametrize(
    "setting",
    [
        "provider",
        "description",
        "platform",
        "label",
        "labels",
        "capacity",
        "most_per_project",
        "terms",
        "contact",
        "private",
    ],
)
def test_what_is_emptied_is_said_to_be(setting: str, nothing: str) -> None:
    said: Any = (nothing,) if setting == "labels" else nothing
    after = Described(**{setting: said}).settings(FULL)
    assert getattr(after, setting) == getattr(PLAIN, setting)


@pytest.mark.parametrize(
    ("setting", "found", "error"),
    [
        ("provider", "Acme", BadName),
        ("provider", "ac me", BadName),
        ("label", "gpu a100", BadName),
        ("label", "gpü", BadName),
        ("label", "gpu-а100", BadName),  # noqa: RUF001 - a Cyrillic letter
        ("label", "ｇｐｕ", BadName),  # noqa: RUF001 - wide letters
        ("label", "a" * 129, BadName),
        ("labels", ("fine", "not fine"), BadName),
        ("capacity", "0", BadSetting),
        ("capacity", "-1", BadSetting),
        ("capacity", "2.5", BadSetting),
        ("capacity", "100001", BadSetting),
        ("capacity", "9" * 40, BadSetting),
        ("capacity", "٤", BadSetting),
        ("most_per_project", "many", BadSetting),
        ("factor", "0", BadSetting),
        ("factor", "-1", BadSetting),
        ("factor", "1e3", BadSetting),
        ("factor", "100001", BadSetting),
        ("factor", "none", BadSetting),
        ("longest_job", timedelta(), BadSetting),
        ("longest_job", timedelta(days=367), BadSetting),
        ("unused_after", timedelta(), BadSetting),
        ("platform", "linux", UnknownPlatform),
        ("terms", "My Terms", BadName),
        ("rule", ("none",), BadRule),
        ("rule", ("0 lender",), BadRule),
        ("rule", ("100 lender",), BadRule),
        ("rule", ("1 lender", "1 ada"), BadRule),
        ("rule", ("1 group:",), BadRule),
        ("description", "two\nlines", BadSetting),
        ("description", "x" * 501, BadSetting),
        ("private", "x" * 10_001, BadSetting),
    ],
)
def test_what_cannot_be_is_refused(setting: str, found: Any, error: type[BadInput]) -> None:
    with pytest.raises(error) as caught:
        Described(**{setting: found}).settings(FULL)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("name", ["GPU", "gpü", "", "-gpu", "a" * 65, "gpu/a", "gpu\n", "gpu "])
def test_a_name_is_plain(name: str) -> None:
    with pytest.raises(BadName):
        ResourceName.parse(name)


@pytest.mark.parametrize("other", ["gpu-al00", "gpu_a100", "GPU.AiOO", "gpu-a10o"])
def test_names_that_look_alike_are_told(other: str) -> None:
    assert looks(other) == looks("gpu-a100")


@pytest.mark.parametrize("other", ["gpu-a101", "gpua100", "gpu-a-100", "gpu-a1000"])
def test_names_that_differ_are_told_apart(other: str) -> None:
    assert looks(other) != looks("gpu-a100")


def test_what_is_private_is_not_said_where_changes_are() -> None:
    said = differences(PLAIN, FULL)
    assert said["private"] == "changed"
    assert "rack" not in str(said)
    assert said["factor"] == "8"
    assert said["rule"] == "2 group:core"
    assert differences(FULL, PLAIN)["capacity"] == "none"


def test_all_that_can_be_said_is_a_setting() -> None:
    names = {each.name for each in fields(Described)}
    assert names == {each.name for each in fields(Settings)} - {"kind", "machine"}


@pytest.mark.parametrize("rule", ["1 lender", "12 group:core-team"])
def test_a_rule_is_written_as_it_is_read(rule: str) -> None:
    assert str(Approvals.parse(rule)) == rule
