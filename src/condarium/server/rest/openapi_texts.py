"""What the description of the REST face says beside what comes from declarations."""

from collections.abc import Mapping
from typing import Any

INTRODUCTION = """\
Every operation of condarium, as a route. Its arguments and answers are those of the command line \
and of the Python client.

**Signing in.** Send a token as `Authorization: Bearer TOKEN`, as the password of HTTP Basic or as \
`X-API-Key`. Public channels may be read without one.

**Arguments** are in the query of a GET or DELETE, and in the JSON object or form of a POST. An \
argument that is unknown is refused.

**Lists** come whole, or in pages: `?limit=100` gives `{"items": […], "next": "…"}` and a `Link` \
header; `?limit=100&cursor=NEXT` gives the page behind it. What is added or removed meanwhile \
neither repeats nor hides an item.

**Jobs.** What may take long is carried out by a worker. It is answered `202` with the job and its \
`Location`; with `Prefer: wait=30` the answer is the result, if it comes in time. \
`GET /jobs/7/events` follows a job.

**Amounts** of credits are whole microcredits: 1 credit is 1000000, so that they add up exactly. \
Arguments are in credits: `"2.5"`.

**Errors** are `application/problem+json`: `code` is stable, `hint` says what to do next.

**Once.** A changing request with an `Idempotency-Key` may be sent again after a lost connection: \
it is carried out once, and answered alike for a day.
"""
TAGS: Mapping[str, str] = {
    "access": "Who has which role on what, and why",
    "audit": "Who did what, in a chain that can be checked",
    "backups": "Backups that were made",
    "channels": "Channels of packages: publishing, looking, and looking back",
    "environments": "Environments, their generations, and what is on disk",
    "groups": "Groups of principals",
    "jobs": "What workers carry out",
    "namespaces": "What environments belong to, with its quota",
    "query": "Questions about packages",
    "schedules": "What becomes a job at certain times",
    "service-accounts": "Accounts of programs",
    "sources": "Source archives, kept for the day that upstream is gone",
    "tokens": "Tokens that stand for their owner, or for a part of what they may do",
    "users": "Accounts of people",
    "workers": "Who carries out jobs",
}
EXAMPLE = {
    "name": "environment.yml",
    "content": "name: fit\nchannels: [conda-forge]\ndependencies: [python >=3.12, numpy]\n",
}
PROBLEMS: Mapping[str, tuple[str, str]] = {
    "BadInput": ("400", "an argument is not what it must be"),
    "NotSignedIn": ("401", "it needs a token, or another one"),
    "Refused": ("403", "you may not do this"),
    "NotFound": ("404", "there is no such thing, or you may not know of it"),
    "Conflict": ("409", "the state of the thing does not allow this"),
    "Failed": ("default", "it was tried and did not succeed"),
}
"""Responses by name: the status, and what it means."""
SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "a token"},
    "basic": {"type": "http", "scheme": "basic", "description": "a token as the password"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "a token"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "condarium-session",
        "description": "a browser's session; what changes things has to come from our own pages",
    },
}
