"""A policy that stands on another one: what it replaces, takes out and settles of the law below it.

An overlay is resolved into one list of texts before anything reads it as rules, so that engines, proofs and checks know
of none. What it takes out leaves empty lines, and every rule keeps its place in its file.

>>> below = {"base/a.lp": "% [one] R1 (I)\\n% It is so.\\na.\\n\\n% [two] R2 (I)\\n% It is so.\\nb.\\n"}
>>> pin = pins(below)["two"]
>>> laid = laid_over(below, {"over/b.lp": "% [two] F1\\n% It is not so.\\nb :- a.\\n"}, Changes(replaces={"two": pin}))
>>> laid["base/a.lp"].splitlines()
['% [one] R1 (I)', '% It is so.', 'a.', '', '', '', '']
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

PIN = 16
"""Hexadecimal digits of the SHA-256 of a rule that pin it."""

OPEN = "open"
"""In place of an option: no option is supported, and each is tried."""

_HEADER = re.compile(r"%\s*\[([^\]\s]+)\]")
_SECTION = re.compile(r"%\s*---")
_NUMBER = re.compile(r"[A-Za-z][0-9]+", re.ASCII)
_SETTLES = re.compile(r"((?:default|unresolved)\(\s*(\w+)\s*(?:,\s*\w+\s*)?\)\.)(\s*note\(.*\)\.)?\s*")
_TELLS = re.compile(r"(?:note|defined)\(\s*(\w+)\s*,.*\)\.\s*")


class OverlayError(ValueError):
    """An overlay does not fit what it stands on; says where in policy.toml, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How an overlay settles a question: by which option, or `OPEN`; by which sources, by number; why, in words."""

    option: str
    because: tuple[str, ...]
    says: str = ""


@dataclass(frozen=True)
class Changes:
    """What an overlay does to the law below it. `replaces` and `removes` lead from a rule's id to its pin, `settled`
    from the key of a question (a12)."""

    replaces: Mapping[str, str] = field(default_factory=dict)
    removes: Mapping[str, str] = field(default_factory=dict)
    settled: Mapping[str, Settled] = field(default_factory=dict)


def changes(described: Mapping[str, Any]) -> Changes:
    """Give what a policy.toml says of the law below it. Raises OverlayError where something is not of its form."""
    for name in ("replaces", "removes"):
        for id_, pin in _table(described, name).items():
            if not isinstance(pin, str):
                raise OverlayError(f"{name}, {id_}: found {pin!r}, expected the digest of that rule as text")
    settled = {}
    for number, said in _table(described, "readings").items():
        match said:
            case {"option": str(option), "because": [str(), *_] as because, **rest} if rest.keys() <= {"says"} and all(
                isinstance(it, str) and _NUMBER.fullmatch(it) for it in because
            ):
                says = rest.get("says", "")
            case _:
                raise OverlayError(
                    f"readings, {number}: found {said!r}, expected an option, because (the numbers of its sources) and "
                    "perhaps says"
                )
        if not re.fullmatch(r"\w+", option) or not isinstance(says, str) or re.search(r'["\\\n]', says):
            raise OverlayError(
                f"readings, {number}: found {option!r} and {says!r}, expected a name and a plain sentence"
            )
        if number.lower() in settled:
            raise OverlayError(f"readings, {number}: found it twice, expected each question once")
        settled[number.lower()] = Settled(option, tuple(because), says)
    return Changes(_table(described, "replaces"), _table(described, "removes"), settled)


def _table(described: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = described.get(name, {})
    if not isinstance(found, dict):
        raise OverlayError(f"{name}: found {found!r}, expected a table")
    return found


def pins(texts: Mapping[str, str]) -> dict[str, str]:
    """Give the pin of each rule: the digest of its header, sentence and clauses as they are written."""
    return {id_: _pin(lines[begin:end]) for text in texts.values() for id_, begin, end, lines in _blocks(text)}


def _pin(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).rstrip()
    return hashlib.sha256(text.encode()).hexdigest()[:PIN]


def _blocks(text: str) -> Iterator[tuple[str, int, int, list[str]]]:
    """The rules of a text: the id, the lines from the header to before what follows, and all lines."""
    lines = text.split("\n")
    marks = [n for n, line in enumerate(lines) if _HEADER.match(line) or _SECTION.match(line)]
    for begin, end in pairwise([*marks, len(lines)]):
        if found := _HEADER.match(lines[begin]):
            yield found[1], begin, end, lines


def laid_over(below: Mapping[str, str], own: Mapping[str, str], wanted: Changes) -> dict[str, str]:
    """Give one law of the texts below and those of the overlay, by file. Raises OverlayError where they do not fit."""
    for name in sorted(own.keys() & below.keys()):
        raise OverlayError(f"files: found {name}, which the policy below has, expected names of its own")
    found, mine = pins(below), pins(own)
    for table, asked in (("replaces", wanted.replaces), ("removes", wanted.removes)):
        for id_, pin in asked.items():
            if id_ not in found:
                raise OverlayError(f"{table}, {id_}: found no such rule below, expected the id of one")
            if found[id_] != pin:
                raise OverlayError(
                    f"{table}, {id_}: found {found[id_]!r} below, expected {pin!r}: the rule changed since the overlay "
                    "was written over it; read it anew, and pin what was found"
                )
            if (id_ in mine) != (table == "replaces"):
                wants = "a rule of that id in the files" if table == "replaces" else "no rule of that id in the files"
                raise OverlayError(f"{table}, {id_}: expected {wants} of the overlay")
    for id_ in sorted(mine.keys() & found.keys() - wanted.replaces.keys()):
        raise OverlayError(
            f'files: found the rule {id_}, which the policy below has, expected it in replaces: "{found[id_]}"'
        )
    gone = wanted.replaces.keys() | wanted.removes.keys()
    laid = {name: _laid(text, gone, wanted.settled) for name, text in below.items()}
    unsettled = wanted.settled.keys() - {key for _, keys in laid.values() for key in keys}
    if unsettled:
        raise OverlayError(
            f"readings, {min(unsettled).upper()}: found no such question below, expected the number of one"
        )
    return {**{name: text for name, (text, _) in laid.items()}, **own}


def _laid(text: str, gone: Set[str], settled: Mapping[str, Settled]) -> tuple[str, set[str]]:
    """A text without the rules that are gone and with the questions settled; and which questions it settled."""
    lines = text.split("\n")
    done: set[str] = set()
    for id_, begin, end, _ in _blocks(text):
        if id_ in gone:
            lines[begin:end] = [""] * (end - begin)
            continue
        key, wanted = _question(lines[begin:end], settled)
        if wanted is None:
            continue
        done.add(key)
        because = ", ".join(wanted.because)
        lines[begin] = f"{lines[begin].rstrip()}, {because}"
        stand = f"unresolved({key})." if wanted.option == OPEN else f"default({key}, {wanted.option})."
        told = f' note({key}, "{wanted.says} ({because})").' if wanted.says else ""
        for n in range(begin + 1, end):
            if it := _SETTLES.fullmatch(lines[n]):
                if not told and re.sub(r"\s", "", it[1]) != stand.replace(" ", ""):
                    raise OverlayError(
                        f"readings, {key.upper()}: found another option than below, expected says, a reason"
                    )
                lines[n] = stand + (told or it[3] or "")
            elif told and _TELLS.fullmatch(lines[n]):
                lines[n] = ""
    return "\n".join(lines), done


def _question(block: list[str], settled: Mapping[str, Settled]) -> tuple[str, Settled | None]:
    """The key of the question that a block puts, and how it is settled; None where it is none of those."""
    for line in block:
        if (it := _SETTLES.fullmatch(line)) and it[2] in settled:
            return it[2], settled[it[2]]
    return "", None
