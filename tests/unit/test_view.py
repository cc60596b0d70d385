"""Addresses of views: what they mean, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.errors import BadName
from condarium.model.subdirs import is_subdir
from condarium.model.view import MAIN, BadView, ChannelName, View, check_label

MARCH = datetime(2026, 3, 1, 9, tzinfo=UTC)
LAB = ChannelName("lab")

GOOD = [
    ("lab", View(channel=LAB), "lab"),
    ("/lab/", View(channel=LAB), "lab"),
    ("lab/label/main", View(channel=LAB), "lab"),
    ("lab/label/dev", View(channel=LAB, label="dev"), None),
    ("lab/label/team/rc.1", View(channel=LAB, label="team/rc.1"), None),
    ("lab/label/a/b/as-of/r3", View(channel=LAB, label="a/b", as_of=3), None),
    ("lab/as-of/r0", View(channel=LAB, as_of=0), None),
    ("lab/as-of/r012", View(channel=LAB, as_of=12), "lab/as-of/r12"),
    ("lab/as-of/2026-03-01T09:00:00Z", View(channel=LAB, as_of=MARCH), None),
    (
        "lab/as-of/2026-03-01T10:00:00+01:00",
        View(channel=LAB, as_of=MARCH),
        "lab/as-of/2026-03-01T09:00:00Z",
    ),
    (
        "lab/as-of/2026-03-01T10:00:00 01:00",  # as a URL's query would have decoded it
        View(channel=LAB, as_of=MARCH),
        "lab/as-of/2026-03-01T09:00:00Z",
    ),
    ("lab/cooldown/7d", View(channel=LAB, cooldown=timedelta(days=7)), None),
    ("lab/cooldown/90m", View(channel=LAB, cooldown=timedelta(minutes=90)), None),
    ("lab/cooldown/48h", View(channel=LAB, cooldown=timedelta(days=2)), "lab/cooldown/2d"),
    (
        "lab/cooldown/2d/as-of/r12/label/dev",
        View(channel=LAB, label="dev", as_of=12, cooldown=timedelta(days=2)),
        "lab/label/dev/as-of/r12/cooldown/2d",
    ),
]

BAD = {
    "nothing": ("", BadName),
    "a subdir": ("noarch", BadName),
    "a reserved channel": ("api", BadName),
    "upper case": ("Lab", BadName),
    "a word that means nothing": ("lab/dev", BadView),
    "an empty part": ("lab//label/dev", BadView),
    "no label": ("lab/label", BadView),
    "a label of nothing": ("lab/label/as-of/r1", BadView),
    "a label with an empty part": ("lab/label/a//b", BadName),
    "a label out of its place": ("lab/label/a/../b", BadName),
    "a label that clients shorten": ("lab/label/a/./b", BadName),
    "a label with a subdir": ("lab/label/linux-64", BadName),
    "the reserved label": ("lab/label/nolabel", BadName),
    "a label that begins with a digit": ("lab/label/1a", BadName),
    "a label too long": (f"lab/label/{'a' * 129}", BadName),
    "a word twice": ("lab/as-of/r1/as-of/r2", BadView),
    "two revisions": ("lab/as-of/r1/r2", BadView),
    "no revision": ("lab/as-of/12", BadView),
    "a negative revision": ("lab/as-of/r-1", BadView),
    "digits of another script": ("lab/as-of/r\u0661\u0662", BadView),
    "an instant without a zone": ("lab/as-of/2026-03-01T09:00:00", BadView),
    "a day": ("lab/as-of/2026-03-01", BadView),
    "an instant before all years": ("lab/as-of/0001-01-01T00:00:00+01:00", BadView),
    "a cooldown of nothing": ("lab/cooldown/0d", BadView),
    "a cooldown without a unit": ("lab/cooldown/7", BadView),
    "a cooldown in years": ("lab/cooldown/1y", BadView),
    "a cooldown of more than ten years": ("lab/cooldown/3651d", BadView),
    "a cooldown of an age": ("lab/cooldown/99999w", BadView),
}


@pytest.mark.parametrize(("text", "view", "canonical"), GOOD, ids=[text for text, _, _ in GOOD])
def test_an_address_is_read(text: str, view: View, canonical: str | None) -> None:
    assert View.parse(text) == view
    assert str(view) == (canonical or text)


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_address_is_refused(case: str) -> None:
    text, error = BAD[case]
    with pytest.raises(error) as raised:
        View.parse(text)
    assert raised.value.hint


_labels = st.from_regex(r"[a-zA-Z][0-9a-zA-Z_\-./]{0,40}", fullmatch=True).filter(
    lambda text: (
        text != "nolabel"
        and not {"", ".", "..", "label", "as-of", "cooldown"} & {*text.split("/")}
        and not any(map(is_subdir, text.split("/")))
    )
)
_instants = st.datetimes(timezones=st.just(UTC))
_cooldowns = st.one_of(
    st.integers(1, most).map(lambda number, unit=unit: timedelta(**{unit: number}))  # type: ignore[misc]
    for unit, most in {"minutes": 99_999, "hours": 87_600, "days": 3650, "weeks": 521}.items()
)


@given(
    label=st.just(MAIN) | _labels,
    as_of=st.none() | st.integers(0, 10**18 - 1) | _instants,
    cooldown=st.none() | _cooldowns,
)
def test_an_address_says_all_of_a_view(
    label: str, as_of: int | datetime | None, cooldown: timedelta | None
) -> None:
    view = View(channel=LAB, label=check_label(label), as_of=as_of, cooldown=cooldown)
    assert View.parse(str(view)) == view


@given(st.text(alphabet="lab/es-ofcdwr129.:TZ+ ", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        view = View.parse(text)
    except (BadView, BadName):
        return
    assert View.parse(str(view)) == view
