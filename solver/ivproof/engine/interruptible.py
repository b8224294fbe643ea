"""What gives Python no turn, such as grounding by clingo, done so that Ctrl-C is heard meanwhile."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

SOON = 0.2
"""Seconds after which Ctrl-C is heard at the latest."""

T = TypeVar("T")


class _Hand:
    """A thread that does one thing after another: to start one for each takes as long as a small program."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (work := self._asked.get()) is not None:
            try:
                done: tuple[Any, BaseException | None] = (work(), None)
            except BaseException as error:  # whatever it is, it is raised where it was asked for
                done = (None, error)
            del work  # what it holds is not kept until the next
            self._done.put(done)
            del done

    def do(self, work: Callable[[], T]) -> tuple[T, BaseException | None]:
        """Give what some work gives, and what it raises."""
        self._asked.put(work)
        while True:
            try:
                return self._done.get(timeout=SOON)
            except Empty:
                continue

    def leave(self) -> None:
        """Let the thread end after what it is doing."""
        self._asked.put(None)
        _left.append(self._thread)


_hands: list[_Hand] = []
"""The one thread of the main thread, as soon as there is one. Only the main thread uses it; a fork begins without."""

_left: list[threading.Thread] = []
"""Threads that Ctrl-C left to what they were doing."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_hands.clear)
    os.register_at_fork(after_in_child=_left.clear)


def _end() -> None:
    """End the process with what still works in it: Python would take down what that uses, and crash."""
    for thread in _left:
        thread.join(SOON)
    if any(thread.is_alive() for thread in _left):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(128 + signal.SIGINT)  # as shells tell a process that a signal ended


atexit.register(_end)


def apart(work: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
    """Do something that gives Python no turn in another thread, so that Ctrl-C is heard meanwhile.

    Where it is heard, `stop` is called, and what is done is left to itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    hand = _hands.pop() if _hands else _Hand()
    try:
        found, error = hand.do(work)
    except BaseException:  # Ctrl-C, or what another signal raises here
        stop()
        hand.leave()
        raise
    _hands.append(hand)
    if error is not None:
        raise error
    return found
