"""What is said of each line: from matched units to verdicts, each with its sentence and its rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ivproof.audit.kinship import Kinship
from ivproof.audit.matching import Piece
from ivproof.audit.model import Billed, Kind, LineVerdict, Supported
from ivproof.chart.encounter import BilledLine
from ivproof.claim.determination import Determination, Exclusion, sorted_rules
from ivproof.claim.determiner import VISIT
from ivproof.claim.statements import Absent, Apart, Bills, Holds, Statement, Supports
from ivproof.law.policy import Policy

VISIT_KIND = "evaluation_and_management"
"""The kind of service that the chart format has for a visit."""

TOLD = 2
"""So many things that were left out are told in a sentence; the others are in the verdict all the same."""


@dataclass(frozen=True)
class Compared:
    """Billed and supported bundles, and how their units match; `services` are codes of charted services by subject.

    `has_visit` says whether a visit is charted, with or without its code.
    """

    billed: Sequence[Billed]
    supported: Sequence[Supported]
    pieces: Sequence[Piece]
    determination: Determination
    excluded: Sequence[Exclusion]
    services: Mapping[str, str] = field(default_factory=dict)
    drug: bool = False
    has_visit: bool = False


class Judge:
    """Puts matched units into verdicts, by one policy."""

    def __init__(self, policy: Policy, kinship: Kinship) -> None:
        self._policy = policy
        self._kinship = kinship

    def lines(self, case: Compared) -> list[LineVerdict]:
        """Judge each line; first the billed ones in their order, then what is missing from the claim."""
        return [replace(it, drug=case.drug, says=(*_says(it, case.drug), *it.says)) for it in self._lines(case)]

    def _lines(self, case: Compared) -> Iterator[LineVerdict]:
        left = {it.billed: it.units for it in case.pieces if it.supported is None}
        short = {it.supported: it.units for it in case.pieces if it.billed is None}
        codes = {it.code for it in case.supported}
        for piece in case.pieces:
            if piece.billed is None or piece.supported is None:
                continue
            one, other = case.billed[piece.billed], case.supported[piece.supported]
            if not piece.exact:
                yield self._differing(replace(one, units=int(piece.units)), replace(other, units=piece.units), case)
                continue
            over, under = left.pop(piece.billed, 0), short.pop(piece.supported, 0)
            billed = replace(one, units=int(piece.units + over))
            supported = replace(other, units=_plain(piece.units + under))
            yield self._exact(billed, supported, over, under, case)
        for place, units in left.items():
            assert place is not None
            billed = replace(case.billed[place], units=int(units))
            same = next((it for it in case.supported if it.code == billed.code), None) if billed.code in codes else None
            if same and case.drug and self._kinship.known(billed.modifiers) != same.modifiers:
                yield self._unsupported(billed, case, same)  # what is discarded has a line of its own, or none
            else:
                yield self._too_many(billed, same, units, case) if same else self._unsupported(billed, case)
        for place, units in short.items():
            assert place is not None
            yield self._missing(replace(case.supported[place], units=units))

    # --- one kind each

    def _exact(self, billed: Billed, supported: Supported, over: float, under: float, case: Compared) -> LineVerdict:
        if over:
            return self._too_many(billed, supported, over, case)
        if under:
            message = f"{_against(billed, supported)}: {short(under)} too few."
            return LineVerdict(Kind.TOO_FEW, billed, supported, message, self._rules(supported), under=_plain(under))
        message = f"{times(billed)} is supported{about(supported)}."
        return LineVerdict(Kind.SUPPORTED, billed, supported, message, self._rules(supported))

    def _too_many(self, billed: Billed, supported: Supported, over: float, case: Compared) -> LineVerdict:
        left_out = self._with_code(billed.code, case)
        why = "".join(f" {it.reason.rstrip('.')}." for it in left_out[:TOLD])
        # of units that stand beside others of the code, all are beyond what is supported
        said = _beyond(billed, supported) if over == billed.units else _against(billed, supported)
        message = f"{said}: {short(over)} too many.{why}"
        rules = sorted_rules((*self._rules(supported), *(rule for it in left_out for rule in it.rules)))
        return LineVerdict(
            Kind.TOO_MANY, billed, supported, message, rules, excluded=tuple(left_out), over=_plain(over)
        )

    def _missing(self, supported: Supported) -> LineVerdict:
        message = f"{times(supported)} is supported{about(supported)} and was not billed."
        return LineVerdict(Kind.MISSING, None, supported, message, self._rules(supported), under=supported.units)

    def _differing(self, billed: Billed, supported: Supported, case: Compared) -> LineVerdict:
        if billed.code == supported.code:
            return self._modifier(billed, supported)
        # what keeps the billed code from the same service is the reason
        names = set(supported.administrations)
        keeping = [] if case.drug else [*self._with_code(billed.code, case), *self._unreached(billed.code, case)]
        left_out = [it for it in keeping if it.subject in names]
        why = "".join(f" {it.reason.rstrip('.')}." for it in left_out[:TOLD])
        # which service a unit was billed for is only known where the law keeps a service from the billed code
        said = (
            f"{times(billed)} was billed where {times(supported)} is supported{about(supported)}: "
            "the wrong code for the same service"
            if left_out
            else f"{times(billed)} is not supported; in its place {times(supported)} is{about(supported)}"
        )
        message = f"{said}.{why}"
        # without a rule that leaves it out, what says no is the rule that would have had to apply
        reasons = [rule for it in left_out for rule in it.rules] or ([] if case.drug else self.rules_of(billed.code))
        rules = sorted_rules((*self._rules(supported), *self.rules_of(supported.code), *reasons))
        return LineVerdict(
            Kind.WRONG_CODE,
            billed,
            supported,
            message,
            rules,
            excluded=tuple(left_out),
            over=billed.units,
            under=supported.units,
        )

    def _modifier(self, billed: Billed, supported: Supported) -> LineVerdict:
        says, due = set(self._kinship.known(billed.modifiers)), set(supported.modifiers)
        lacking, beyond = sorted(due - says), sorted(says - due)
        marks = [it for it in supported.marks if it.modifier in lacking]
        # what says no to a modifier is the rule that would have had to ask for it
        asked = [rule for it in beyond for rule in self._kinship.marks.asking(supported.code, it)]
        rules = sorted_rules((*asked, *(rule for it in marks for rule in it.rules))) or self._rules(supported)
        why = "".join(f" {it.reason.rstrip('.')}." for it in marks[:TOLD])
        if beyond:
            wanted = f"it supports {', '.join(lacking)}" if lacking else "it supports none"
            carried = [it for it in billed.modifiers if self._kinship.says(it) in beyond]
            carries = f"{times(billed)} carries modifier {', '.join(carried)}"
            message = f"{carries}, which the chart does not support; {wanted}.{why}"
            return LineVerdict(Kind.MODIFIER_WRONG, billed, supported, message, rules)
        message = f"{times(billed)} lacks modifier {', '.join(lacking)}{about(supported)}.{why}"
        return LineVerdict(Kind.MODIFIER_MISSING, billed, supported, message, rules)

    def _unsupported(self, billed: Billed, case: Compared, other: Supported | None = None) -> LineVerdict:
        """Say that nothing supports units; of a drug, `other` is what is supported with other modifiers."""
        left_out = self._left_out(billed.code, case)
        # without a rule that leaves it out, what says no is the rule that would have had to apply
        needed = self._kinship.marks.of_drug(()) if case.drug else self.rules_of(billed.code)
        rules = sorted_rules((*(rule for it in left_out for rule in it.rules), *needed))
        if case.determination.why_undetermined:
            why = " ".join(case.determination.why_undetermined)
            message = f"{times(billed)} cannot be judged: the policy gives no claim for this chart. {why}"
            return LineVerdict(Kind.UNSUPPORTED, billed, None, message, rules, over=billed.units)
        called = self._called(billed.code)
        lacking: Statement | None = None
        if left_out:
            why = " ".join(it.reason.rstrip(".") + "." for it in left_out[:TOLD]).rstrip(".")
            called = "" if left_out[0].subject == billed.code else called
        elif other is not None:
            carried = f"modifier {', '.join(other.modifiers)}" if other.modifiers else "no modifier"
            why = f"what the chart supports of this code carries {carried}"
            lacking = Supports(other.code, other.modifiers, other.units, drug=True)
        elif case.drug:
            why, lacking = "no drug with this code was given", Absent(f'drug_line(_,"{billed.code}",_)')
        elif self._kinship.is_visit(billed.code) and not case.has_visit:
            why, lacking = "no visit is charted", Absent(f"other_service(_,{VISIT_KIND})")
        elif billed.code not in self._policy.codes and not self._kinship.is_visit(billed.code):
            why, lacking = "no rule of the policy gives this code", Absent(f'code(_,_,"{billed.code}")')
        else:
            why, lacking = "nothing in the chart earns it", Absent(f'unit("{billed.code}",_,_,_,_)')
        message = f"{times(billed)}{called} is not supported: {why}."
        says = tuple(it for it in (lacking, *map(Holds, self._kinship.rows(billed.code) if called else ())) if it)
        excluded = tuple(left_out)
        return LineVerdict(
            Kind.UNSUPPORTED, billed, None, message, rules, excluded=excluded, over=billed.units, says=says
        )

    def _left_out(self, code: str, case: Compared) -> list[Exclusion]:
        """What was left out that would have had the code, or else a kindred one that was not billed itself.

        After these comes what would have had no one code and might have taken this one only by the way it was given;
        where there is nothing of these, what did not run long enough for it.
        """
        same = self._with_code(code, case)
        if same or case.drug:
            return same
        billed = {it.code for it in case.billed}
        found = [(n, it, it.code) for n, it in enumerate(case.excluded) if it.code and it.code not in billed]
        kin = [(near, n, it) for n, it, other in found if (near := self._kinship.distance(code, other)) is not None]
        kindred = [it for *_, it in sorted(kin, key=lambda it: it[:2])]
        kindred += [it for it in case.excluded if code in it.by_route and it not in kindred]
        return kindred or self._unreached(code, case)

    def _unreached(self, code: str, case: Compared) -> list[Exclusion]:
        """What did not run long enough for a code."""
        return [it for it in case.determination.unreached if code in it.by_route]

    def _with_code(self, code: str, case: Compared) -> list[Exclusion]:
        """What was left out that would have had the code, or might have had it."""
        same = [it for it in case.excluded if code in (it.code, case.services.get(it.subject))]
        if not same and self._kinship.is_visit(code):
            same = [it for it in case.excluded if self._kinship.is_visit(case.services.get(it.subject, ""))]
        same = same or [it for it in case.excluded if code in it.kept_from]
        return same or [it for it in case.determination.bundled if it.code == code]

    # --- rules

    def rules_of(self, code: str) -> tuple[str, ...]:
        """The rules behind a code: those of the law's table of codes, or those of visits."""
        name = self._policy.codes.get(code) or (VISIT if self._kinship.is_visit(code) else "")
        wording = self._policy.wordings.get(name)
        return wording.references if wording else ()

    def _called(self, code: str) -> str:
        """What the law's table of codes says of a code: `` (infusion, further hour)``."""
        wording = self._policy.wordings.get(self._policy.codes.get(code, ""))
        if wording is None or ":" in wording.sentence:  # the words of several codes at once tell of none
            return ""
        said = wording.sentence.rstrip(".")
        return f" ({said[:1].lower()}{said[1:]})"

    def _rules(self, supported: Supported) -> tuple[str, ...]:
        return supported.rules or self.rules_of(supported.code)


def _says(line: LineVerdict, drug: bool) -> Iterator[Statement]:
    """What stands behind the message of a line: what was billed and is supported, what is between, the reasons."""
    billed, supported = line.billed, line.supported
    bills = Bills(billed.code, billed.modifiers, billed.units) if billed else None
    has = Supports(supported.code, supported.modifiers, supported.units, drug) if supported else None
    yield from (it for it in (bills, has) if it is not None)
    if bills and has and bills.units != line.over and line.kind in {Kind.TOO_MANY, Kind.TOO_FEW}:
        yield Apart(bills, has, line.over or -line.under)
    for it in line.excluded[:TOLD]:
        yield from it.says


def unjudged(place: int, line: BilledLine, text: str, behind: Iterable[Statement] = ()) -> LineVerdict:
    """Say of a billed line that it is not judged, and why; `behind` are the statements behind the reason."""
    denied = () if line.denied is None else (line.denied,)
    billed = Billed(line.code, line.units, tuple(line.modifiers), (place,), denied)
    says = (Bills(billed.code, billed.modifiers, billed.units), *behind)
    return LineVerdict(Kind.NOT_JUDGED, billed, None, f"{times(billed)} {text}", says=says)


# --- words


def times(part: Billed | Supported) -> str:
    """A code with its modifiers and units: ``96365-59 × 2``."""
    return f"{'-'.join((part.code, *part.modifiers))} × {part.units}"


def _against(billed: Billed, supported: Supported) -> str:
    verb = "is" if supported.units == 1 else "are"
    return f"{times(billed)} was billed and {supported.units} {verb} supported{about(supported)}"


def _beyond(billed: Billed, supported: Supported) -> str:
    verb = "is" if supported.units == 1 else "are"
    return f"{times(billed)} was billed beside the {short(supported.units)} that {verb} supported{about(supported)}"


def short(units: float) -> str:
    """A number of units, whole where it is whole."""
    return str(_plain(units))


def about(part: Supported) -> str:
    """What supported units are for: `` for vancomycin-1 (initial, left-arm)``."""
    names = ", ".join(part.administrations)
    where = ", ".join(it.replace("_", " ") for it in (*part.roles, *part.sites))
    return (f" for {names}" if names else "") + (f" ({where})" if where else "")


def _plain(units: float) -> int | float:
    return int(units) if units == int(units) else units
