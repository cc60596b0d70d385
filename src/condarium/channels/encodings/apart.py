"""Making encodings in a process of its own, so that whoever serves never waits for it.

The process is told on its standard input what to make, and answers on its standard output which
blobs that replaced. It ends by itself when its input is closed: as that of a killed parent is.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Event, Thread
from typing import Any

import msgspec

from condarium.errors import Failed
from condarium.model.view import View
from condarium.settings import Settings
from condarium.storage.store import Store

_NICENESS = 1
"""Publishing and serving go first where there are not enough cores."""


class EncodingFailed(Failed):
    """The files of a view could not be made."""

    def __init__(self, view: View, subdir: str, said: str) -> None:
        self.view, self.subdir, self.said = view, subdir, said
        super().__init__(
            f"the files of {view} {subdir} could not be made: {said or 'the process was killed'}",
            hint=f"`condarium channel verify {view.channel}` says what is wrong in the store.",
        )


@dataclass(frozen=True, kw_only=True)
class _Order:
    settings: Mapping[str, Any]
    view: str
    subdir: str


def make_apart(store: Store, view: View, subdir: str, *, stopping: Event) -> set[str]:
    """Make a set of files in another process; give the digests of the blobs that it replaced.

    Raises EncodingFailed, also where `stopping` is set meanwhile.
    """
    order = _Order(settings=_plain(store.settings), view=str(view), subdir=subdir)
    command = [sys.executable, "-P", "-c", f"from {__name__} import main; main()"]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        ended = Event()
        watch = Thread(target=_kill_when, args=(process, stopping, ended), daemon=True)
        watch.start()
        said = process.stderr.read()  # a few lines: less than a pipe holds, so nobody waits
        answer = process.stdout.read()
        code = process.wait()
        ended.set()
        watch.join()
    if code != 0:
        lines = said.decode(errors="replace").strip().splitlines()
        raise EncodingFailed(view, subdir, lines[-1] if lines else "")
    return set(msgspec.json.decode(answer, type=list[str]))


def _kill_when(process: Popen[bytes], stopping: Event, ended: Event) -> None:
    while not ended.wait(0.1):
        if stopping.is_set():
            process.kill()
            return


def _plain(settings: Settings) -> dict[str, Any]:
    return {**asdict(settings), "store": str(settings.store), "home": str(settings.home)}


def main() -> None:
    """Be the other process."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Order)
    Thread(target=_end_with_the_input, daemon=True).start()
    os.nice(_NICENESS)
    from condarium.channels.encodings.making import make
    from condarium.channels.views.catalogue import Catalogue

    given = order.settings
    paths = {"store": Path(given["store"]), "home": Path(given["home"])}
    store = Store(Settings(**{**given, **paths}))
    replaced = make(store, Catalogue(store).open(View.parse(order.view)), order.subdir)
    sys.stdout.buffer.write(msgspec.json.encode(sorted(replaced)))
    sys.stdout.flush()
    store.close()
    os._exit(0)  # the other thread is waiting for input


def _end_with_the_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
