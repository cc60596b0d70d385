"""An environment as somebody asks for it: what an environment.yml says (CEP 24)."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EnvironmentSpec:
    """What a person wants in an environment, before anything is solved.

    `dependencies` are MatchSpecs and `pip` are PEP 508 requirements, both as their author wrote
    them. `pip_options` are in the form `--index-url=URL` or `--pre`. An empty `platforms` means:
    the platform of the machine that builds. `nodefaults` is true where the channels of the
    configuration must not be put after `channels`, which never holds that word itself.

    `system_requirements` are names of virtual packages without underscores (`cuda`, `glibc`,
    `linux`, `osx`, `win`, `archspec`), each with a version.
    """

    name: str | None = None
    channels: tuple[str, ...] = ()
    nodefaults: bool = False
    dependencies: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    platforms: tuple[str, ...] = ()
    system_requirements: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class SpecReading:
    """A spec that could be read, and what its author should know nevertheless.

    Each warning is a line that begins with `FILE:LINE:COLUMN: `.
    """

    spec: EnvironmentSpec
    warnings: tuple[str, ...] = ()


def spec_digest_text(spec: EnvironmentSpec) -> str:
    """Write down, in one canonical way, everything in a spec that can change what is solved.

    Equal texts mean the same question to the solver, given the same channels. The order of
    channels counts, and so does that of pip's options; the order of dependencies, requirements,
    platforms and system requirements does not, nor do name and variables.
    """
    asked = {
        "channels": spec.channels,
        "nodefaults": spec.nodefaults,
        "dependencies": sorted(set(spec.dependencies)),
        "pip": sorted(set(spec.pip)),
        "pip_options": spec.pip_options,
        "platforms": sorted(set(spec.platforms)),
        "system_requirements": sorted(spec.system_requirements),
    }
    return json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
