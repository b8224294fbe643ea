"""Judges worked cases by a policy; the cases with one setting of the questions are answered together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from ivproof.audit.auditor import Auditor
from ivproof.audit.model import Kind, LineVerdict
from ivproof.cases.files import Case, Setting, Settled
from ivproof.cases.judging import ASSUMING, CHANGING, departures, said_of
from ivproof.chart.facts import Facts
from ivproof.claim.coding import TOGETHER, Coder
from ivproof.claim.determination import ClaimLine, Determination
from ivproof.engine.grounding import derive


@dataclass(frozen=True)
class Judged:
    """A case with what its determination says otherwise; nothing where it is as expected."""

    case: Case | Settled
    departures: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give what came of the case as plain data."""
        return {
            "case": self.case.name,
            "file": self.case.file,
            "line": self.case.line,
            "departures": list(self.departures),
        }


def judge(base: Coder, cases: Sequence[Case | Settled]) -> Iterator[Judged]:
    """Judge cases by the policy of a coder, whatever that coder has set; they come by setting and not in their order.

    Raises PolicyError where a case sets what the policy does not have.
    """
    for settled in cases:
        if isinstance(settled, Settled):
            yield Judged(settled, settled.departures)
    for case, coder, found in determine(base, [it for it in cases if isinstance(it, Case)]):
        told = departures(case, found)
        if "raises" in case.expect:
            told += _raised_otherwise(coder, case)
        if {"reason_rules", "packet_not_said", "audit_lines"} & set(case.expect):
            told += _audited_otherwise(coder, case)
        told += _otherwise_too(coder, case, found)
        yield Judged(case, tuple(told))


def determine(base: Coder, cases: Sequence[Case]) -> Iterator[tuple[Case, Coder, Determination]]:
    """Determine each case under its readings, those with one setting together; `base` lends its tables."""
    settings: dict[Setting, dict[tuple[bool, bool], list[Case]]] = {}
    for case in cases:
        needs = (not ASSUMING.isdisjoint(case.expect), not CHANGING.isdisjoint(case.expect))
        settings.setdefault(case.setting(base.policy), {}).setdefault(needs, []).append(case)
    for setting, by_needs in settings.items():
        plain = base.assuming(False)
        if dict(setting) != dict(base.readings or {}):
            plain = plain.under(dict(setting))
        for (assuming, changing), alike in by_needs.items():
            coder = plain.assuming() if assuming else plain
            for start in range(0, len(alike), TOGETHER):
                some = alike[start : start + TOGETHER]
                determined = coder.code([it.encounter for it in some], changes=changing)
                for case, found in zip(some, determined, strict=True):
                    yield case, coder, found


def _otherwise_too(coder: Coder, case: Case, found: Determination) -> list[str]:
    """What the other charts of a case have otherwise: the claims, or what is expected."""
    told = []
    for n, other in enumerate(coder.code(case.also, changes=False)):
        mine, its = _claims(found), _claims(other)
        if mine != its:
            told.append(f"also[{n}]: found {its}, and of the case's own chart {mine}")
        told += [f"also[{n}]: {text}" for text in departures(case, other)]
    return told


def _claims(found: Determination) -> object:
    """Status, claim and every claim that can follow, each as a set of codes with units and modifiers."""

    def key(lines: Iterable[ClaimLine]) -> list[tuple[object, ...]]:
        return sorted((it.code, it.units, it.modifiers, it.date) for it in lines)

    return found.status, key(found.claim), sorted(key(it.lines) for it in found.alternatives)


def _raised_otherwise(coder: Coder, case: Case) -> list[str]:
    rules = [rule.text for rule in coder.policy.batch_rules(coder.determiner.settings)]
    [found] = raised(rules, [coder.facts(case.encounter)])
    wanted = set(case.expect["raises"])
    return [] if found == wanted else [f"raises: found {sorted(found)}, expected {sorted(wanted)}"]


def _audited_otherwise(coder: Coder, case: Case) -> list[str]:
    """What the audit of the billed lines, or the packet made of it, has otherwise."""
    told = []
    [audit] = Auditor(coder.policy, case.readings, coder=coder).code([case.encounter])
    for code, rules in case.expect.get("reason_rules", {}).items():
        given = [line.rules for line in audit.lines if line.code == code and line.kind is not Kind.SUPPORTED]
        if not any(set(rules) <= set(it) for it in given):
            told.append(f"reason_rules of {code}: found {given}, expected {rules}")
    for wanted in case.expect.get("audit_lines", ()):
        found = [line for line in audit.lines if line.code == wanted["code"]]
        if not any(_is_like(line, wanted) for line in found):
            lines = [(it.kind.value, it.message, it.rules, it.way and it.way.as_dict()) for it in found]
            told.append(f"audit_lines: found {lines}, expected {wanted}")
    if "packet_not_said" in case.expect:
        texts = _packet_texts(coder, case)
        told += [f"packet: found {text!r}" for text in said_of(case.expect["packet_not_said"], texts)]
    return told


def _is_like(line: LineVerdict, wanted: Mapping[str, Any]) -> bool:
    """Whether a line of an audit is as a case wants it."""
    of = line.supported.administrations if line.supported else ()
    way = {**line.way.readings, **line.way.given} if line.way else {}
    message = line.message
    return (
        wanted.get("verdict") in (None, line.kind.value)
        and ("of" not in wanted or tuple(wanted["of"]) == of)
        and set(wanted.get("rules", ())) <= set(line.rules)
        and ("said" not in wanted or bool(re.search(wanted["said"], message, re.IGNORECASE)))
        and ("not_said" not in wanted or not re.search(wanted["not_said"], message, re.IGNORECASE))
        and ("right_if" not in wanted or wanted["right_if"] == way)
    )


def _packet_texts(coder: Coder, case: Case) -> list[str]:
    """Every text of the packet as data, and the paragraphs of its page."""
    # both load much that few cases need
    from ivproof.packet.maker import PacketMaker  # noqa: PLC0415
    from ivproof.packet.writing import document  # noqa: PLC0415
    from ivproof.render.html import packet_page  # noqa: PLC0415

    packet = PacketMaker(coder.policy, case.readings).make(case.encounter, case.file)
    page = re.sub(r"(?s)<(style|script)\b.*?</\1>", "", packet_page(document([packet], "internal")))
    parts = re.split(r"</?(?:p|li|h\d|td|th|tr|div|section|dd|dt)\b[^>]*>", page)
    plain = (" ".join(unescape(re.sub(r"<[^>]*>", "", part)).split()) for part in parts)
    return [*_strings(packet.as_dict()), *(it for it in plain if it)]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for it in value.values():
            yield from _strings(it)
    elif isinstance(value, list | tuple):
        for it in value:
            yield from _strings(it)


def raised(rules: Iterable[str], charts: Sequence[Facts]) -> list[set[str]]:
    """Give the open questions that each chart raises by rules for many charts; nothing need be solved to know them."""
    shared = dict.fromkeys(fact for facts in charts for fact in facts.shared)
    own = (facts.batch_text(f"e{n}") for n, facts in enumerate(charts))
    found = derive("\n".join([*rules, *(f"{fact}." for fact in shared), *own]), {"raised": 2})
    return [{it.upper() for it in found.get(f"e{n}", {}).get("raised", ())} for n in range(len(charts))]
