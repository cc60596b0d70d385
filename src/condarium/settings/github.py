"""What is known of GitHub: where its API is, who we are there, and what its webhooks prove."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from condarium.model.secret import Secret
from condarium.settings import reading
from condarium.settings.reading import BadSetting

_SECRETS = "CONDARIUM_GITHUB_WEBHOOK_SECRET"
_SHORTEST = 16


@dataclass(frozen=True, kw_only=True)
class GitHubSettings:
    """Webhooks are taken where there is one of `webhook_secrets`, and the API is asked where there
    is a `token`. There are several secrets while one takes another's place."""

    api: str = "https://api.github.com"
    token: Secret | None = None
    webhook_secrets: tuple[Secret, ...] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_GITHUB_API, _GITHUB_TOKEN and _GITHUB_WEBHOOK_SECRET. Raises BadSetting.

        Secrets have lines or commas between them.
        """
        return cls(
            api=reading.url("CONDARIUM_GITHUB_API", environ) or cls.api,
            token=reading.secret("CONDARIUM_GITHUB_TOKEN", environ),
            webhook_secrets=_secrets(environ),
        )


def _secrets(environ: Mapping[str, str]) -> tuple[Secret, ...]:
    said = reading.secret(_SECRETS, environ)
    words = [word for word in re.split(r"[\s,]+", said.reveal() if said else "") if word]
    if short := [word for word in words if len(word) < _SHORTEST]:
        found = f"one of {len(short[0])} characters"
        raise BadSetting(_SECRETS, found, f"secrets of at least {_SHORTEST} characters")
    return tuple(map(Secret, words))
