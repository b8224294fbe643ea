"""The one place that lets clingo ground: interruptible, and within the work that is allowed.

Programs without choices only have to be grounded, and everything that is true is a fact.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import clingo

from ivproof.chart import bounds
from ivproof.recheck.budget import KEPT, Budget

SOON = 0.2
"""Seconds after which Ctrl-C is heard at the latest while clingo works."""

T = TypeVar("T")


def consequences(program: str) -> dict[str, list[str]]:
    """Give what a program derives, by predicate, as the text of the atoms. Raises LimitError."""
    found: dict[str, list[str]] = {}
    control = grounded([program])  # named, since the atoms do not keep it alive
    for atom in control.symbolic_atoms:
        found.setdefault(atom.symbol.name, []).append(str(atom.symbol))
    return found


def derive(program: str, predicates: Mapping[str, int]) -> dict[str, dict[str, list[str]]]:
    """Give what a program derives: by first argument and predicate, the text of the other arguments.

    Raises LimitError.
    """
    control = grounded([program])  # named, since the atoms do not keep it alive
    atoms = control.symbolic_atoms
    found: dict[str, dict[str, list[str]]] = {}
    for name, arity in predicates.items():
        for atom in atoms.by_signature(name, arity):
            inner = str(atom.symbol)[len(name) + 1 : -1]
            first, _, rest = inner.partition(",")
            found.setdefault(first, {}).setdefault(name, []).append(rest)
    return found


def grounded(parts: Sequence[str], options: Sequence[str] = (), *, watched: bool = False) -> clingo.Control:
    """Ground a program that is given in parts. Raises LimitError where it has more atoms than are allowed.

    A program that may have very many is `watched`: it is stopped as soon as there are too many. That takes as long
    again, so others are only counted when they are grounded.
    """
    control = clingo.Control(["--warn=none", *options])
    watch = _Watch(bounds.current())
    if watched:
        control.register_observer(watch)  # type: ignore[arg-type]  # what an observer does not have is not told it

    def ground() -> None:
        for part in parts:
            control.add("base", [], part)
        control.ground([("base", [])])

    apart(ground, watch.stop)
    if not watched:
        bounds.keep(len(control.symbolic_atoms))
    return control


class _Watch:
    """Is told of each rule while a program is grounded, which is no longer than the budget allows."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def rule(self, choice: bool, head: Sequence[int], body: Sequence[int]) -> None:
        """Count a rule. Raises LimitError, which ends the grounding."""
        self._budget.spend(KEPT)

    def stop(self) -> None:
        """Let the grounding end at the next rule."""
        self._budget = Budget(0)


class _Hand:
    """A thread that does one thing after another: to start one for each takes as long as a small program."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

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


_hands: list[_Hand] = []
"""The one thread of the main thread, as soon as there is one. Only the main thread uses it; a fork begins without."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_hands.clear)


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


def shown(control: clingo.Control, assumptions: Sequence[Any] = ()) -> list[str] | None:
    """Give the shown atoms of the first answer set under some assumptions; None where there is none."""

    def solve() -> list[str] | None:
        with control.solve(assumptions=assumptions, yield_=True) as handle:
            model = handle.model()
            return None if model is None else [str(symbol) for symbol in model.symbols(shown=True)]

    return apart(solve)
