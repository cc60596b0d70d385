"""Arguments as jobs keep them."""

import pytest

from condarium.jobs.asking.arguments import SecretInArguments, check_keeps_no_secret


@pytest.mark.parametrize(
    "argument",
    [
        "https://me:hunter2@conda.example/lab",
        "https://conda.example/t/hunter2/lab",
        ("numpy", "https://me:hunter2@conda.example/lab::tool"),
    ],
)
def test_a_job_keeps_no_credentials(argument: object) -> None:
    with pytest.raises(SecretInArguments) as caught:
        check_keeps_no_secret({"channel": None, "source": argument})
    assert "hunter2" not in str(caught.value) + repr(vars(caught.value))


def test_a_url_without_credentials_is_kept() -> None:
    check_keeps_no_secret({"source": "https://conda.example/lab", "force": True, "spec": ("a",)})
