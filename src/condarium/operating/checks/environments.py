"""Environments: does each link lead to the active prefix, and is that there?"""

from collections.abc import Iterator

from condarium.operating.checks.registry import Examination, Found, check, ok, problem, warning


@check("environments")
def environments(examined: Examination) -> Iterator[Found]:
    layout = examined.store.layout
    with examined.store.database.read() as facts:
        active = [each for each in facts.environments.all() if each.active is not None]
    absent, astray = [], []
    for each in active:
        if each.prefix is None:  # active for another platform
            continue
        link = layout.link(each.name)
        if not (layout.prefix(each.prefix) / "conda-meta" / "condarium").exists():
            absent.append(str(each.name))
        elif not link.is_symlink() or link.resolve().name != each.prefix:
            astray.append(str(each.name))
    if absent:
        hint = "`condarium env restore NS/NAME` makes a prefix again, and so does the next build."
        yield warning(f"the prefixes of {_some(absent)} are not on this disk", hint)
    if astray:
        hint = "`condarium gc` sets links right; the next command on an environment does so too."
        yield problem(f"the links of {_some(astray)} do not lead to what is active", hint)
    if not absent and not astray:
        yield ok(f"the links of {len(active)} lead to what is active")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} others" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
