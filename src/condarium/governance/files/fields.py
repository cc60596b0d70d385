"""The keys of our own format: which value each is, how it is read and how it is spelled.

A value that is as it would be without its key is not written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from condarium.governance.files.spelling import (
    one_of,
    read_count,
    read_credits,
    read_flag,
    read_moment,
    read_span,
    read_word,
    say_credits,
    say_moment,
    say_span,
)
from condarium.model.governance.amounts import CREDIT, Period, read_amount, say_amount
from condarium.model.governance.projects import Person, Project, with_id
from condarium.model.governance.resources import Approvals, ResourceKind, check_label, check_name


class Number(str):
    """A number as it is spelled, which YAML shall not put between quotes."""


class Moment(str):
    """An instant as it is spelled, which YAML shall not put between quotes."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A key, the attribute that it is, and both ways between text and value.

    `many` says that it is a list, `tree` that it is YAML of any kind. `without` is the value where
    the key is not there, and `unsaid` what no value means, in words.
    """

    key: str
    expected: str
    read: Callable[[str], Any] = str
    say: Callable[[Any], Any] = str
    many: bool = False
    tree: bool = False
    without: Any = None
    unsaid: str = "none"
    attribute: str = ""

    @property
    def name(self) -> str:
        return self.attribute or self.key


def _same(value: Any) -> Any:
    return value


def _moment(key: str, attribute: str, unsaid: str) -> Field:
    return Field(
        key=key,
        unsaid=unsaid,
        attribute=attribute,
        expected="an instant such as 2026-03-01T09:00:00Z, or a day such as 2026-03-01",
        read=read_moment,
        say=lambda value: Moment(say_moment(value)),
    )


def _text(key: str, expected: str) -> Field:
    return Field(key=key, expected=expected, without="")


def _flag(key: str, *, without: bool = False) -> Field:
    return Field(key=key, expected="true or false", read=read_flag, say=_same, without=without)


def _words(key: str, expected: str) -> Field:
    return Field(key=key, expected=expected, read=read_word, many=True, without=(), unsaid="any")


def _count(key: str) -> Field:
    expected = "a whole number above nothing"
    return Field(key=key, expected=expected, read=read_count, say=_same, unsaid="no limit")


_PERIODS = ", ".join(Period)

RESOURCE = (
    Field(
        key="kind",
        expected=f"one of {', '.join(ResourceKind)}",
        read=one_of(ResourceKind),
    ),
    Field(key="provider", expected="a name such as cirun", read=check_name, without=""),
    _text("description", "a text"),
    _text("platform", "a platform such as linux-64"),
    Field(key="label", expected="a runner's label", read=check_label, without=""),
    Field(key="labels", expected="a runner's label", read=check_label, many=True, without=()),
    _count("capacity"),
    _count("most_per_project"),
    Field(key="longest_job", expected="a duration such as 6h", read=read_span, say=say_span),
    Field(
        key="cost_factor",
        attribute="factor",
        expected="what an hour costs in credits, such as 2.5",
        read=read_amount,
        say=lambda value: Number(say_amount(value)),
        without=CREDIT,
    ),
    Field(key="terms", expected="the name of terms", read=check_name),
    Field(
        key="rule",
        expected="approvals such as 1 lender or 2 group:core",
        read=Approvals.parse,
        many=True,
    ),
    _flag("unique_label"),
    Field(key="unused_after", expected="a duration such as 180d", read=read_span, say=say_span),
    _flag("public", without=True),
    _text("contact", "a text"),
    _text("private", "a text"),
    Field(key="machine", expected="a mapping", tree=True, without={}),
)
"""Of a resource, as `model.governance.resources.Settings` has them, besides its budgets."""

BUDGET = (
    Field(key="donor", expected="a name such as acme", read=check_name),
    Field(
        key="amount",
        expected="an amount such as 40 credits",
        read=read_credits,
        say=say_credits,
    ),
    Field(key="period", expected=f"one of {_PERIODS}", read=one_of(Period)),
    _moment("from", "starts_at", "now"),
    _moment("until", "ends_at", "no end"),
)

PULL_REQUESTS = Field(
    key="pull_requests",
    attribute="pull_request",
    expected="true or false",
    read=read_flag,
    say=_same,
    without=False,
)
CONDITIONS = (
    _words("branches", "the name of a branch"),
    _words("events", "an event such as push"),
    Field(
        key="trusted_forks",
        expected="a project such as github:ada/numpy-feedstock#123",
        read=Project.parse,
        say=with_id,
        many=True,
        without=(),
    ),
    _flag("fork_approval"),
    Field(
        key="people",
        expected="a person such as github:ada#123",
        read=Person.parse,
        say=with_id,
        many=True,
        unsaid="anybody",
    ),
    Field(key="people_from", expected="a URL"),
    _words("roles", "a role in the repository"),
)

LENDING = (
    Field(
        key="quota",
        expected="an amount such as 40 credits",
        read=read_credits,
        say=say_credits,
        unsaid="no limit",
    ),
    Field(key="period", expected=f"one of {_PERIODS}", read=one_of(Period), without=Period.MONTH),
    _moment("from", "starts_at", "at once"),
    _moment("until", "expires_at", "no end"),
    _text("called", "a name"),
)

GRANT = (
    _flag("suspended"),
    _text("reason", "why, as a text"),
)
"""Of a grant, besides its project, its resource and what is above."""
