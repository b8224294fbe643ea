"""A stored corpus: charts on both sides of where a law's claim changes, to hold an edit against in seconds.

It has a chart of every kind, and of each claim, and of each change of the claim while one time moves, those of the
first kind that shows it: the last minute before and the first after. It is a sample: an edit that none of its charts
feels may still be felt by others. Of an edit the rules up to what changed are applied to each chart, and only where
these conclude something else is the chart coded, by both laws.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from typing import Any

from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.comparison import Compared, Comparing
from ivproof.comparison.charts import CLAIM as ANOTHER_CLAIM
from ivproof.engine.choices import DIAGNOSES, DRUG_LINES
from ivproof.lab.alike import Alike
from ivproof.lab.alphabet import alphabet, broadly
from ivproof.lab.cells import Cell, TimeIsUpError, cells
from ivproof.lab.kinds import Kind, Template
from ivproof.lab.pair import ORDER, WHOLE, Answers, Pair, Side, claims_of
from ivproof.lab.search import ONE_KIND, told
from ivproof.lab.solver import Space, UndecidedError
from ivproof.lab.witness import Said
from ivproof.law.policy import Policy
from ivproof.unknowns.affine import PathCondition, Region

FORMAT = 1
"""The number of the format, in the first line of a corpus."""

SENT = (*WHOLE, *DRUG_LINES.items(), *DIAGNOSES.items())
"""What of an answer is compared: the claims, the lines of drugs and the order of the diagnoses."""

Point = tuple[int, ...]

CHUNK = 200
"""So many charts are coded at once."""


class CorpusError(ValueError):
    """A file is no corpus, or not one of the law that it is to stand for; the message says where and what."""


@dataclass(frozen=True)
class Stored:
    """A chart of a corpus, as its document and as it is read, with what the law gives it."""

    document: Mapping[str, Any]
    encounter: Encounter
    said: Said


@dataclass(frozen=True)
class Corpus:
    """Charts with what a law gives them; `about` is the first line: the law, to how many administrations, and more."""

    about: Mapping[str, Any]
    charts: Sequence[Stored]

    def written(self) -> str:
        """Write it as JSON Lines: what it is, then a chart a line."""
        lines = [dict(self.about), *({"chart": it.document, **it.said.as_dict()} for it in self.charts)]
        return "".join(f"{json.dumps(it, ensure_ascii=False, separators=(',', ':'))}\n" for it in lines)


def corpus(coder: Coder, up_to: int, seconds: float) -> Corpus:
    """Make the corpus of a law as it is by default; it ends after so many seconds, and says what it left.

    Every chart is coded by both engines. Raises DisagreementError, MissingExtraError, UncoveredError.
    """
    until = time.process_time() + seconds
    side, unfinished = Side(coder), list[str]()
    letters = alphabet(coder.drugs, [side.law], coder.policy.payers, coder.policy.codes)
    documents: dict[str, tuple[dict[str, Any], Encounter]] = {}
    kinds, seen = 0, set[object]()
    for kind in broadly(letters, up_to):
        if time.process_time() > until:
            unfinished.append("the time was up before every kind of chart was gone through")
            break
        try:
            points = list(dict.fromkeys(_points(side, kind, seen, min(until, time.process_time() + ONE_KIND))))
        except (TimeIsUpError, UndecidedError, TooManyWaysError):
            unfinished.append(f"{told(kind)}: the time or the ways that it may take were up")
            continue
        kinds += bool(points)
        for point in points:
            document, encounter = kind.written(point), kind.read(point)
            assert encounter is not None
            documents.setdefault(json.dumps(document, sort_keys=True), (document, encounter))
    charts = [
        ({**document, "id": name}, encounter.model_copy(update={"id": name}))
        for n, (document, encounter) in enumerate(documents.values(), 1)
        for name in (f"corpus-{n}",)
    ]
    stored: list[Stored] = []
    for begin in range(0, len(charts), CHUNK):
        some = charts[begin : begin + CHUNK]
        answers = coder.code([encounter for _, encounter in some], "all", changes=False)
        stored += [Stored(*it, Said.of(answer.as_dict())) for it, answer in zip(some, answers, strict=True)]
    about = {
        "corpus": FORMAT,
        "law": _law(coder.policy),
        "administrations": up_to,
        "kinds_of_chart": kinds,
        "charts": len(stored),
        "unfinished": unfinished,
    }
    return Corpus(about, stored)


def _law(policy: Policy) -> dict[str, str]:
    drugs = hashlib.sha256()
    for it in sorted(policy.drugs_folder.glob("*.csv")):
        drugs.update(f"{it.name}\0".encode() + it.read_bytes())
    return {"policy": policy.id, "digest": policy.digest, "drugs": f"sha256:{drugs.hexdigest()}"}


# --- which points of a kind


def _points(side: Side, kind: Kind, seen: set[object], until: float) -> Iterator[Point]:
    """A point of a kind, one of each claim, and both sides of each change of the claim while one time moves.

    What kinds with the same times have shown is in `seen`, and what this one shows is put there.
    """
    read = side.atoms(kind)
    if read is None:
        return
    template = Template.of(kind, *read, ordered=ORDER in side.whole.law.reads)

    def ask(region: Region) -> Answers:
        return side.whole.outcomes(template.moving(region), None, template.stays)

    found = list(cells(Space(kind.unknowns, kind.bounds), kind.reach, ask, until))
    claims = [claims_of(it.value) for it in found]
    yield next((it for it in kind.staggered if all(bound.holds(it) for bound in kind.bounds)), found[0].point)
    for cell, claim in zip(found, claims, strict=True):
        if (kind.slots, claim) not in seen:
            seen.add((kind.slots, claim))
            yield cell.point
        for n in range(kind.unknowns):
            for step in (-1, 1):
                last, first = _edge(cell, n, step)
                if first is None or not all(it.holds(first) for it in kind.bounds):
                    continue
                after = next(other for it, other in zip(found, claims, strict=True) if it.holds(first))
                change = kind.slots, claim, after, n, step
                if after != claim and change not in seen:
                    seen.add(change)
                    yield last
                    yield first


def _edge(cell: Cell[Any], n: int, step: int) -> tuple[Point, Point | None]:
    """The last point of a cell as one unknown moves, and the next one; None for that where the cell has no end."""
    most = [it for condition in cell.conditions if (it := _steps(condition, cell.point, n, step)) is not None]
    if not most:
        return cell.point, None
    last, first = (
        tuple(it + step * (min(most) + more) if m == n else it for m, it in enumerate(cell.point)) for more in (0, 1)
    )
    return last, first


def _steps(condition: PathCondition, point: Point, n: int, step: int) -> int | None:
    """How many steps of one unknown a condition allows from a point at which it holds; None where any number."""
    slope, left = condition.slopes[n] * step, condition.bound - sum(map(mul, condition.slopes, point))
    if condition.operator == "<=":
        return left // slope if slope > 0 else None
    if not slope:
        return None
    if condition.operator == "=":
        return 0
    return left // slope - 1 if left % slope == 0 and left // slope > 0 else None


# --- an edit held against it


def read_corpus(file: Path, policy: Policy) -> Corpus:
    """Read a corpus of a law from a file. Raises CorpusError."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "found bytes that are no UTF-8"
        raise CorpusError(f"{file}: {said}; expected a corpus, as ivproof policy corpus writes it") from None
    about = _plain(file, 1, lines[0] if lines else "")
    if about.get("corpus") != FORMAT:
        raise CorpusError(
            f"{file}:1: found no corpus of format {FORMAT}; expected one, as ivproof policy corpus writes it"
        )
    law = _law(policy)
    if about.get("law") != law:
        raise CorpusError(
            f"{file}:1: found a corpus of another law or list of drugs, {json.dumps(about.get('law'))}; "
            f"expected one of {policy.told}, {json.dumps(law)}: ivproof policy corpus writes it anew"
        )
    if about.get("charts") != len(lines) - 1:
        raise CorpusError(
            f"{file}: found {len(lines) - 1} charts, expected {about.get('charts')}, as its first line says"
        )
    return Corpus(about, [_stored(file, n, line) for n, line in enumerate(lines[1:], 2)])


def _plain(file: Path, line: int, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CorpusError(f"{file}:{line}: found no JSON object; expected a line of a corpus")
    return found


def _stored(file: Path, line: int, text: str) -> Stored:
    found = _plain(file, line, text)
    document = found.get("chart")
    encounter = parse(document, Source(str(file), line=line)).encounter if isinstance(document, dict) else None
    try:
        claims = tuple(
            sorted(
                tuple(sorted((it["code"], it["units"], tuple(it["modifiers"])) for it in one))
                for one in found["claims"]
            )
        )
        said = Said(found["status"], claims)
    except (KeyError, TypeError):
        said = None
    if encounter is None or said is None or not isinstance(document, dict):
        raise CorpusError(f"{file}:{line}: found no chart with its claims; expected a line of a corpus")
    return Stored(document, encounter, said)


def _felt(pair: Pair, charts: Iterable[Stored]) -> Iterator[Stored]:
    """The charts of which the rules up to what changed conclude something else."""
    if not pair.heads:
        return
    alike, silent = Alike(pair.patterns, [part.law for part in pair.parts]), set[object]()
    for it in charts:
        kind = Kind(it.document, it.encounter.id)
        found = pair.templates(kind)
        if found is None:
            yield it
            continue
        key = alike.key(kind, found[0])
        if key in silent:
            continue
        try:
            same = not pair.stage(found[0], Region(()))
        except TooManyWaysError:
            same = False
        if same:
            silent.add(key)
        else:
            yield it


def compared(old: Policy, new: Policy, corpus: Corpus) -> Iterator[Compared]:
    """Give the charts of a corpus of the old law that have another claim by the new one, coded by both engines.

    Raises CorpusError where the old law does not give a chart what is stored, and DisagreementError.
    """
    pair = Pair(Side(Coder(old), SENT), Side(Coder(new), SENT))
    felt = list(_felt(pair, corpus.charts))
    both = Comparing(new)(old, {})
    told = both.code([it.encounter for it in felt], "none", changes=False)
    differing = [(it, found) for it, found in zip(felt, told, strict=True) if found.kind == ANOTHER_CLAIM]
    for it, found in differing:
        if Said.of(found.before) != it.said:
            raise CorpusError(
                f"{it.encounter.id}: found other claims stored than the law gives; expected a corpus of it"
            )
    # what the old law gives is stored as both engines gave it
    both.new.coder.code([it.encounter for it, _ in differing], "all", changes=False)
    yield from (found for _, found in differing)
