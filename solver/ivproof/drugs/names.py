"""How a drug name from a chart is read: several forms of it, from the strictest to the loosest.

Two spellings are the same when their folded forms are equal. A name as charted gives up to five folded
forms, and the first that the drug list knows wins. Each form only leaves out whole words of a closed kind;
nothing is ever matched by its beginning or by likeness.

0. as written: without case, spaces, punctuation and the words that join (with, and, in, plus, +);
1. without volumes, rates and words of route and container ("1000 mL", "at 125 mL/h", "IV push", "chemo infusion",
   "syringe"), and without the mEq of an electrolyte that is named beside them;
2. without strengths and doses ("4 mg", "5,000 units/mL", "600/500");
3. without percentages ("1 %");
4. without salts ("sodium", "hydrochloride", "sod succ"), but only where the salt is not the drug itself.

A percentage is left out after the strengths, and what remains is then never a fluid: 0.9 % and 3 % are different
fluids, and lidocaine 1 % is lidocaine.

    >>> [form.folded for form in forms("Ondansetron HCl 4 mg IV push")]
    ['ondansetronhcl4mgivpush', 'ondansetronhcl4mg', 'ondansetronhcl', 'ondansetron']
    >>> folded("5-FU") == folded("5 fu"), folded("D5-1/2NS") == folded("D5 1/2 NS")
    (True, True)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

AS_WRITTEN, WITHOUT_VOLUME, WITHOUT_STRENGTH, WITHOUT_PERCENTAGE, WITHOUT_SALT = range(5)


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
_DOSE_UNIT = r"(?:mg|mcg|ug|ng|g|gm|gms|grams?|kg|milli-?units?|munits?|units?|u|iu|miu|mci|doses?|vials?|amps?)"
_MEQ_UNIT = r"(?:meq|mmol)"
_PER_UNIT = rf"(?:{_VOLUME_UNIT}|{_DOSE_UNIT}|m2|h|hr|hours?|min|minutes?|days?|doses?|vials?|bags?|syringes?)"
_PER = rf"(?:\s*(?:/|\bper\b)\s*{_NUMBER}?\s*{_PER_UNIT})"

_VOLUME = re.compile(rf"{_AMOUNT}{_VOLUME_UNIT}{_PER}*(?![\w%])")
_DOSE = re.compile(
    rf"{_AMOUNT}(?:million[\s-]+)?(?:{_DOSE_UNIT}|{_MEQ_UNIT})(?:\s+(?:of\s+)?(?:iodine|iron|pe))?{_PER}*(?![\w%])"
    r"|(?<![\w./%])\d{2,}/\d{2,}(?![\w./%])"
)
_PERCENTAGE = re.compile(rf"{_AMOUNT}%(?![\w%])")
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
    r"\b(?:iv|ivp|ivpb|im|sq|sc|subq|subcut|subcutaneous|intravenous|intramuscular|inj|injection|injectable|infusion|inf"
    r"|intermittent|continuous|bolus|drip|gtt|push|premix|premixed|piggyback|ivpush|chemo|chemotherapy|syringe|vial(?:[\s-]?mate)?"
    r"|(?<!banana )(?<!rally )bag"
    r"|mbp|mb\+|mini[\s-]?bag(?:[\s-]plus)?|ampule?s?|prefilled|pre-filled|pca|solution|soln|solr|sosy|soaj|susr|recon|reconstituted|powder|pwdr"
    r"|concentrate|undiluted|ambulatory|cadd|elastomeric|pump|carpuject|sdv|mdv|viaflex|recombinant"
    r"|add[\s-]?vantage|on[\s-]body injector|20\d\d-(?:20)?\d\d"
    r"|amps?|duplex|galaxy|frozen|(?:extended|ext) inf(?:usion)?|(?:test|loading|initial|maintenance) dose|intrathecal"
    r"|preservative[\s-]free|usp|pf|porcine|human|for)(?!\w)"
)

_OVER_TIME = re.compile(rf"\bover\s+{_NUMBER}\s*(?:h|hr|hrs|hours?|min|minutes?|days?)\b")
# "sodium chloride 0.9 % 0.9 % bolus": the strength of the fluid and that of the product, the same.
_SAID_AGAIN = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*%(\s+(?:sodium chloride|nacl|dextrose)|)\s+\1\s*%")
_VOLUME_ALONE = re.compile(
    rf"(?<![\w./%@])(?<!at )(?P<number>{_NUMBER})\s*(?P<unit>{_VOLUME_UNIT})(?![\w%])(?!\s*(?:/|per\b))"
)
_VOLUME_OF_STRENGTH = re.compile(rf"/\s*(?P<number>{_NUMBER})\s*(?P<unit>{_VOLUME_UNIT})(?![\w%])(?!\s*(?:/|per\b))")
_PER_LITRE = re.compile(r"(?:/|\bper)\s*(?:l|liter|litre)\b")
_PIGGYBACK = re.compile(r"\b(?:ivpb|piggyback|mbp|mini[\s-]?bag|rider)\b")
_ORAL_WORD = (
    r"(?:(?:film[\s-]coated|enteric[\s-]coated|chewable|(?:orally\s+)?disintegrating|(?:extended|delayed|immediate)[\s-]release"
    r"|immed(?:iate)?\s+rel|ER|XR|SR|DR|EC|CR|ODT)\s+)*"
    r"(?:tab(?:let)?s?|cap(?:sule|let)?s?|packets?|oral\s+(?:solution|suspension|liquid|syrup|concentrate)|syrup|elixir|ODT)"
)
_ORAL_FORM = re.compile(
    rf"(?:\b(?:oral(?:ly)?|PO|by\s+mouth)\s+)?\b{_ORAL_WORD}\b(?:\s+PO\b)?|\b(?:PO|oral(?:ly)?|by\s+mouth)\b",
    re.IGNORECASE,
)
_PREMIX = re.compile(r"\b(?:premix|premixed|galaxy|duplex|frozen|ready[\s-]to[\s-]use|rtu)\b")
_BRACKET = re.compile(r"\(([^()]*)\)")
_OTHER_BRACKETS = re.compile(r"[\[{]([^\[\](){}]*)[\]}]")
_QUALIFIER = re.compile(
    rf"(?<![\w./]){_NUMBER}\s*(?:h|hr|hrs|hours?|min|minutes?|weeks?|months?)\b"
    r"|\b(?:prophylaxis|treatment|adult|pediatric|peds|standard|single|multi|dose|non-?pvc|formulary|generic|kit|plus"
    r"|pharmacy|per|to|protocol|ob-gyn|in|pres|free|max|min|final|total|conc|volume|prefill|wrapper|dehp|non-?dehp)\b"
)
_ISO_OSMOTIC = re.compile(r"\biso\b|\biso-?osm?\w*\b")

_METALS = frozenset({"sodium", "sod", "na", "disodium", "potassium", "calcium", "ca", "magnesium"})
_FIRST_METALS = _METALS | {"k", "mg"}
_SALTS = frozenset(
    {
        "hydrochloride",
        "hcl",
        "phos",
        "succ",
        "suc",
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
    r"|(?:sodium|sod|na) (?:chloride|cl|bicarbonate|bicarb|acetate|lactate))\b"
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


@dataclass(frozen=True, slots=True)
class Printed:
    """A name as a record prints it, taken apart.

    `name` is what is left without strengths, volumes and words of container, and `aside` what stood in brackets and
    may be another name; `dosed` whether a dose or a strength stood there, `per_litre` whether it was a concentration in
    a litre, `piggyback` whether the container is a small bag, `premixed` whether it comes ready-made; `ml` is the
    volume that the name gives, of several that of the fluid; None where that is not told.
    """

    name: str
    aside: tuple[str, ...]
    dosed: bool
    per_litre: bool
    piggyback: bool
    premixed: bool
    ml: Decimal | None


def printed(text: str) -> Iterator[Printed]:
    """Take a name apart, in each way in which its brackets may be meant; nothing where they do not close.

    What only says how the drug is presented or how strong it is does not count: ``(PF)``, ``(5 mg/mL)``. Any other
    bracket is another name, or else a part of this one: ``ferric (iron) carboxymaltose``.
    """
    plain = _OTHER_BRACKETS.sub(r"(\1)", _plain(text))
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for apart, percentages in ((True, True), (False, True), (True, False)):
        names: list[str] = []

        def bracket(found: re.Match[str], apart: bool = apart, percentages: bool = percentages) -> str:
            inner = found[1].strip()
            rest = _QUALIFIER.sub(" ", _without_amounts(inner))
            if not _fold(rest if percentages else _PERCENTAGE.sub(" ", rest)):
                return " "
            if not apart or inner[:1].isdigit() or _ISO_OSMOTIC.search(inner):
                return f" {inner} "
            names.append(inner)  # noqa: B023
            return " "

        bare = _BRACKET.sub(bracket, plain)
        way = (bare, tuple(names))
        if "(" in bare or ")" in bare or way in seen:
            continue
        seen.add(way)
        volumes = _volumes(bare) or _volumes(plain)
        if len(volumes) > 1:  # that of the fluid is the one behind its name
            volumes = _volumes(bare.rpartition(" in ")[2])
        yield Printed(
            " ".join(_without_amounts(bare).split()),
            tuple(names),
            bool(_DOSE.search(bare)),
            bool(_PER_LITRE.search(bare)),
            bool(_PIGGYBACK.search(plain)),
            bool(_PREMIX.search(plain)),
            volumes[0] if len(volumes) == 1 else None,
        )


def _without_amounts(plain: str) -> str:
    """Without volumes, doses and words of route or container; percentages stay."""
    plain = _OVER_TIME.sub(" ", _SAID_AGAIN.sub(r"\1 %\2", plain))
    return _ROUTE_WORD.sub(" ", _DOSE.sub(" ", _VOLUME.sub(" ", plain)))


def without_oral_form(text: str) -> str:
    """The text without words for what is swallowed: "ondansetron (ZOFRAN) tablet 8 mg PO".

    >>> without_oral_form("ondansetron disintegrating tablet 8 mg"), without_oral_form("ondansetron injection")
    ('ondansetron 8 mg', 'ondansetron injection')
    """
    return " ".join(_ORAL_FORM.sub(" ", text).split())


def _volumes(plain: str) -> tuple[Decimal, ...]:
    """The volumes of a name without rates and concentrations: those that stand alone before those of strengths."""
    for pattern in (_VOLUME_ALONE, _VOLUME_OF_STRENGTH):
        found = [
            Decimal(it["number"].replace(",", "")) * (1000 if it["unit"].startswith("l") else 1)
            for it in pattern.finditer(plain)
        ]
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def folded(text: str) -> str:
    """The form in which two spellings of one name are equal; empty when nothing of a name is left."""
    if text.isascii():  # most names of a list are plain words: the same answer without the patterns
        words = text.lower().replace("-", " ").split(" ")
        name = "".join(words)
        if name.isalnum() and _JOINING_WORDS.isdisjoint(words):
            return name
    return _fold(_plain(text))


def _without_volume(plain: str) -> str:
    plain = _OVER_TIME.sub(" ", _VOLUME.sub(" ", _SAID_AGAIN.sub(r"\1 %\2", plain)))
    if _NAMED_ELECTROLYTE.search(plain):
        plain = _PER_ALONE.sub(" ", _MEQ.sub(" ", plain))
        plain = _BARE_AFTER_KCL.sub(r"\1 ", _BARE_BEFORE_KCL.sub(" ", plain))
    return _ROUTE_WORD.sub(" ", plain)


def _without_salt(plain: str) -> str:
    words = re.findall(r"[^\s,;()]+", plain)
    if not words or words[0] in _FIRST_METALS or _JOINER.search(plain) or _OWN_DRUG.search(plain):
        return plain
    return " ".join([words[0], *(w for w in words[1:] if w.rstrip("./") not in _SALTS | _METALS)])


def forms(text: str) -> list[Form]:
    """The folded forms of a charted name, strictest first, each different from the one before it."""
    plain = _plain(text)
    found = [Form(_fold(plain), AS_WRITTEN)]
    for stage, leave_out in (
        (WITHOUT_VOLUME, _without_volume),
        (WITHOUT_STRENGTH, lambda t: _DOSE.sub(" ", t)),
        (WITHOUT_PERCENTAGE, lambda t: _PERCENTAGE.sub(" ", t)),
        (WITHOUT_SALT, _without_salt),
    ):
        plain = leave_out(plain)
        form = _fold(plain)
        if form != found[-1].folded:
            found.append(Form(form, stage))
    return found
