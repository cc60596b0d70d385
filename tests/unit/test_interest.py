"""Which views are kept up: those asked for last, and none drives out another kind."""

from condarium.channels.encodings.interest import Interest, by_importance
from condarium.model.view import View

LAB, DEV = View.parse("lab"), View.parse("lab/label/dev")
WEEK, DAY, HOUR = (View.parse(f"lab/cooldown/{each}") for each in ("7d", "1d", "1h"))


def test_the_last_are_remembered() -> None:
    interest = Interest(plain=2, cooled=2)
    for view in (LAB, WEEK, DAY, WEEK, HOUR, DEV):
        interest.note((view, "noarch"))
    assert interest.all() == {(view, "noarch") for view in (LAB, DEV, WEEK, HOUR)}
    assert (DAY, "noarch") not in interest
    assert (LAB, "linux-64") not in interest


def test_what_is_new_in_it_is_counted() -> None:
    interest = Interest()
    for subdir in ("noarch", "noarch", "linux-64"):
        interest.note((LAB, subdir))
    assert interest.changes == 2


def test_main_comes_first() -> None:
    wanted = [(view, "noarch") for view in (DAY, DEV, View.parse("zoo"), LAB)]
    assert [str(view) for view, _ in by_importance(wanted)] == [
        *("lab", "zoo"),
        *("lab/label/dev", "lab/cooldown/1d"),
    ]
