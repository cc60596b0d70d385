"""What quickstart did, where things are, and what to try next."""

from condarium.cli.amounts import count, seconds
from condarium.cli.page import Page, bold, cyan, dim, green
from condarium.cli.render.registry import renders
from condarium.quickstart import Quickstarted


@renders(Quickstarted)
def quickstarted(answer: Quickstarted, page: Page) -> None:
    name, program = answer.environment, page.program
    made = "made out of PyPI and published" if answer.channel_made else "there already"
    built = "built and active" if answer.environment_changed else "there already"
    serve = f"serve --port {answer.port}" if answer.port else "serve"
    page.line(green("✓"), f" a channel of {count(answer.packages, 'real package')}, {made}")
    page.line("  ", cyan(answer.channel))
    page.line(green("✓"), " an environment.yml that asks for python, pandas, rich and pip")
    page.line("  ", cyan(answer.file))
    page.line(green("✓"), " the environment ", bold(name), f", solved, locked, {built}")
    page.line("  ", cyan(answer.path))
    page.line(green("✓"), " its Python, which adds up some fruit:")
    for line in answer.output.rstrip().splitlines():
        page.line("  ", dim("│ "), line)
    page.line(f"That took {seconds(answer.seconds)}. Try next:")
    tries = (
        (f"{program} env run {name} -- python", "work in it"),
        (f"{program} {serve}", "serve the channel, in another terminal"),
        (f"{program} env show {name}", "its spec, its packages, where it is"),
        (f"{program} query why numpy {name}", "how numpy came into it"),
        (f"{program} env build {name} -f {answer.file}", "after you changed the file"),
        (f"{program} env diff {name}", "what that changed"),
        (f"{program} env rollback {name}", "back to how it was"),
    )
    for command, why in tries:
        page.line(dim(f"  # {why}"))
        page.line("  ", bold(command))
