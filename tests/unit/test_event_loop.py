"""Coroutines run from synchronous code, whoever calls it."""

import asyncio
import contextlib
import signal
import threading

import pytest

from condarium.engine.event_loop import run


async def _answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_a_coroutine_runs_where_no_loop_does() -> None:
    assert run(_answer()) == 42


def test_a_coroutine_runs_where_a_loop_runs_already() -> None:
    async def notebook() -> int:
        return run(_answer())

    assert asyncio.run(notebook()) == 42


def test_what_a_coroutine_raises_is_raised_inside_a_running_loop() -> None:
    async def fail() -> None:
        raise LookupError("gone")

    async def notebook() -> None:
        run(fail())

    with pytest.raises(LookupError, match="gone"):
        asyncio.run(notebook())


def test_an_interrupt_cancels_work_inside_a_running_loop() -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            signal.raise_signal(signal.SIGUSR1)
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    async def notebook() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            run(forever())

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        asyncio.run(notebook())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert cancelled.is_set()
