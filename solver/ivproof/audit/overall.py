"""What is said of a whole claim, from what is said of its lines; and in what words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ivproof.audit.kinship import Kinship
from ivproof.audit.model import Kind, LineVerdict, Verdict, Way
from ivproof.claim.determination import Determination
from ivproof.law.policy import Policy


def overall(found: Determination, lines: Sequence[LineVerdict], way: Way | None, kinship: Kinship) -> Verdict:
    """Give the verdict on a claim; `way` is that under which the whole of it is right, where there is one."""
    if way is not None:
        if way.given:
            return Verdict.IF_DOCUMENTED
        return Verdict.UNDER_READING if way.size else Verdict.CORRECT
    if found.why_undetermined:
        return Verdict.UNDETERMINED
    over = any(_says_more(line, kinship) for line in lines)
    under = any(_says_less(line, kinship) for line in lines)
    if over and under:
        return Verdict.BOTH
    if over or under:
        return Verdict.OVERCODED if over else Verdict.UNDERCODED
    return Verdict.MODIFIERS


def _says_more(line: LineVerdict, kinship: Kinship) -> bool:
    """Whether more is billed than supported; a modifier that lessens a line says more where it is lacking."""
    lacking, _ = _marks(line, kinship)
    return line.over > 0 or any(map(kinship.lessens, lacking))


def _says_less(line: LineVerdict, kinship: Kinship) -> bool:
    _, beyond = _marks(line, kinship)
    return line.under > 0 or any(map(kinship.lessens, beyond))


def _marks(line: LineVerdict, kinship: Kinship) -> tuple[set[str], set[str]]:
    """The modifiers that a line lacks, and those that it carries beyond what is supported."""
    if Kind.MODIFIER_MISSING not in (line.kind, line.otherwise) and Kind.MODIFIER_WRONG not in (
        line.kind,
        line.otherwise,
    ):
        return set(), set()
    says = set(kinship.known(line.billed.modifiers)) if line.billed else set()
    due = set(line.supported.modifiers) if line.supported else set()
    return due - says, says - due


def units_by_code(lines: Iterable[LineVerdict]) -> tuple[dict[str, int | float], dict[str, int | float]]:
    """Units by code that were billed beyond what is supported, and those that were supported and not billed.

    A unit billed under another code is beyond under the one and short under the other.
    """
    over: dict[str, int | float] = {}
    under: dict[str, int | float] = {}
    for line in lines:
        if line.over and line.billed:
            over[line.billed.code] = over.get(line.billed.code, 0) + line.over
        if line.under and line.supported:
            under[line.supported.code] = under.get(line.supported.code, 0) + line.under
    return dict(sorted(over.items())), dict(sorted(under.items()))


# --- words


class VerdictWords:
    """Says of claims what would have to be so, by a policy and what is held of its questions."""

    def __init__(self, policy: Policy, held: Mapping[str, str | None]) -> None:
        self._policy = policy
        self._held = held

    def way(self, way: Way) -> str:
        """Say what would have to be so: ``A9 (tie_break) is read as B (first), where longest is held``."""
        return " and ".join(self._conditions(way))

    def _conditions(self, way: Way) -> Iterator[str]:
        for number, letter in way.readings.items():
            question = self._policy.question(number)
            held = self._held[question.key]
            aside = "which the policy leaves open" if held is None else f"where {held} is held"
            yield f"{number} ({question.name}) is read as {letter} ({question.option(letter).name}), {aside}"
        for path, value in way.times.items():
            yield f"{path} is {value}, which the chart does not say"
        for site, service in way.initial.items():
            yield f"{service} is taken as the initial service at {site}"

    def claim(
        self,
        verdict: Verdict,
        lines: Sequence[LineVerdict],
        way: Way | None,
        *,
        searched: bool,
        within: int | None = None,
    ) -> str:
        """Say of a whole claim in a sentence or two what the verdict is and what it rests on.

        `searched` says whether all was looked at that could make it right, else `within` how many readings at once.
        """
        if verdict is Verdict.CORRECT:
            judged = " that is judged" if any(line.kind is Kind.NOT_JUDGED for line in lines) else ""
            return f"Every line{judged} follows from the chart."
        if verdict is Verdict.UNDETERMINED:
            return "The policy gives no claim for this chart, so the billed lines are not judged."
        if way is not None:
            return f"The claim is right if {self.way(way)}."
        over, under = units_by_code(lines)
        kinds = {kind for line in lines for kind in (line.kind, line.otherwise)}
        parts = [
            f"billed and not supported: {_units(over)}" if over else "",
            f"supported and not billed: {_units(under)}" if under else "",
            "a modifier is missing" if Kind.MODIFIER_MISSING in kinds else "",
            "a modifier is not supported" if Kind.MODIFIER_WRONG in kinds else "",
        ]
        said = "; ".join(filter(None, parts))
        none = " No reading of the policy gives the whole claim." if searched else ""
        if within:
            more = "" if within == 1 else ", nor do two together"
            none = f" No reading of the policy gives the whole claim by itself{more}."
        return f"{said[:1].upper()}{said[1:]}.{none}"


def _units(by_code: Mapping[str, int | float]) -> str:
    return ", ".join(f"{code} × {number}" for code, number in by_code.items())
