"""Who needs whom, and the shortest ways."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from condarium.model.dependency_graph import DependencyGraph

NAMES = "abcdefg"
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)
SOURCES = st.frozensets(st.sampled_from(NAMES), max_size=3)


def graph(*pairs: tuple[str, str] | str, packages: str = NAMES) -> DependencyGraph:
    """Make it of pairs, `ab` for "a needs b"."""
    return DependencyGraph.of(packages, [(a, b, f"{b} >=1") for a, b in pairs])


def chains(found: DependencyGraph, sources: str, target: str, limit: int = 100) -> list[str]:
    answer = found.shortest_chains(frozenset(sources), target, limit=limit)
    return ["".join([chain[0].dependent, *(e.package for e in chain)]) for chain in answer.chains]


def test_several_words_for_one_package_are_one_edge() -> None:
    (edge,) = DependencyGraph.of("ab", [("a", "b", "b >=1"), ("a", "b", "b <3")]).edges
    assert edge.specs == ("b >=1", "b <3")


def test_needs_and_needed_by_are_each_other_turned_round() -> None:
    found = graph("ab", "ac", "bc")
    assert [edge.package for edge in found.needs("a")] == ["b", "c"]
    assert [edge.dependent for edge in found.needed_by("c")] == ["a", "b"]
    assert found.needs("c") == found.needed_by("a") == ()


def test_a_name_that_is_only_asked_for_is_part_of_the_graph() -> None:
    found = DependencyGraph.of("a", [("a", "__glibc", "__glibc >=2.17")])
    assert "__glibc" in found
    assert "__cuda" not in found


def test_all_chains_of_the_shortest_length_are_found() -> None:
    assert chains(graph("ab", "ac", "bd", "cd", "ae", "ef", "fd"), "a", "d") == ["abd", "acd"]


def test_each_source_has_its_own_shortest_chains_the_shortest_first() -> None:
    assert chains(graph("ac", "cd", "bd"), "ab", "d") == ["bd", "acd"]


def test_no_chain_passes_through_what_was_asked_for_itself() -> None:
    assert chains(graph("ab", "bc"), "ab", "c") == ["bc"]
    # the way round b is longer, and is the one that explains a
    assert chains(graph("ab", "bd", "ac", "ce", "ed"), "ab", "d") == ["bd", "aced"]


def test_a_target_that_was_asked_for_has_the_chains_of_others() -> None:
    assert chains(graph("ab"), "ab", "b") == ["ab"]
    assert chains(graph("ab"), "b", "b") == []


def test_cycles_do_not_loop() -> None:
    found = graph("ab", "ba", "bc", "cb", "aa")
    assert chains(found, "a", "c") == ["abc"]
    assert {(e.dependent, e.package) for e in found.below("a")} == {
        ("a", "a"), ("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"),
    }  # fmt: skip


def test_what_exceeds_the_limit_is_counted() -> None:
    found = graph("ab", "ac", "bd", "cd").shortest_chains({"a"}, "d", limit=1)
    assert (len(found.chains), found.omitted) == (1, 1)


def test_many_equal_ways_are_counted_and_not_walked() -> None:
    pairs = []
    for layer in range(40):  # 2 ** 40 chains
        pairs += [(f"{layer}{s}", f"{layer + 1}{t}", "") for s in "lr" for t in "lr"]
    found = DependencyGraph.of({p[0] for p in pairs}, pairs)
    answer = found.shortest_chains({"0l"}, "40l", limit=3)
    assert (len(answer.chains), answer.omitted) == (3, 2**39 - 3)


def test_roots_are_what_nothing_needs() -> None:
    assert graph("ab", "bc", packages="abcd").roots() == {"a", "d"}


def test_packages_that_need_each_other_have_one_root_among_them() -> None:
    assert graph("ab", "ba", "bc", packages="abc").roots() <= {"a", "b"}
    assert len(graph("ab", "ba", "bc", packages="abc").roots()) == 1


@given(PAIRS)
def test_every_package_is_reached_from_the_roots(pairs: list[tuple[str, str]]) -> None:
    found = graph(*pairs)
    roots = found.roots()
    reached = roots | {edge.package for root in roots for edge in found.below(root)}
    assert reached == found.packages


@given(PAIRS)
def test_no_root_is_reached_from_another_one(pairs: list[tuple[str, str]]) -> None:
    found = graph(*pairs)
    roots = found.roots()
    for root in roots:
        assert not {edge.package for edge in found.below(root)} & (roots - {root})


@given(PAIRS, SOURCES, st.sampled_from(NAMES))
def test_shortest_chains_are_those_that_trying_everything_finds(
    pairs: list[tuple[str, str]], sources: frozenset[str], target: str
) -> None:
    ways = [way for source in sources for way in every_way(set(pairs), source, sources, target)]
    best = {source: min((len(w) for w in ways if w[0] == source), default=0) for source in sources}
    expected = {way for way in ways if len(way) == best[way[0]]}
    assert set(chains(graph(*pairs), "".join(sources), target)) == expected


def every_way(
    pairs: set[tuple[str, str]], way: str, sources: frozenset[str], target: str
) -> Iterator[str]:
    """Every way without repetition to the target, that does not pass another source."""
    for a, b in pairs:
        if a == way[-1] and b not in way:
            if b == target:
                yield way + b
            elif b not in sources:
                yield from every_way(pairs, way + b, sources, target)
