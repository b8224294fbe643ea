"""Goes through kinds of chart, small ones first, and finds where two laws part; says what was not gone through.

A kind of chart whose facts are, as far as what changed can read them, those of one that was gone through to the end
without any difference cannot show one either, and is not gone through again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.chart.bounds import TooManyWaysError
from ivproof.lab.alike import Alike, by_signature, matches
from ivproof.lab.along import Along
from ivproof.lab.alphabet import Alphabet, alphabet, kinds
from ivproof.lab.cells import Cell, TimeIsUpError, cells
from ivproof.lab.evidence import Watch, heads_of_facts, probes
from ivproof.lab.kinds import ALONE, LONGEST, NOON, Kind
from ivproof.lab.named import Named
from ivproof.lab.pair import Answers, Pair, Templates, claims_of, units_of
from ivproof.lab.solver import Space, UndecidedError
from ivproof.recheck import Atom
from ivproof.recheck.syntax import Pattern, Rule, asked
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import Region
from ivproof.unknowns.evaluator import Standing

ONE_KIND = 20.0
"""So many seconds at most may one kind of chart take; one that takes longer is named as unfinished."""

DEPTH = 2
"""So many rules away from what changed is near."""

MORE, FEWER = "more", "fewer"


@dataclass(frozen=True)
class Difference:
    """A cell of a kind of chart in which two laws give different claims, or give them another status."""

    kind: Kind
    cell: Cell[Any]
    before: Answers
    after: Answers

    @property
    def change(self) -> dict[str, int]:
        """Units by code that the new law gives more (fewer: negative), where each law gives one claim."""
        old, new = ([units_of(it) for it in claims_of(side)] for side in (self.before, self.after))
        if len(old) != 1 or len(new) != 1:
            return {}
        return {
            it: new[0].get(it, 0) - old[0].get(it, 0)
            for it in sorted({*old[0], *new[0]})
            if new[0].get(it, 0) != old[0].get(it, 0)
        }

    @property
    def ways(self) -> set[str]:
        """Whether the new law gives more units of some code, or fewer: the least or the most that its claims have."""
        old, new = ([units_of(it) for it in claims_of(side)] for side in (self.before, self.after))
        found: set[str] = set()
        for code in {code for it in (*old, *new) for code in it}:
            for bound in (min, max):
                were, are = (bound(it.get(code, 0) for it in side) for side in (old, new))
                if are != were:
                    found.add(MORE if are > were else FEWER)
        return found


@dataclass
class Gone:
    """What a search went through, found and left."""

    up_to: int
    differences: list[Difference] = field(default_factory=list)
    ways: set[str] = field(default_factory=set)
    """Whether the new law gave more units on some chart, and whether fewer."""
    unfinished: list[str] = field(default_factory=list)
    kinds: int = 0
    """Kinds of chart of which a difference is known, or known not to be."""
    alike: int = 0
    """Of these, the ones that what changed cannot tell from another."""
    refused: int = 0
    """Kinds that the format of charts refuses: there is no such chart."""
    cells: int = 0
    seconds: float = 0.0
    first_after: float | None = None
    """Seconds until the first difference was found."""
    given: dict[str, None] = field(default_factory=dict)
    features: dict[str, None] = field(default_factory=dict)
    paired_features: dict[str, None] = field(default_factory=dict)
    """Features with which two administrations were gone through."""
    seeds: int = 0
    uncharted: list[str] = field(default_factory=list)
    """Input facts of the laws that no chart of the alphabet has."""

    @property
    def bound(self) -> dict[str, Any]:
        """To what is bound what is said of it, as plain data."""
        return {
            "administrations": self.up_to,
            "minutes": {"one": ALONE, "otherwise": LONGEST, "whole": True, "first_at": f"{NOON // 60}:{NOON % 60:02}"},
            "kinds": list(self.given),
            "features": list(self.features),
            "features_of_two": list(self.paired_features),
            "kinds_of_chart": self.kinds,
            "cells": self.cells,
            "cases": self.seeds,
        }

    def add(self, difference: Difference) -> None:
        """Take note of a difference."""
        self.differences.append(difference)
        self.ways |= difference.ways


class Search:
    """Goes through kinds of chart for two laws."""

    def __init__(
        self, pair: Pair, up_to: int, same: Callable[[Kind, Sequence[int]], bool], *, beside: bool = False
    ) -> None:
        """`same` says whether both laws give a chart the same status and claims, although they conclude otherwise.

        With `beside` it is looked for what else they say of it, and only where they give the same claims.
        """
        self.pair = pair
        self._beside = beside
        self.gone = Gone(up_to)
        old, new = pair.old, pair.new
        self.alphabet: Alphabet = alphabet(
            old.coder.drugs,
            [old.law, new.law],
            sorted({*old.policy.payers, *new.policy.payers}),
            {*old.policy.codes, *new.policy.codes},
            [fact for part in pair.parts for fact in part.facts],
        )
        self._same = same
        self._statuses: dict[tuple[Answers, Answers], bool] = {}
        self._alike = Alike(pair.patterns, [part.law for part in pair.parts])
        self._levels = list(self._near_patterns())
        self._covered: set[object] = set()
        self._along = Along()
        self._base: tuple[Kind, set[Atom]] | None = None
        self._felt: set[str] = set()
        self._seen_inputs: set[Signature] = set()
        self._points: list[tuple[Templates, tuple[int, ...]]] = []

    # --- what is near

    def _near_patterns(self) -> Iterator[dict[Signature, list[Pattern]]]:
        """What changed reads; then what is read beside it, and by what concludes what it reads; and so on."""
        rules = list({id(it): it for side in (self.pair.old, self.pair.new) for it in side.law.rules}.values())
        facts = [fact for part in self.pair.parts for fact in part.facts]
        now = [it for part in self.pair.parts for it in part.rules]
        now += [it for it in rules if _touches(it.rule, facts)]
        heads, wanted = {it.head for it in now}, set[Signature]()
        for _ in range(DEPTH + 1):
            patterns = [atom for rule in now for atom, _ in asked(rule.rule)]
            yield by_signature(patterns)
            wanted |= {it.signature for it in patterns}
            after = [it for it in rules if any(atom.signature in heads for atom, _ in asked(it.rule))]
            heads |= {it.head for it in after}
            now = [*(rule for rule in rules if rule.head in wanted), *after]

    def _near(self, base: Kind, kind: Kind) -> int | None:
        """How near to what changed something is read that a feature adds to the facts of a kind, or takes away."""
        if self._base is None or self._base[0] is not base:
            self._base = base, set(self.pair.looked_at(base) or ())
        atoms = self.pair.looked_at(kind)
        if atoms is None:
            return None
        differing = self._base[1] ^ set(atoms)
        for far, patterns in enumerate(self._levels):
            if any(matches(patterns, it) for it in differing):
                return far
        return None

    # --- going through

    def run(
        self,
        until: float,
        seeds: Iterable[Kind] = (),
        found: Callable[[Difference], bool] = lambda _: False,
        only: Callable[[Kind], bool] = lambda _: True,
        named: Named | None = None,
    ) -> Gone:
        """Go through everything, until a time (of time.process_time) or until `found` says of a difference to stop.

        `seeds` are charts whose times stand, to be gone through after the kinds; `only` leaves kinds out. `named` are
        the kinds to go through in place of those of the alphabet.
        """
        begun = time.process_time()
        gone = self.gone

        def charts(near: Callable[[Kind, Kind], int | None]) -> Iterator[Kind]:
            return kinds(self.alphabet, gone.up_to, near) if named is None else named.kinds(gone.up_to)

        def everything() -> Iterator[Kind]:
            yield from (it for it in charts(self._near) if only(it))
            for seed in seeds:
                gone.seeds += 1
                yield seed

        stopped = False
        if self.pair.heads:
            for kind in everything():
                if time.process_time() > until:
                    gone.unfinished.append("the time was up before every kind of chart was gone through")
                    break
                for difference in self._one(kind, until):
                    if gone.first_after is None:
                        gone.first_after = time.process_time() - begun
                    gone.add(difference)
                    if found(difference):
                        stopped = True
                        break
                if stopped:
                    break
            if not gone.differences and not gone.unfinished:
                gone.unfinished += self._unseen(until)
        else:
            for kind in charts(lambda *_: None):
                self._note(kind)
                gone.kinds += 1
        gone.seconds = time.process_time() - begun
        return gone

    def _note(self, kind: Kind) -> None:
        if kind.case:
            return
        if kind.size <= 1:
            self.gone.given[kind.words] = None
        names = self.gone.features if kind.size <= 1 else self.gone.paired_features
        names.update(dict.fromkeys(kind.features))

    def _one(self, kind: Kind, until: float) -> Iterator[Difference]:
        found = self.pair.templates(kind)
        if found is None:
            self.gone.refused += 1
            return
        self._note(kind)
        stage, whole = found
        for template in whole:
            self._seen_inputs.update((str(it[0]), len(it) - 1) for it in template.stays)
        key = self._alike.key(kind, stage)
        if key in self._covered:
            self.gone.kinds += 1
            self.gone.alike += 1
            return

        def same(region: Region, here: Standing | None) -> bool:
            return not self.pair.stage(stage, region, here)

        along = self._along.goes(kind, same, min(until, time.process_time() + ONE_KIND))
        if along is not None:
            self.gone.cells += len(along)
            self._silent(key, stage, along)
            return
        silent = True
        went: list[Cell[None]] = []

        def ask(region: Region) -> tuple[Answers, Answers] | None:
            here = Standing()
            apart = self.pair.stage(stage, region, here)
            if not apart:
                return None
            self._felt |= apart
            return self.pair.answers(whole, region, here)

        try:
            space = Space(kind.unknowns, kind.bounds)
            for cell in cells(space, kind.reach, ask, min(until, time.process_time() + ONE_KIND)):
                self.gone.cells += 1
                went.append(Cell(cell.point, cell.conditions, None))
                if cell.value is None:
                    continue
                silent = False
                before, after = cell.value
                if (not self._beside and claims_of(before) != claims_of(after)) or (
                    before != after
                    and not (self._beside and claims_of(before) != claims_of(after))
                    and not self._status(kind, cell.point, before, after)
                ):
                    yield Difference(kind, cell, before, after)
        except TimeIsUpError:
            self.gone.unfinished.append(f"{told(kind)}: the time that it may take was up")
            return
        except UndecidedError as error:
            self.gone.unfinished.append(f"{told(kind)}: the solver has no answer ({error})")
            return
        except TooManyWaysError as error:
            self.gone.unfinished.append(f"{told(kind)}: {error}")
            return
        points = [it.point for it in went]
        if silent:
            self._silent(key, stage, points)
            self._along.remember(kind, same, went)
        else:
            self.gone.kinds += 1
            self._points += [(stage, point) for point in points]

    def _silent(self, key: object, stage: Templates, points: Iterable[tuple[int, ...]]) -> None:
        """Take note of a kind that was gone through to the end, on no chart of which the changed rules differ."""
        self.gone.kinds += 1
        self._points += [(stage, point) for point in points]
        self._covered.add(key)

    def _status(self, kind: Kind, point: Sequence[int], before: Answers, after: Answers) -> bool:
        key = before, after
        if key not in self._statuses:
            self._statuses[key] = self._same(kind, point)
        return self._statuses[key]

    # --- whether what was gone through could show it

    def _unseen(self, until: float) -> Iterator[str]:
        """What would have to be seen before it can be said that nothing is different."""
        one, other = self.pair.parts
        for n, (part, rival) in enumerate(((one, other), (other, one))):
            watch = Watch(part, probes(part, rival))
            for stage, point in self._points:
                if not watch.waiting:
                    break
                if time.process_time() > until:
                    yield "the time was up before it was seen whether what changed was at work"
                    return
                watch.look(stage[n], point)
            yield from (f"{NAMES[n]}: {it.words}" for it in watch.waiting.values())
            for fact, heads in heads_of_facts(part.side, part.facts):
                if not {name for name, _ in heads} & self._felt:
                    yield f"{NAMES[n]}: that {fact} stands there decided nothing on any chart"
        read = {signature for level in self._levels for signature in level}
        if not self._felt:  # what else is read beside what they conclude cannot matter: it is the same
            read &= self._alike.patterns.keys()
        inputs = self.pair.old.policy.inputs | self.pair.new.policy.inputs
        for name, arity in sorted(read & inputs - self._seen_inputs):
            if name not in NEVER_CHARTED:
                yield f"what changed reads {name}/{arity}, which no chart that was gone through has"


NAMES = ("the old law", "the new law")
NEVER_CHARTED = {"at", "order_of", "open", "reading"}
"""Input facts that are not looked for among those that stay: times, what is made of them, settings of questions."""


def _touches(rule: Rule, facts: Sequence[Atom]) -> bool:
    patterns = by_signature(atom for atom, _ in asked(rule))
    return any(matches(patterns, it) for it in facts)


def told(kind: Kind) -> str:
    """A kind of chart in words."""
    return ", ".join((kind.words, *kind.features))
