"""Determinations: what the law gives for an encounter, as data; what is described here is what is given out.

A determination says whether the claim is determined, ambiguous (an open question or a free choice changes it) or
undetermined (a fact is missing and the policy gives no answer without it). Fields may be added in later versions, so
readers of the data should pass over those that they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Annotated

from ivproof.claim.statements import Gives, Statement
from ivproof.edits.checker import Edit
from ivproof.engine.choices import FREE, OPEN, Resolution
from ivproof.formats.notebook import shown
from ivproof.formats.output import OPTIONAL, After, Amount, Called, Count, Date, Described, Inside, Keywords

DETERMINED = "determined"
"""The status of what leads to one claim."""

UNDECIDED = "undecided"
"""The status of what takes more work than is allowed."""

RULES = "Numbers of the policy's rules behind it: R30; F23 for a national rule where the text is silent."

Rules = Annotated[tuple[str, ...], RULES]

Policy = Annotated[
    Mapping[str, str],
    "The policy that it follows from.",
    Keywords(
        properties={
            "id": {"type": "string", "description": "Id of the policy."},
            "edition": {"type": "string", "description": "Edition of its text."},
            "digest": {
                "type": "string",
                "description": "Digest of the law's files.",
                "pattern": "^sha256:[0-9a-f]{64}$",
            },
        },
        required=["id", "edition", "digest"],
    ),
]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Why a line carries a modifier: in a sentence, with the policy's rules behind it."""

    modifier: str
    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimLine(Described):
    """One line of a claim.

    `marks` tell why it carries its modifiers.
    """

    code: Annotated[str, "CPT or HCPCS code."]
    units: Annotated[Count, "HCPCS units."]
    modifiers: Annotated[tuple[str, ...], "Modifiers of the line."]
    role: Annotated[str, "What the service is in this claim: initial, further_hour, sequential_infusion …"]
    site: Annotated[
        str | None,
        "Id of the access site as charted, or of the one that is taken for it; of several that count as one all ids, "
        "with commas. With the lumen where that counts; null where none is documented.",
    ]
    date: Annotated[Date, "ISO date."]
    administrations: Annotated[
        tuple[str, ...], "Ids of the administrations that the line is for, in the order of the chart."
    ]
    rules: Annotated[tuple[str, ...], f"{RULES} Those of its modifiers are among them."]
    marks: Inside[tuple[Mark, ...]] = ()


@dataclass(frozen=True, slots=True)
class Exclusion(Described):
    """Something that is not on the claim, or a finding beside it.

    Of what would have had no one code, `kept_from` has those of its class that it might have taken but for the reason,
    and `by_route` those of other classes, by the way it was given. `says` is what stands behind the reason, `with_drug`
    whether the drug itself is left out, and not only the giving of it.
    """

    subject: Annotated[str, "Id of the administration, or the service."]
    code: Annotated[str | None, "The code that it would have had; null where there is none."]
    reason: Annotated[str, "One sentence that says why."]
    rules: Rules
    name: Annotated[str, "Id of the rule of the law behind it, as `ivproof policy show` knows it."]
    kept_from: Inside[tuple[str, ...]] = field(default=(), compare=False)
    by_route: Inside[tuple[str, ...]] = field(default=(), compare=False)
    says: Inside[tuple[Statement, ...]] = field(default=(), compare=False)
    with_drug: Inside[bool] = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class MissingFact(Described):
    """A fact that the chart does not give; `says` is what stands behind the message."""

    fact: Annotated[str, "Its path in the chart, with ids in the brackets: administrations[ceftriaxone-1].stop."]
    would_change: Annotated[
        bool | None,
        "Whether the claim hangs on it: some value of it, by itself, leads to another claim (of a site: what else has "
        "none being at the first one), or the alternatives suppose different values of it. Null where that is not "
        "known: not every value could be tried.",
    ]
    message: Annotated[str, "What follows without it."]
    rules: Rules
    subject: Inside[str]
    field: Inside[str]
    searched: Annotated[
        str,
        "Where it is not true: which values were tried. None of them leads to another claim.",
        OPTIONAL,
        After("would_change"),
    ] = ""
    charted: Annotated[
        str,
        "What the chart has there, where it gives the fact and it may be a slip of the pen.",
        OPTIONAL,
        After("searched"),
    ] = ""
    says: Inside[tuple[Statement, ...]] = ()

    @property
    def weight(self) -> str:
        """Whether the claim hangs on it in words, and where it does not or that is not known, what was tried."""
        if self.would_change:
            return "can change the claim"
        known = "may change the claim" if self.would_change is None else "by itself does not change the claim"
        return f"{known}; tried: {self.searched}" if self.searched else known


@dataclass(frozen=True, slots=True)
class DrugLine(Described):
    """A line for the drug itself, apart from the claim for giving it: what has one code, date and modifiers."""

    code: Annotated[str, "HCPCS code of the drug."]
    units: Annotated[Amount, "HCPCS units."]
    modifiers: Annotated[tuple[str, ...], "Modifiers, such as JW and JZ."]
    administrations: Annotated[tuple[str, ...], "Ids of all that the units are of, in the order of the chart."]
    date: Annotated[Date, "ISO date."]

    @property
    def administration(self) -> Annotated[str, "Id of the first administration that it is for.", After("modifiers")]:
        """The first of the administrations."""
        return self.administrations[0]

    @property
    def text(self) -> str:
        """Code, modifiers and units: ``J9035-JZ × 40``."""
        return f"{'-'.join((self.code, *self.modifiers))} × {self.units}"


@dataclass(frozen=True, slots=True)
class Taken(Described):
    """What a charted name was taken for."""

    administration: Annotated[str, "Id of the administration."]
    name: Annotated[str, "The drug as charted."]
    drug: Annotated[
        str | None, "Key of the drug in the drug list; null where the list does not know it, or it was not given."
    ] = None
    kind: Annotated[str | None, "Kind of the drug in the drug list."] = None
    product: Annotated[
        str | None, "Key of the product that the name, or the product charted beside it, settles; or null."
    ] = None
    carrier: Annotated[
        str | None, "Key of the fluid that the name says it was mixed into; null where it names none."
    ] = None
    carrier_ml: Annotated[Amount | None, "Millilitres of that fluid; null where the name does not tell it."] = None
    also: Annotated[tuple[str, ...], "Keys of the electrolytes and vitamins that the name says are in it as well."] = ()


@dataclass(frozen=True, slots=True)
class Reading(Described):
    """What is held of a question that the policy leaves open."""

    question: Annotated[str, "Its number: A9."]
    name: Annotated[str, "Its short name: tie_break."]
    option: Annotated[str | None, "Name of the option held; null where every one is tried."]
    source: Annotated[str, "Who holds it.", Keywords(enum=["default", "set", "open"])]
    matters: Annotated[
        bool, "Whether another option gives another claim, other lines of drugs or another order of diagnoses."
    ]
    says: Annotated[str, "The option in words."] = ""
    rests_on: Annotated[str, "The rules of the policy that leave the question open."] = ""
    otherwise: Annotated[
        Mapping[str, Mapping[str, int]],
        "The claims that other options give by themselves: units by code, by letter of the option.",
        OPTIONAL,
    ] = field(default_factory=dict)
    otherwise_status: Annotated[
        Mapping[str, str],
        "The status that other options by themselves lead to, where that is not one claim: by letter of the option.",
        OPTIONAL,
    ] = field(default_factory=dict)
    otherwise_why: Annotated[
        Mapping[str, str], "What they leave open: the reason, or the claims that can follow.", OPTIONAL
    ] = field(default_factory=dict)
    otherwise_beside: Annotated[
        Mapping[str, Mapping[str, tuple[str, ...]]],
        "What other options change beside the services, by letter: the drug_lines or the diagnoses; several if more "
        "is open.",
        OPTIONAL,
    ] = field(default_factory=dict)

    @property
    def says_otherwise(self) -> tuple[Gives, ...]:
        """What stands behind the claims that other options give."""
        return tuple(Gives(self.question, it, tuple(codes.items())) for it, codes in self.otherwise.items())

    def beside(self, letter: str) -> Iterator[str]:
        """What an option changes beside the services, in words: ``the diagnoses E86.0, C50.911``."""
        for what, led in self.otherwise_beside.get(letter, {}).items():
            yield f"the {what.replace('_', ' ')} {'; or '.join(led)}"

    @property
    def only_beside(self) -> bool:
        """Whether it decides over nothing but lines of drugs and diagnoses."""
        return bool(self.otherwise_beside) and not (self.otherwise or self.otherwise_status or self.option is None)

    @property
    def departs(self) -> bool:
        """Whether another option by itself leads elsewhere than what is held."""
        return bool(self.otherwise or self.otherwise_status or self.otherwise_beside)


@dataclass(frozen=True, slots=True)
class Rival(Described):
    """One of several claims, and what leads to it; `resolutions` are what leads to it in the law's own terms."""

    readings: Annotated[Mapping[str, str], "Letter of the option by number of the question."]
    given: Annotated[Mapping[str, str], "What is supposed of a fact that the chart does not give, by fact.", OPTIONAL]
    initial: Annotated[Mapping[str, str], "Which of several equals is initial, by access site.", OPTIONAL]
    others: Annotated[
        tuple[Annotated[Mapping[str, str], "Question or fact, and what is taken."], ...],
        "Further ways to it.",
        OPTIONAL,
        Called("also"),
    ]
    lines: Annotated[tuple[ClaimLine, ...], "The claim.", Called("claim")]
    excluded: Annotated[tuple[Exclusion, ...], "What is not on this claim, and why."]
    resolutions: Inside[tuple[Resolution, ...]] = ()


@dataclass(frozen=True, slots=True)
class Diagnoses(Described):
    """The diagnoses in their sequence."""

    first_listed: Annotated[str | None, "ICD-10-CM code."]
    then: Annotated[tuple[str, ...], "The others in order."]


@dataclass(frozen=True)
class Determination(Described):
    """What follows for one encounter from one policy. The order of everything in it is fixed by the input.

    `bundled` and `unreached` are for audits: codes that stand for what is included anyway, and further hours and
    prolonged infusions that did not run long enough, or have no stop to show it, with the code in `by_route`.
    """

    encounter: Annotated[str, "Id of the encounter."]
    policy: Policy
    status: Annotated[
        str,
        "determined: one claim follows, which may be empty. ambiguous: an open question or a free choice changes it; "
        "`claim` is what holds in every case. undetermined: it depends on a fact that is missing. undecided: it takes "
        "more work than --limit allows to tell; `notes` has what makes the chart so large.",
        Keywords(enum=["determined", "ambiguous", "undetermined", "undecided"]),
    ]
    claim: Annotated[tuple[ClaimLine, ...], "The claim."] = ()
    excluded: Annotated[tuple[Exclusion, ...], "What is not on the claim, and why."] = ()
    edits: Annotated[tuple[Edit, ...], "The claim edits."] = ()
    drug_lines: Annotated[tuple[DrugLine, ...], "Lines for the drugs themselves."] = ()
    taken: Annotated[tuple[Taken, ...], "What the name of each administration was taken for.", Called("drugs")] = ()
    diagnoses: Inside[tuple[str, ...]] = ()
    readings: Annotated[tuple[Reading, ...], "Questions that were set, or on whose answer this claim depends."] = ()
    alternatives: Annotated[tuple[Rival, ...], "Every claim that can follow, where there are several."] = ()
    missing: Annotated[tuple[MissingFact, ...], "Facts that the chart does not give."] = ()
    findings: Annotated[tuple[Exclusion, ...], "Findings that change no code."] = ()
    notes: Inside[tuple[str, ...]] = ()
    why_undetermined: Inside[tuple[str, ...]] = ()
    bundled: Inside[tuple[Exclusion, ...]] = ()
    unreached: Inside[tuple[Exclusion, ...]] = ()

    @property
    def sequence(
        self,
    ) -> Annotated[Diagnoses, "The diagnoses in their sequence.", Called("diagnoses"), After("taken")]:
        """The diagnoses, the first apart from the others."""
        return Diagnoses(self.diagnoses[0] if self.diagnoses else None, self.diagnoses[1:])

    @property
    def remarks(self) -> Annotated[tuple[str, ...], "Further remarks.", Called("notes"), After("findings")]:
        """Why there is no claim, and the notes."""
        return (*self.why_undetermined, *self.notes)

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        lines = [(it.code, it.units, it.modifiers, it.role, it.administrations, it.rules) for it in self.claim]
        drugs = [(it.code, it.units, it.modifiers, "drug", it.administrations, ()) for it in self.drug_lines]
        return shown(
            f"{self.encounter}: {self.status}",
            ("Code", "Units", "Modifiers", "Role", "For", "Rules"),
            [*lines, *drugs],
            {
                "Not on the claim": [f"{it.subject}: {it.reason}" for it in self.excluded],
                "Other claims": [_listed(it.lines) for it in self.alternatives],
                "Missing": [f"{it.fact}: {it.message}" for it in self.missing],
                "Findings": [f"{it.subject}: {it.reason}" for it in self.findings],
                "Notes": list(self.remarks),
            },
        )


def _listed(lines: Iterable[ClaimLine]) -> str:
    """Name the lines of a claim in one line: ``96365, 96366-59 × 2``."""
    named = ("-".join((it.code, *it.modifiers)) + (f" × {it.units}" if it.units > 1 else "") for it in lines)
    return ", ".join(named) or "nothing"


@lru_cache(maxsize=1 << 12)
def _rule_order(rule: str) -> tuple[str, int]:
    number = re.search(r"\d+", rule)
    return rule[:1], int(number[0]) if number else 0


def sorted_rules(rules: Iterable[str]) -> tuple[str, ...]:
    """Give the numbers of rules once each, in the order of the policy's text."""
    return tuple(sorted(set(rules), key=_rule_order))


def status_of(alternatives: Sequence[Sequence[Sequence[Resolution]]], undetermined: Sequence[str]) -> str:
    """Give the status of what leads to several claims, from the ways to each of them; of one claim there are none.

    `undetermined` has the reasons for which the law itself gives no claim.
    """
    if undetermined:
        return "undetermined"
    if not alternatives:
        return DETERMINED
    # A fact is what is missing as soon as it alone, all readings kept, gives another claim.
    kept = [
        (n, {it.choice: it.value for it in way if it.predicate in {OPEN, FREE}})
        for n, ways in enumerate(alternatives)
        for way in ways
    ]
    by_fact = any(
        n != m and all(two.get(choice, value) == value for choice, value in one.items())
        for (n, one), (m, two) in combinations(kept, 2)
    )
    return "undetermined" if by_fact else "ambiguous"
