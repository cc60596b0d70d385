"""Progress: drawn when work takes a while, and gone when it is over."""

import io
import threading
import time
from collections.abc import Callable

from condarium.cli.progress import Drawn, Lines


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_over_soon_draws_nothing() -> None:
    stream = io.StringIO()
    progress = Drawn(stream, color=False, patience=60)
    progress.phase("solve")
    progress.phase("fetch", 10)
    progress.advance(10)
    progress.finish()
    assert stream.getvalue() == ""


def test_what_takes_a_while_is_drawn_and_wiped_away() -> None:
    stream = io.StringIO()
    progress = Drawn(stream, color=False, patience=0)
    progress.phase("fetch", 2048)
    progress.advance(1024)
    _until(lambda: "1.0 kB of 2.0 kB" in stream.getvalue())
    progress.say("a [bold]remark[/]")
    progress.phase("link", 3, "packages")
    _until(lambda: "0/3 packages" in stream.getvalue())
    progress.finish()
    assert "a [bold]remark[/]" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K")


def test_many_threads_may_advance_it() -> None:
    progress = Drawn(io.StringIO(), color=False, patience=0)
    progress.phase("link", 400, "files")
    threads = [
        threading.Thread(target=lambda: [progress.advance() for _ in range(100)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress._amount() == "400/400 files"
    progress.finish()


def test_it_can_begin_again_after_its_end() -> None:
    stream = io.StringIO()
    progress = Drawn(stream, color=False, patience=0)
    progress.finish()
    for name in ("first", "second"):
        progress.phase(name)
        _until(lambda name=name: name in stream.getvalue())  # type: ignore[misc]
        progress.finish()


def test_without_a_terminal_only_remarks_are_written() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.phase("fetch", 10)
    lines.advance(5)
    lines.say("a remark\x07\nin two lines")
    lines.finish()
    assert stream.getvalue() == "a remark\\x07 in two lines\n"
