"""Files that ask for machines: what they say, and all that is wrong with them."""

from datetime import timedelta

import pytest

from condarium.errors import BadSpec
from condarium.governance.requests.request_file import read_request
from condarium.model.document import Document
from condarium.model.governance.requests import Asked, Draft

WHOLE = """
version: 1
project: github:lab/fit#12
resources: [gpu-a100, linux-64-8h]
purpose: >-
  Tests of the CUDA builds,
  every night
duration: 90d
use: 40
quota: 60.5
pull_requests: true
conditions:
  branches: [main, 1.10]
  events: push
  people: ["github:ada#7", "user:ben"]
  roles: [write]
  trusted_forks: ["github:ada/fit#13"]
  fork_approval: true
"""


def read(text: str) -> Draft:
    return read_request(Document(name="request.yml", content=text.encode()))


def test_what_a_file_says() -> None:
    draft = read(WHOLE)
    assert (str(draft.project), draft.project.id) == ("github:lab/fit", "12")
    assert draft.resources == ("gpu-a100", "linux-64-8h")
    assert draft.purpose == "Tests of the CUDA builds, every night"
    assert (draft.duration, draft.use) == (timedelta(days=90), 40_000_000)
    assert (draft.asked, draft.lending.quota) == (Asked.USE, 60_500_000)
    conditions = draft.lending.conditions
    assert conditions.branches == ("main", "1.10")
    assert conditions.events == ("push",)
    assert [str(each) for each in conditions.people or ()] == ["github:ada", "user:ben"]
    assert [each.id for each in conditions.trusted_forks] == ["13"]
    assert conditions.pull_request
    assert conditions.fork_approval


SHORT = "version: 1\nproject: namespace:lab\nresources: gpu\npurpose: tests\n"


def test_the_shortest_one_and_one_that_revokes() -> None:
    draft = read(SHORT)
    assert (draft.resources, draft.duration, draft.use) == (("gpu",), None, None)
    assert draft.lending.conditions.people is None
    assert read(f"{SHORT}revoke: true\n").asked is Asked.REVOKE


BAD = [
    ("", "1:1: found an empty file; expected the keys of a request: version, project"),
    ("[gpu]", "1:1: found a list; expected a mapping with the keys version, project"),
    (SHORT.replace("1", "2", 1), "1:10: found the number 2; expected version 1"),
    (SHORT.replace("version: 1\n", ""), "found no key 'version'; expected 'version: 1'"),
    (SHORT.replace("purpose", "pupose"), "4:1: found the key 'pupose'"),
    (f"{SHORT}conditions:\n  branch: main\n", "6:3: found the key 'branch'"),
    (f"{SHORT}conditions:\n  branch: main\n", "Did you mean 'branches:'?"),
    (f"{SHORT}conditions: main\n", "5:13: found 'main'; expected a mapping with the keys branches"),
    (
        SHORT.replace("namespace:lab", "lab"),
        "2:10: found 'lab' as project; expected a project",
    ),
    (SHORT.replace("gpu", "GPU"), "3:12: found 'GPU' as resources; expected"),
    (f"{SHORT}duration: soon\n", "5:11: found 'soon' as duration; expected a duration such as 90d"),
    (f"{SHORT}use: many\n", "5:6: found 'many' as use; expected a number such as 40"),
    (f"{SHORT}use: -1\n", "5:6: found the number -1 as use; expected a number such as 40"),
    (f"{SHORT}revoke: maybe\n", "5:9: found 'maybe' as revoke; expected true or false"),
    (f"{SHORT}pull_requests: yes please\n", "expected true or false"),
    (f"{SHORT}use: [1]\n", "5:6: found a list as use; expected a text"),
    (f"{SHORT}purpose: other\n", "5:1: found 'purpose' a second time (the first is in line 4)"),
    (f"{SHORT}conditions:\n  people: [ada]\n", "6:12: found 'ada' as people; expected a person"),
    ("version: 1\n", "found no key 'project'; expected a line 'project: …'"),
    (f"{SHORT}  x: [\n", "request.yml:"),
    ("{{ x }}", "a mapping ('x: …') as a key"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadSpec) as caught:
        read(text)
    assert said in f"{caught.value.message}\n{caught.value.hint}"


def test_everything_that_is_wrong_is_said_together() -> None:
    text = SHORT.replace("namespace:lab", "lab").replace("1", "2", 1) + "use: x\ndurration: 9d\n"
    with pytest.raises(BadSpec) as caught:
        read(text)
    assert [each.line for each in caught.value.problems] == [1, 2, 5, 6]


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(BadSpec, match=r"request.yml:2:1: found bytes that are not UTF-8"):
        read_request(Document(name="request.yml", content=b"version: 1\n\xff"))
