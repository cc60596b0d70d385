"""An environment as somebody asks for it: what an environment.yml says (CEP 24)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EnvironmentSpec:
    """What a person wants in an environment, before anything is solved.

    `dependencies` are MatchSpecs and `pip` are PEP 508 requirements, both as their author wrote
    them. An empty `platforms` means: the platform of the machine that builds.
    """

    name: str | None = None
    channels: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    platforms: tuple[str, ...] = ()
    system_requirements: tuple[tuple[str, str], ...] = ()
