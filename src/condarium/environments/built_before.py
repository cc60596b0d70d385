"""What an earlier attempt at a job has built, whose process died before it could say so."""

from condarium.environments.activation import settle
from condarium.environments.comparing import diff
from condarium.model.actor import Actor
from condarium.model.progress import Quiet
from condarium.model.report import Built
from condarium.storage.store import Store


def built_before(store: Store, actor: Actor) -> Built | None:
    """What the actor's job has built already; None where it has not, or there is no job."""
    if actor.job is None:
        return None
    with store.database.read() as facts:
        build = facts.builds.made_by(actor.job.job)
        if build is None or build.generation is None:
            return None
        generation = facts.environments.generation(build.environment, build.generation)
        environment = facts.environments.get(build.environment)
        prefix = facts.prefixes.find(generation.prefix) if generation.prefix else None
    if generation.active:
        settle(store, environment)  # it may have died between its commit and the link's switch
    changes = diff(
        store, build.environment, None, generation.number, file=None, lock=None, progress=Quiet()
    ).changes
    return Built(
        environment=build.environment,
        generation=generation.number,
        changed=True,
        active=generation.active,
        dry_run=False,
        solved=False,
        platforms=generation.platforms,
        packages=generation.packages,
        changes=changes,
        prefix=store.layout.prefix(generation.prefix) if generation.prefix else None,
        path=store.layout.link(build.environment) if generation.active else None,
        link=prefix.link if prefix else None,
        phases=dict(build.phases),
        notes=("an earlier attempt at this job had built it",),
    )
