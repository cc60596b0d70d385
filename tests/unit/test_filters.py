"""What a proxy's filter says of names, and of records."""

import pytest

from condarium.channels.remote.filters import Share, Sieve
from condarium.model.hosting.hosted import Filter

ALL, SOME, NONE = Share.ALL, Share.SOME, Share.NONE
SHARES = [
    (Filter(), "numpy", ALL),
    (Filter(specs=("numpy",)), "numpy", ALL),
    (Filter(specs=("numpy",)), "scipy", NONE),
    (Filter(specs=("numpy >=2",)), "numpy", SOME),
    (Filter(specs=("numpy >=2", "numpy")), "numpy", ALL),
    (Filter(specs=("num*",)), "scipy", SOME),
    (Filter(exclude=("numpy",)), "numpy", NONE),
    (Filter(exclude=("numpy <2",)), "numpy", SOME),
    (Filter(exclude=("numpy <2",)), "scipy", ALL),
    (Filter(specs=("numpy",), exclude=("numpy <2",)), "numpy", SOME),
    (Filter(licenses=("MIT",)), "numpy", SOME),
    (Filter(subdirs=("noarch",)), "numpy", NONE),
    (Filter(subdirs=("linux-64",)), "numpy", ALL),
]
RECORD = {
    "name": "numpy",
    "version": "2.1",
    "build": "py311_0",
    "build_number": 0,
    "license": "MIT",
}
RECORDS = [
    (Filter(), True),
    (Filter(specs=("numpy >=2",)), True),
    (Filter(specs=("numpy <2",)), False),
    (Filter(specs=("numpy <2", "numpy 2.1.*")), True),
    (Filter(specs=("numpy * py312*",)), False),
    (Filter(exclude=("numpy 2.*",)), False),
    (Filter(exclude=("[subdir=win-64]",)), True),
    (Filter(licenses=("mit", "BSD-3-Clause")), True),
    (Filter(licenses=("BSD-3-Clause",)), False),
    (Filter(subdirs=("noarch",)), False),
]
ASKING = [
    (Filter(specs=("numpy >=2",), exclude=("scipy",)), False),
    (Filter(licenses=("MIT",)), True),
    (Filter(exclude=("py*",)), True),
]


@pytest.mark.parametrize(("chosen", "name", "share"), SHARES)
def test_names(chosen: Filter, name: str, share: Share) -> None:
    assert Sieve(chosen).share("linux-64", name) is share


@pytest.mark.parametrize(("chosen", "passes"), RECORDS)
def test_records(chosen: Filter, passes: bool) -> None:
    assert Sieve(chosen).lets("linux-64", "numpy-2.1-py311_0.conda", RECORD) is passes


@pytest.mark.parametrize(("chosen", "all_records"), ASKING)
def test_which_filters_ask_for_every_record(chosen: Filter, all_records: bool) -> None:
    assert Sieve(chosen).asks_all is all_records
