"""What codes and words of FHIR mean: ways in, ways of giving, lengths of time and volumes in words.

The codes are those of SNOMED CT, the HL7 tables, the NCI thesaurus and EDQM whose meaning is plain. A code that is not
here says nothing; a word that is not here says nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ivproof.chart.fields import LARGEST
from ivproof.importers.words import Words

SNOMED = "http://snomed.info/sct"
NDC = "http://hl7.org/fhir/sid/ndc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC_FORM = re.compile(r"\d{4}-\d{4}-\d{2}|\d{5}-(?:\d{3}-\d{2}|\d{4}-\d{1,2})|\d{11}")
ICD10CM = frozenset({"http://hl7.org/fhir/sid/icd-10-cm", "urn:oid:2.16.840.1.113883.6.90"})
PLACES = "place-of-service"
"""Stands in the name of the system of CMS place-of-service codes."""

ROUTE_CODES = {
    SNOMED: {
        "47625008": "IV",
        "255560000": "IV",
        "386358000": "IV",
        "78421000": "IM",
        "386356001": "IM",
        "34206005": "SQ",
        "386362006": "SQ",
        "372464004": "ID",
        "58100008": "IA",
        "72607000": "IT",
        "406188003": "IT",
        "38239002": "IP",
        "372469009": "IPL",
        "372466002": "IL",
        "26643006": "PO",
    },
    "http://ncimeta.nci.nih.gov": {
        "C38276": "IV",
        "C28161": "IM",
        "C38299": "SQ",
        "C38238": "ID",
        "C38288": "PO",
    },
    "http://standardterms.edqm.eu": {
        "20045000": "IV",
        "20035000": "IM",
        "20066000": "SQ",
        "20053000": "PO",
    },
    "http://terminology.hl7.org/CodeSystem/v2-0162": {
        "IV": "IV",
        "IM": "IM",
        "SC": "SQ",
        "ID": "ID",
        "IA": "IA",
        "IT": "IT",
        "IP": "IP",
        "PO": "PO",
    },
    "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration": {
        "IV": "IV",
        "IVPUSH": "IV",
        "IM": "IM",
        "SQ": "SQ",
        "PO": "PO",
    },
}
METHOD_CODES = {SNOMED: {"420620005": "push"}}

ROUTE_WORDS = Words(
    {
        "IV": [
            "intravenous",
            "intravenously",
            "IV",
            "IVP",
            "IVPB",
            "IV push",
            "IV piggyback",
            "IV infusion",
            "IV drip",
        ],
        "IM": ["intramuscular", "intramuscularly", "IM"],
        "SQ": ["subcutaneous", "subcutaneously", "subcut", "subQ", "SQ", "SC"],
        "ID": ["intradermal", "intracutaneous"],
        "IA": ["intra-arterial", "intraarterial"],
        "IT": ["intrathecal", "intrathecally"],
        "IP": ["intraperitoneal"],
        "IPL": ["intrapleural"],
        "IL": ["intralesional"],
        "PO": ["oral", "orally", "PO", "by mouth"],
    }
)
METHOD_WORDS = Words(
    {
        "push": ["push", "IVP", "pushed", "IV push"],
        "infusion": [
            "infusion",
            "infuse",
            "infused",
            "continuous infusion",
            "intermittent infusion",
            "piggyback",
            "IVPB",
            "drip",
        ],
    }
)

NOT_DONE = re.compile(r"\bnot\s+(?:done|given|administered|taken)\b", re.IGNORECASE)
"""Words of a reason for a status which say that nothing was given."""

SERVICES = {
    "lumbar puncture": "lumbar_puncture",
    "thoracentesis": "thoracentesis",
    "fluoroscopy": "fluoroscopy",
    "transfusion": "transfusion",
    "blood transfusion": "transfusion",
    "venipuncture": "blood_draw",
    "blood draw": "blood_draw",
    "local anesthesia": "local_anesthesia",
}
"""Words for a procedure that are a service of the chart, each the whole text."""


class StatedLength(NamedTuple):
    """A length of time in minutes, from and to, and the words that say it."""

    least: float
    most: float
    words: str

    def contradicts(self, minutes: float) -> bool:
        """Whether so many minutes are more than a minute off."""
        return not self.least - 1 <= minutes <= self.most + 1


_NUMBERS = {
    "a": 1.0,
    "an": 1.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "eight": 8.0,
    "ten": 10.0,
    "fifteen": 15.0,
    "twenty": 20.0,
    "thirty": 30.0,
    "forty-five": 45.0,
    "sixty": 60.0,
    "ninety": 90.0,
    "half an": 0.5,
    "half a": 0.5,
    "one-half": 0.5,
}
_NUMBER = r"(?:(?:\d+\s+)?[13]/[24]|\d+(?:\.\d+)?|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"
_UNIT = r"(?:minutes?|mins?|hours?|hrs?|h|seconds?|secs?)"
_SPAN = (
    rf"(?P<one>{_NUMBER})(?:\s*(?:-|–|to)\s*(?P<two>{_NUMBER}))?[\s-]*(?P<unit>{_UNIT})\b\.?"
    rf"(?:\s*(?:and\s+)?(?P<more>{_NUMBER})\s*(?P<rest>minutes?|mins?)\b)?"
)
_ABOUT = r"(?:(?:approximately|approx\.?|about|at least|up to|the course of|a period of|~)\s*)*"
_LENGTHS = (
    re.compile(rf"\b(?:over|during|for)\s+{_ABOUT}{_SPAN}", re.IGNORECASE),
    re.compile(rf"\b(?:infus\w*|run\w*)\s+(?:in\s+|x\s*)?{_ABOUT}{_SPAN}", re.IGNORECASE),
    re.compile(rf"\b(?:duration|time|length)\s*(?::|=|of|is)?\s*{_ABOUT}{_SPAN}", re.IGNORECASE),
    re.compile(
        rf"(?<!every )(?<!q)(?<![\d.-])\b{_SPAN}\s*-?(?:long\s+)?(?:iv\s+|intravenous\s+)?(?:infusion|drip|push)\b",
        re.IGNORECASE,
    ),
)
_EVERY = re.compile(
    rf"\b(?:every|q\.?)\s*(?P<one>\d+(?:\.\d+)?)(?:\s*(?:-|–|to)\s*(?P<two>\d+))?\s*(?P<unit>{_UNIT}|days?)\b",
    re.IGNORECASE,
)
_DAILY = {"daily": 1, "qd": 1, "bid": 2, "b.i.d": 2, "twice daily": 2, "tid": 3, "t.i.d": 3, "qid": 4, "q.i.d": 4}
_OFTEN = re.compile(
    rf"\b(?:{'|'.join(re.escape(it) for it in sorted(_DAILY, key=len, reverse=True))})(?!\w)", re.IGNORECASE
)
_LIMIT = re.compile(r"\b(?:max\w*|exceed|no more than|not more than|per)\b[^.;]*$", re.IGNORECASE)
_RATE = re.compile(
    r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)\s*(mL|L|cc)\s*(?:/|per)\s*(\d+(?:\.\d+)?)?\s*(hours?|hrs?|h|min\w*)\b",
    re.IGNORECASE,
)
_VOLUME = re.compile(r"(?<![\w./%])(\d[\d,]*(?:\.\d+)?)\s*(mL|L|cc)\b(?!\s*(?:/|per\b))", re.IGNORECASE)
_IN_MINUTES = {"s": 1 / 60, "m": 1.0, "h": 60.0, "d": 1440.0}


def lengths(words: str) -> list[StatedLength]:
    """Find the lengths of time that a text gives for one administration; how often it is given is none.

    >>> lengths("0.05 mg/kg IV over 2-5 minutes every 15 minutes as needed")
    [StatedLength(least=2.0, most=5.0, words='over 2-5 minutes')]
    >>> lengths("infuse over 1 hour 30 min"), lengths("500mg IV q6h x 3 days")
    ([StatedLength(least=90.0, most=90.0, words='over 1 hour 30 min')], [])
    """
    found: dict[tuple[float, float], StatedLength] = {}
    for pattern in _LENGTHS:
        for it in pattern.finditer(words):
            if _LIMIT.search(words[: it.start()]):
                continue
            unit = _IN_MINUTES[it["unit"][0].casefold()]
            more = _number(it["more"]) if it["more"] else 0.0
            least = _number(it["one"]) * unit + more
            most = _number(it["two"]) * unit + more if it["two"] else least
            found.setdefault((least, most), StatedLength(least, most, it[0].strip()))
    return list(found.values())


def intervals(words: str) -> list[StatedLength]:
    """Find how often a text says that doses come: one dose runs no longer than until the next.

    >>> [it.most for it in intervals("1.5 grams in D5W 250 ml. IV every 12 hours.")], intervals("once over 2 hours")
    ([720.0], [])
    """
    found = [
        StatedLength(0, float(it["two"] or it["one"]) * _IN_MINUTES[it["unit"][0].casefold()], it[0].strip())
        for it in _EVERY.finditer(words)
    ]
    return found + [StatedLength(0, 1440 / _DAILY[it[0].casefold()], it[0]) for it in _OFTEN.finditer(words)]


def _number(word: str) -> float:
    if word.casefold() in _NUMBERS:
        return _NUMBERS[word.casefold()]
    whole, _, fraction = word.rpartition(" ") if "/" in word else ("", "", "0/1")
    above, _, below = fraction.partition("/")
    return float(whole or 0) + int(above) / int(below) if "/" in word else float(word)


def rates(words: str) -> list[float]:
    """Find the rates in a text, in millilitres an hour.

    >>> rates("KCl 20 mEq in 1 L 0.9%NS IV at 100 ml/hr"), rates("at 8L/min")
    ([100.0], [480000.0])
    """
    found = []
    for it in _RATE.finditer(words):
        ml = float(it[1].replace(",", "")) * (1000 if it[2].casefold() == "l" else 1)
        found.append(ml / (float(it[3] or 1) or 1) * (60 if it[4].casefold().startswith("m") else 1))
    return list(dict.fromkeys(found))


def volume(words: str) -> float | None:
    """Give the volume that stands in a text, in millilitres; None where none does, or several.

    >>> volume("KCl 20 mEq in 1 L 0.9%NS IV at 100 ml/hr"), volume("morphine 4 mg/mL")
    (1000.0, None)
    """
    found = {float(it[1].replace(",", "")) * (1000 if it[2].casefold() == "l" else 1) for it in _VOLUME.finditer(words)}
    return next((it for it in found if it <= LARGEST), None) if len(found) == 1 else None


def minutes_of(value: float, unit: str) -> float | None:
    """Give a quantity of time in minutes, by its UCUM code or word; None where it is none."""
    found = re.fullmatch(r"(s|sec|second|m|min|minute|h|hr|hour|d|day)s?", unit.strip(), re.IGNORECASE)
    return None if found is None else value * _IN_MINUTES[found[1][0].casefold()]


def millilitres_of(value: float, unit: str) -> float | None:
    """Give a quantity of volume in millilitres; None where it is none."""
    factor = {"ml": 1.0, "cc": 1.0, "l": 1000.0, "milliliter": 1.0, "liter": 1000.0, "dl": 100.0}
    return value * factor[unit.strip().casefold()] if unit.strip().casefold() in factor else None


_TAGS = re.compile(
    r"\s*\((?:product|substance|qualifier value|medicinal product|clinical drug|medicinal product form"
    r"|real clinical drug|physical object)\)\s*$",
    re.IGNORECASE,
)


def plain_name(display: str) -> str:
    """Give a display of SNOMED CT or RxNorm as a printed name: without the kind of the concept, the brand in brackets.

    >>> plain_name("alemtuzumab 10 MG/ML [Lemtrada]"), plain_name("Lorazepam (substance)")
    ('alemtuzumab 10 MG/ML (Lemtrada)', 'Lorazepam')
    """
    found = _TAGS.sub("", display)
    return re.sub(r"\[([^\[\]]+)\]\s*$", r"(\1)", found).strip()
