"""Many audits in one view: how often each code is right, what goes wrong, which questions and facts would decide.

A summary is fed with digests, which hold of an audit only what is counted, so that it can be made in one process from
audits of many, or from a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivproof.audit.model import Audit, Kind, LineVerdict, Verdict
from ivproof.formats.spreadsheet import table

RIGHT = Kind.SUPPORTED.value


def digest(audit: Audit) -> dict[str, Any]:
    """Give what a summary counts of an audit, as plain data."""
    return {
        "encounter": audit.encounter,
        "verdict": audit.verdict.value,
        "way": None if audit.way is None else audit.way.as_dict(),
        "over": dict(audit.over),
        "under": dict(audit.under),
        "lines": [_line(line) for line in audit.lines if line.kind is not Kind.NOT_JUDGED],
        "edits": [str(it["edit"]) for it in audit.edits_billed if it["severity"] != "passes"],
    }


def _line(line: LineVerdict) -> dict[str, Any]:
    return {
        "code": line.code,
        "verdict": line.kind.value,
        "error": None if line.kind is Kind.SUPPORTED else (line.otherwise or line.kind).value,
        "billed": line.billed.units if line.billed else 0,
        "over": line.over,
        "under": line.under,
        "way": None if line.way is None else line.way.as_dict(),
    }


@dataclass
class Tally:
    """Counts of one code, one kind of error, or one question."""

    claims: int = 0
    lines: int = 0
    right: int = 0
    over: int | float = 0
    under: int | float = 0

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data; `accuracy` is the share of lines that are right."""
        share = round(self.right / self.lines, 4) if self.lines else None
        return {
            "claims": self.claims,
            "lines": self.lines,
            "right": self.right,
            "accuracy": share,
            "over": _plain(self.over),
            "under": _plain(self.under),
        }


@dataclass
class Summary:
    """Counts audits; give it digests one by one."""

    verdicts: dict[str, list[str]] = field(default_factory=lambda: {it.value: [] for it in Verdict})
    codes: dict[str, Tally] = field(default_factory=dict)
    kinds: dict[str, Tally] = field(default_factory=dict)
    questions: dict[str, Tally] = field(default_factory=dict)
    options: Counter[tuple[str, str]] = field(default_factory=Counter)
    facts: dict[str, Tally] = field(default_factory=dict)
    edits: Counter[str] = field(default_factory=Counter)

    def add(self, audit: Mapping[str, Any]) -> None:
        """Count one more audit."""
        self.verdicts[audit["verdict"]].append(audit["encounter"])
        self.edits.update(set(audit["edits"]))
        seen: set[tuple[int, str]] = set()
        for line in audit["lines"]:
            # units under another code than billed count there: the audit has them by code
            self._count(self.codes, line["code"], {**line, "over": 0, "under": 0}, seen)
            if line["error"] is not None:
                self._count(self.kinds, line["error"], line, seen)
                way = line["way"] or {}
                for question, option in way.get("readings", {}).items():
                    self._count(self.questions, question, line, seen)
                    self.options[question, option] += 1
                for path in way.get("given", {}):
                    self._count(self.facts, path.rpartition(".")[2], line, seen)

        for code, units in audit["over"].items():
            self.codes.setdefault(code, Tally()).over += units
        for code, units in audit["under"].items():
            self.codes.setdefault(code, Tally()).under += units

    def _count(self, tallies: dict[str, Tally], name: str, line: Mapping[str, Any], seen: set[tuple[int, str]]) -> None:
        tally = tallies.setdefault(name, Tally())
        if (id(tallies), name) not in seen:
            seen.add((id(tallies), name))
            tally.claims += 1
        tally.lines += 1
        tally.right += line["verdict"] == RIGHT
        tally.over += line["over"]
        tally.under += line["under"]

    # --- what it says

    @property
    def claims(self) -> int:
        """How many claims were audited."""
        return sum(map(len, self.verdicts.values()))

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data, in a fixed order."""
        correct = len(self.verdicts[Verdict.CORRECT.value])
        return {
            "claims": self.claims,
            "accuracy": round(correct / self.claims, 4) if self.claims else None,
            "verdicts": {name: len(ids) for name, ids in self.verdicts.items()},
            "units": {
                "over": _plain(sum(it.over for it in self.codes.values())),
                "under": _plain(sum(it.under for it in self.codes.values())),
            },
            "codes": {name: it.as_dict() for name, it in sorted(self.codes.items())},
            "errors": {name: _errors(self.kinds[name]) for name in _ordered(self.kinds)},
            "questions": {
                name: {**_errors(self.questions[name]), "options": self._options(name)}
                for name in sorted(self.questions, key=lambda it: int(it[1:]))
            },
            "facts": {name: _errors(it) for name, it in sorted(self.facts.items())},
            "edits": dict(sorted(self.edits.items())),
            "encounters": {name: ids for name, ids in self.verdicts.items() if ids},
        }

    def _options(self, question: str) -> dict[str, int]:
        return {option: n for (name, option), n in sorted(self.options.items()) if name == question}

    def as_csv(self) -> bytes:
        """The summary as one table: what is counted, and the counts."""
        columns = ("table", "item", "verdict", "claims", "lines", "right", "accuracy", "over", "under")
        rows = ({"table": of, "item": item, **counts} for of, item, counts in self._tables())
        return table([columns, *([row.get(name, "") for name in columns] for row in rows)]).encode()

    def _tables(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        plain = self.as_dict()
        yield "all", "", {"claims": plain["claims"], "accuracy": plain["accuracy"], **plain["units"]}
        for name, count in plain["verdicts"].items():
            yield "verdict", name, {"claims": count}
        for of, key in (("code", "codes"), ("error", "errors"), ("question", "questions"), ("fact", "facts")):
            for name, counts in plain[key].items():
                yield of, name, counts
        for name, count in plain["edits"].items():
            yield "edit", name, {"claims": count}
        for verdict, ids in plain["encounters"].items():
            for name in ids:
                yield "claim", name, {"verdict": verdict}


def _errors(tally: Tally) -> dict[str, Any]:
    """The counts of something that only wrong lines are counted under."""
    return {name: value for name, value in tally.as_dict().items() if name not in {"right", "accuracy"}}


def _ordered(kinds: Mapping[str, Tally]) -> list[str]:
    order = [it.value for it in Kind]
    return sorted(kinds, key=order.index)


def _plain(units: float) -> int | float:
    return int(units) if units == int(units) else round(units, 1)
