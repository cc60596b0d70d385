"""The tables. A change here needs a migration in `migrations/versions`; a test compares both.

`answers.HEAD` is the migration that they correspond to.
"""

from condarium.storage.tables.access import (
    bindings,
    failed_sign_ins,
    groups,
    memberships,
    namespaces,
    one_time_secrets,
    principals,
    sessions,
    signing_keys,
    tokens,
)
from condarium.storage.tables.audit import (
    audit,
    audit_head,
    idempotency_keys,
)
from condarium.storage.tables.base import Instant, metadata
from condarium.storage.tables.environments import (
    activations,
    builds,
    environments,
    generations,
    prefixes,
    solves,
)
from condarium.storage.tables.hosting import (
    channels,
    derived,
    encodings,
    facts,
    files,
    obtained,
    patches,
    revisions,
    shards,
    source_urls,
    sources,
    upstreams,
)
from condarium.storage.tables.work import (
    job_events,
    jobs,
    schedules,
    workers,
)

__all__ = [
    "Instant",
    "activations",
    "audit",
    "audit_head",
    "bindings",
    "builds",
    "channels",
    "derived",
    "encodings",
    "environments",
    "facts",
    "failed_sign_ins",
    "files",
    "generations",
    "groups",
    "idempotency_keys",
    "job_events",
    "jobs",
    "memberships",
    "metadata",
    "namespaces",
    "obtained",
    "one_time_secrets",
    "patches",
    "prefixes",
    "principals",
    "revisions",
    "schedules",
    "sessions",
    "shards",
    "signing_keys",
    "solves",
    "source_urls",
    "sources",
    "tokens",
    "upstreams",
    "workers",
]
