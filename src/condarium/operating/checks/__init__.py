"""What `doctor` looks at, a module for each thing."""

from condarium.operating.checks import (
    audit,
    blobs,
    clock,
    database,
    environments,
    folders,
    jobs,
    ledger,
    settings,
    upstreams,
)

__all__ = [
    "audit",
    "blobs",
    "clock",
    "database",
    "environments",
    "folders",
    "jobs",
    "ledger",
    "settings",
    "upstreams",
]
