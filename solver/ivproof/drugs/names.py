"""How a drug name from a chart is read: several forms of it, from the strictest to the loosest.

Two spellings are the same when their folded forms are equal. A name as charted gives up to four folded
forms, and the first that the drug list knows wins. Each form only leaves out whole words of a closed kind;
nothing is ever matched by its beginning or by likeness.

0. as written: without case, spaces, punctuation and the words that join (with, and, in, plus, +);
1. without volumes, rates and words of route ("1000 mL", "at 125 mL/h", "IV push", "bolus"), and without the
   mEq of an electrolyte that is named beside them;
2. without strengths and doses ("4 mg", "5,000 units/mL");
3. without salts ("sodium", "hydrochloride"), but only where the salt is not the drug itself.

A percentage is never left out: 0.9 % and 3 % are different fluids.

    >>> [form.folded for form in forms("Ondansetron HCl 4 mg IV push")]
    ['ondansetronhcl4mgivpush', 'ondansetronhcl4mg', 'ondansetronhcl', 'ondansetron']
    >>> folded("5-FU") == folded("5 fu"), folded("D5-1/2NS") == folded("D5 1/2 NS")
    (True, True)
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

AS_WRITTEN, WITHOUT_VOLUME, WITHOUT_STRENGTH, WITHOUT_SALT = range(4)


class Form(NamedTuple):
    """One folded form of a charted name and what was left out of it (see the module's list)."""

    folded: str
    stage: int


_MARKS = str.maketrans({"®": " ", "™": " ", "©": " ", "’": "'", "ʼ": "'", "`": "'"})
_AFTER_NFKC = str.maketrans(
    {"⁄": "/", "∕": "/", "μ": "u", "α": "alpha", "β": "beta", "γ": "gamma"} | dict.fromkeys("‐‑‒–—―−", "-")
)

_JOINING_WORDS = frozenset({"with", "and", "in", "plus"})
_WITH = re.compile(r"\bw/")
_JOINER = re.compile(rf"\b(?:{'|'.join(sorted(_JOINING_WORDS))})\b|[+&]")
_LEADING_POINT = re.compile(r"(?<!\d)\.(?=\d)")
_LOOSE_MARK = re.compile(r"(?<!\d)[./]|[./](?!\d)")
_PUNCTUATION = re.compile(r"[^\w%./]|_")

_NUMBER = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
_AMOUNT = rf"(?<![\w./%])(?:(?:@|\bat)\s*)?{_NUMBER}(?:\s*-\s*{_NUMBER})?\s*"
_VOLUME_UNIT = r"(?:ml|cc|l|liters?|litres?)"
_DOSE_UNIT = r"(?:mg|mcg|ug|ng|g|gm|gms|grams?|kg|units?|u|iu|miu|mci)"
_MEQ_UNIT = r"(?:meq|mmol)"
_PER_UNIT = rf"(?:{_VOLUME_UNIT}|{_DOSE_UNIT}|m2|h|hr|hours?|min|minutes?|day|dose|vial|bag)"
_PER = rf"(?:\s*(?:/|\bper\b)\s*{_NUMBER}?\s*{_PER_UNIT})"

_VOLUME = re.compile(rf"{_AMOUNT}{_VOLUME_UNIT}{_PER}*(?![\w%])")
_DOSE = re.compile(rf"{_AMOUNT}(?:million\s+)?{_DOSE_UNIT}{_PER}*(?![\w%])")
_MEQ = re.compile(rf"{_AMOUNT}{_MEQ_UNIT}{_PER}*(?![\w%])")
_PER_ALONE = re.compile(rf"{_PER}(?![\w%])")
_NAMED_ELECTROLYTE = re.compile(
    r"(?:\b|(?<=\d))"
    r"(?:kcl|potassium|magnesium|mag|mgso4|calcium|cacl2?|bicarb\w*|nahco3|phos\w*|sodium acetate)\b"
)
# "NS with 40 KCl": beside KCl a bare number is its mEq.
_BARE_BEFORE_KCL = re.compile(rf"(?<![\w./%]){_NUMBER}\s*(?=(?:of\s+)?(?:kcl|potassium chloride)\b)")
_BARE_AFTER_KCL = re.compile(
    rf"\b(kcl|potassium chloride)\s+{_NUMBER}(?![\w%./])(?!\s*(?:{_MEQ_UNIT}|{_DOSE_UNIT}|{_VOLUME_UNIT})\b)"
)
_ROUTE_WORD = re.compile(
    r"\b(?:iv|ivp|ivpb|im|sq|sc|subq|subcut|inj|injection|injectable|infusion|bolus|drip|push|premix|premixed|piggyback"
    r"|solution|soln|usp|pf|for)\b"
)

_METALS = frozenset({"sodium", "disodium", "potassium", "calcium", "magnesium"})
_SALTS = frozenset(
    {
        "hydrochloride",
        "hcl",
        "hydrobromide",
        "bromide",
        "chloride",
        "sulfate",
        "sulphate",
        "phosphate",
        "acetate",
    }
    | {
        "citrate",
        "tartrate",
        "bitartrate",
        "succinate",
        "maleate",
        "fumarate",
        "lactate",
        "besylate",
        "tosylate",
    }
    | {
        "mesylate",
        "mesilate",
        "camsylate",
        "edisylate",
        "monohydrate",
        "dihydrate",
        "trihydrate",
        "anhydrous",
    }
)
# In these pairs the salt is the drug: "potassium phosphate" is no salt form of something before it.
_OWN_DRUG = re.compile(
    r"\b(?:(?:potassium|calcium|magnesium) (?:chloride|phosphate|acetate|gluconate|sulfate|sulphate|citrate)"
    r"|sodium (?:chloride|bicarbonate|acetate|lactate))\b"
)


def _plain(text: str) -> str:
    """Lower-case text in which typographic variants of one character are one character."""
    if text.isascii():
        return _WITH.sub(" with ", text.lower())
    text = unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold().translate(_AFTER_NFKC)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return _WITH.sub(" with ", text)


def _fold(plain: str) -> str:
    plain = _JOINER.sub(" ", plain.replace("'", ""))
    plain = _LOOSE_MARK.sub(" ", _LEADING_POINT.sub("0.", plain))
    return _PUNCTUATION.sub("", plain)


def folded(text: str) -> str:
    """The form in which two spellings of one name are equal; empty when nothing of a name is left."""
    if text.isascii():  # most names of a list are plain words: the same answer without the patterns
        words = text.lower().replace("-", " ").split(" ")
        name = "".join(words)
        if name.isalnum() and _JOINING_WORDS.isdisjoint(words):
            return name
    return _fold(_plain(text))


def _without_volume(plain: str) -> str:
    plain = _VOLUME.sub(" ", plain)
    if _NAMED_ELECTROLYTE.search(plain):
        plain = _PER_ALONE.sub(" ", _MEQ.sub(" ", plain))
        plain = _BARE_AFTER_KCL.sub(r"\1 ", _BARE_BEFORE_KCL.sub(" ", plain))
    return _ROUTE_WORD.sub(" ", plain)


def _without_salt(plain: str) -> str:
    words = re.findall(r"[^\s,;()]+", plain)
    if not words or words[0] in _METALS or _JOINER.search(plain) or "/" in plain or _OWN_DRUG.search(plain):
        return plain
    return " ".join([words[0], *(w for w in words[1:] if w not in _SALTS and w not in _METALS)])


def forms(text: str) -> list[Form]:
    """The folded forms of a charted name, strictest first, each different from the one before it."""
    plain = _plain(text)
    found = [Form(_fold(plain), AS_WRITTEN)]
    for stage, leave_out in (
        (WITHOUT_VOLUME, _without_volume),
        (WITHOUT_STRENGTH, lambda t: _DOSE.sub(" ", t)),
        (WITHOUT_SALT, _without_salt),
    ):
        plain = leave_out(plain)
        form = _fold(plain)
        if form != found[-1].folded:
            found.append(Form(form, stage))
    return found
