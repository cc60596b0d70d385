"""From the facts about a package name to what is shown of it: its shard in every label."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from condarium.channels.shard import Shard
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedFile
from condarium.model.patches import PatchSet

_records = msgspec.json.Decoder()


def fold(
    subdir: str, holding: Iterable[Fact], files: Mapping[str, HostedFile], patches: PatchSet
) -> dict[str, Shard]:
    """Show one package name of a subdir: its shard in every label that it has.

    `holding` are the facts about the name, `files` all files that they speak of. Yanked files and
    those that a patch removes are named as removed.
    """
    present, labels, yanked = _sort(holding)
    shown = {
        file_name: _records.decode(files[file_name].record)
        for file_name in sorted(present - yanked)
    }
    patched = patches.apply(subdir, shown)
    hidden = yanked | set(patched.removed)
    return {
        label: Shard(
            records={name: patched.records[name] for name in sorted(labelled - hidden)},
            removed=sorted(labelled & hidden),
        )
        for label, labelled in labels.items()
        if labelled
    }


def _sort(holding: Iterable[Fact]) -> tuple[set[str], dict[str, set[str]], set[str]]:
    present, yanked = set(), set()
    labels: dict[str, set[str]] = defaultdict(set)
    for fact in holding:
        match fact.kind:
            case FactKind.FILE:
                present.add(fact.file_name)
            case FactKind.YANK:
                yanked.add(fact.file_name)
            case FactKind.LABEL:
                labels[fact.value].add(fact.file_name)
            case FactKind.PATCH | FactKind.SHARD:
                pass
    return present, labels, yanked
