"""Edits of the law, each compared over every chart to a bound: how long until the first chart, the proof, everything.

The edits are those with which the search was first tried, on which a policy's owner could think: a limit moved by a
minute or doubled, another option of a question. Those that say the same have to be proved.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ivproof.lab.pair import Pair, Side
from ivproof.lab.result import OverAllCharts, compare
from ivproof.lab.search import Search
from ivproof.lab.witness import Replay
from ivproof.law.bundle import pack
from ivproof.law.policy import Policy

SEARCH, PROOF = 15.0, 120.0
"""So long at most a comparison goes on in which a chart is looked for, and one that is to be proved."""


@dataclass(frozen=True)
class Edit:
    """A change of the law: texts put in the place of others in its files, or other options under the new law."""

    name: str
    texts: Sequence[tuple[str, str, str]] = ()
    readings: Mapping[str, str] | None = None

    def made(self, folder: Path) -> Policy:
        """Write the changed law below a folder."""
        policy = Policy.load("out001")
        if not self.texts:
            return policy
        copy = pack(policy).unpack(folder)
        for file, old, new in self.texts:
            path = next(folder.rglob(file))
            text = path.read_text("utf-8")
            assert text.count(old) == 1, f"{self.name}: expected once in {file}: {old}"
            path.write_text(text.replace(old, new), "utf-8")
        return Policy.load(copy)


def limit(name: str, old: int, new: int) -> Edit:
    """Give a threshold another number of minutes."""
    return Edit(f"{name} {old} to {new}", [("time.lp", f"threshold({name}, {old}).", f"threshold({name}, {new}).")])


def option(question: str, chosen: str) -> Edit:
    """Settle a question in another way."""
    return Edit(f"{question} {chosen}", readings={question: chosen})


EDITS = (
    limit("infusion", 16, 31),
    limit("infusion", 16, 17),
    limit("hydration", 31, 30),
    Edit("further hour 31 to 30", [("time.lp", "hour_mark(over_30, 31).", "hour_mark(over_30, 30).")]),
    limit("push_interval", 30, 45),
    *(
        option(*it.split())
        for it in (
            "A19 past_61",
            "A2 hydration_first",
            "A44 pushes_too",
            "A26 further_hour",
            "A52 every_one",
            "A62 ignored",
            "A62 interrupts",
            "A1 method_first",
            "A13 per_encounter",
            "A40 one",
            "A53 enough",
        )
    ),
)
"""Those of which a chart with one or two administrations shows that they differ."""

RAN = "ran_at_least(S, infusion) :- ran(S, N), threshold(infusion, M), N >= 60 * M."
SAME = (
    Edit(
        "the limit of an infusion behind a table",
        [
            (
                "time.lp",
                RAN,
                "limit_of_run(infusion, M) :- threshold(infusion, M).\n"
                "limit_of_run(hydration, M) :- threshold(hydration, M).\n" + RAN.replace("threshold", "limit_of_run"),
            )
        ],
    ),
)
"""Those that say the same, and have to be searched."""


def first_chart(edit: Edit, up_to: int) -> float | None:
    """Seconds of the processor until the first chart that differs is found, loading left out; None where none is."""
    with tempfile.TemporaryDirectory() as folder:
        replay = Replay(Policy.load("out001"), edit.made(Path(folder)), {}, edit.readings or {})
        pair = Pair(Side(replay.both.old.coder), Side(replay.both.new.coder))
        search = Search(pair, up_to, replay.same)
        return search.run(time.process_time() + SEARCH, found=lambda _: True).first_after


def proof(edit: Edit, up_to: int) -> tuple[OverAllCharts, float]:
    """Compare the law with an edit of it: the result, and seconds of the processor in all, loading included."""
    with tempfile.TemporaryDirectory() as folder:
        old, new = Policy.load("out001"), edit.made(Path(folder))
        begun = time.process_time()
        return compare(old, new, ({}, edit.readings or {}), up_to, PROOF), time.process_time() - begun


def measured() -> Iterator[tuple[str, float, str]]:
    """Give what was measured, seconds of the processor, and what came of it, one by one."""
    firsts: list[float] = []
    for edit in EDITS:
        after = first_chart(edit, 2)
        firsts.append(SEARCH if after is None else after)
        yield edit.name, firsts[-1], "no chart was found" if after is None else "until a chart is found"
    firsts.sort()
    yield "the first chart: median", statistics.median(firsts), f"of {len(firsts)} edits, to two administrations"
    yield "the first chart: nine of ten within", firsts[math.ceil(len(firsts) * 0.9) - 1], ""
    for edit in SAME:
        found, seconds = proof(edit, 2)
        what = f"{found.gone.kinds} kinds of chart, {found.gone.cells} cells, loading included"
        yield edit.name, seconds, f"{found.verdict} to two administrations: {what}"
