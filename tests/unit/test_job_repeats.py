"""A job may be begun again after it has changed things, and why that does no harm."""

from condarium.app import operations

READS = {"lock", "channel verify", "backup verify"}
"""They change nothing."""
THE_SAME_AGAIN = {
    "env restore", "env verify", "gc", "channel mirror", "channel import-index",
    "channel import-wheels", "backup prune", "grant review-due",
}  # fmt: skip
"""Done twice, they leave what doing them once leaves."""
FINDS_ITS_OWN = {"env build", "backup"}
"""They note which job they belong to, and a later attempt gives what an earlier one made."""


def test_every_operation_that_is_a_job_may_be_begun_again() -> None:
    kinds = (READS, THE_SAME_AGAIN, FINDS_ITS_OWN)
    jobs = {each.name for each in operations().values() if each.job}
    assert jobs == set().union(*kinds)
    assert sum(map(len, kinds)) == len(jobs)
    assert not [name for name in READS if operations()[name].changes]
