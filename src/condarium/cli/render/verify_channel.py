"""How the verification of a channel looks."""

from condarium.cli.amounts import count, size
from condarium.cli.page import Page, bold, dim, green, red
from condarium.cli.render.registry import renders
from condarium.model.hosting.verification import ChannelVerified


@renders(ChannelVerified)
def channel_verified(answer: ChannelVerified, page: Page) -> None:
    for problem in answer.problems:
        page.line(red(problem.kind), " ", bold(problem.where))
        page.line("  found ", problem.found, "; expected ", problem.expected)
        page.line(dim(f"  {problem.hint}"))
    if answer.untold:
        page.line(f"and {count(answer.untold, 'more problem')}")
    total = len(answer.problems) + answer.untold
    verdict = green("is as its facts say") if answer.ok else red(f"has {count(total, 'problem')}")
    which = "all revisions" if answer.all_revisions else f"r{answer.revision}"
    page.line(bold(answer.channel), f" ({which}) ", verdict)
    page.line(dim(f"  {_compared(answer)}"))


def _compared(answer: ChannelVerified) -> str:
    parts = [
        count(answer.revision, "revision"),
        count(answer.facts, "fact"),
        count(answer.shards, "shard"),
        count(answer.packages, "package"),
        count(answer.encodings, "encoding"),
    ]
    if answer.patches:
        parts.insert(2, count(answer.patches, "patch", "patches"))
    if answer.not_fetched:
        parts.append(f"{count(answer.not_fetched, 'package')} not fetched yet")
    return f"{', '.join(parts)}; {size(answer.bytes)} read"
