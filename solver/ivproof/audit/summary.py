"""Many audits in one view: how often each code is right, what goes wrong, which questions and facts would decide.

A summary is fed with digests, which hold of an audit only what is counted, so that it can be made in one process from
audits of many, or from a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivproof.audit.beside import Groups, Prices
from ivproof.audit.estimate import share, whole
from ivproof.audit.model import Audit, Kind, LineVerdict, Verdict
from ivproof.chart.fields import compare_key
from ivproof.formats.spreadsheet import table

RIGHT = Kind.SUPPORTED.value

BINS: tuple[tuple[int, int | None], ...] = ((1, 2), (3, 5), (6, 10), (11, 15), (16, 30), (31, 60), (61, None))
"""Minutes from a boundary that are counted together."""


def digest(audit: Audit) -> dict[str, Any]:
    """Give what a summary counts of an audit, as plain data."""
    return {
        "encounter": audit.encounter,
        "payer": audit.payer or "",
        "verdict": audit.verdict.value,
        "way": None if audit.way is None else audit.way.as_dict(),
        "over": dict(audit.over),
        "under": dict(audit.under),
        "lines": [_line(line) for line in audit.lines if line.kind is not Kind.NOT_JUDGED],
        "edits": [it.kind for it in audit.edits_billed if it.severity != "passes"],
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
class UnitTally:
    """Counts of one code, one kind of error, or one question."""

    claims: int = 0
    lines: int = 0
    right: int = 0
    over: int | float = 0
    under: int | float = 0

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data; `accuracy` is the share of lines that are right."""
        seen = round(self.right / self.lines, 4) if self.lines else None
        return {
            "claims": self.claims,
            "lines": self.lines,
            "right": self.right,
            "accuracy": seen,
            "over": _plain(self.over),
            "under": _plain(self.under),
        }


@dataclass
class Share:
    """Claims of one group: how many, how many are correct, units and dollars beyond and short of what is supported."""

    claims: int = 0
    correct: int = 0
    over: float = 0
    under: float = 0
    dollars_over: float = 0
    dollars_under: float = 0

    def as_dict(self, *, priced: bool) -> dict[str, Any]:
        """The counts as plain data, with the interval of the share of correct claims."""
        money = {"dollars_over": round(self.dollars_over, 2), "dollars_under": round(self.dollars_under, 2)}
        return {
            "claims": self.claims,
            "correct": self.correct,
            "accuracy": round(self.correct / self.claims, 4) if self.claims else None,
            "interval": _interval(self.correct, self.claims),
            "over": _plain(self.over),
            "under": _plain(self.under),
            **(money if priced else {}),
        }


@dataclass
class Summary:
    """Counts audits; give it digests one by one.

    With `prices`, units are dollars, too. Claims are grouped by payer and by what `groups` have of them. `population`
    is from how many claims these were drawn at random, None where nobody says so. `minutes` counts claims by how many
    minutes they are from a boundary, None for none that was found; it is empty where nobody looked. `payers` has how a
    payer was first written.
    """

    prices: Prices | None = None
    groups: Groups | None = None
    population: int | None = None
    verdicts: dict[str, list[str]] = field(default_factory=lambda: {it.value: [] for it in Verdict})
    codes: dict[str, UnitTally] = field(default_factory=dict)
    kinds: dict[str, UnitTally] = field(default_factory=dict)
    questions: dict[str, UnitTally] = field(default_factory=dict)
    options: Counter[tuple[str, str]] = field(default_factory=Counter)
    facts: dict[str, UnitTally] = field(default_factory=dict)
    edits: Counter[str] = field(default_factory=Counter)
    by: dict[str, dict[str, Share]] = field(default_factory=dict)
    payers: dict[str, str] = field(default_factory=dict)
    dollars: list[tuple[float, float]] = field(default_factory=list)
    unpriced: set[str] = field(default_factory=set)
    minutes: Counter[int | None] = field(default_factory=Counter)

    def add(self, audit: Mapping[str, Any]) -> None:
        """Count one more audit."""
        self.verdicts[audit["verdict"]].append(audit["encounter"])
        self.edits.update(set(audit["edits"]))
        self._share(audit)
        if "minutes" in audit:
            self.minutes[audit["minutes"]] += 1
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
            self.codes.setdefault(code, UnitTally()).over += units
        for code, units in audit["under"].items():
            self.codes.setdefault(code, UnitTally()).under += units

    def _share(self, audit: Mapping[str, Any]) -> None:
        """Count a claim in its groups, with its dollars."""
        over, under, known = audit["over"], audit["under"], self.prices
        money = (known.of(over), known.of(under)) if known is not None else (0.0, 0.0)
        if known is not None:
            self.dollars.append(money)
            self.unpriced |= {code for code in (*over, *under) if code not in known.by_code}
        named = {"payer": audit["payer"], **(self.groups.of(audit["encounter"]) if self.groups else {})}
        # payers are compared as in a policy, whatever their letters
        named["payer"] = self.payers.setdefault(compare_key(named["payer"]).casefold(), named["payer"])
        for column, name in named.items():
            it = self.by.setdefault(column, {}).setdefault(name, Share())
            it.claims += 1
            it.correct += audit["verdict"] == Verdict.CORRECT.value
            it.over += sum(over.values())
            it.under += sum(under.values())
            it.dollars_over += money[0]
            it.dollars_under += money[1]

    def _count(
        self, tallies: dict[str, UnitTally], name: str, line: Mapping[str, Any], seen: set[tuple[int, str]]
    ) -> None:
        tally = tallies.setdefault(name, UnitTally())
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
            "interval": _interval(correct, self.claims),
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
            "groups": {
                column: {name: it.as_dict(priced=self.prices is not None) for name, it in sorted(names.items())}
                for column, names in self.by.items()
            },
            **self._dollars(),
            **self._sample(),
            **self._distances(),
            "encounters": {name: ids for name, ids in self.verdicts.items() if ids},
        }

    def _dollars(self) -> dict[str, Any]:
        """What the units come to, by code as well; nothing without prices."""
        if self.prices is None:
            return {}
        known = self.prices.by_code
        codes = {
            name: {"over": round(it.over * float(known[name]), 2), "under": round(it.under * float(known[name]), 2)}
            for name, it in sorted(self.codes.items())
            if name in known and (it.over or it.under)
        }
        over, under = (round(sum(it[n] for it in self.dollars), 2) for n in (0, 1))
        return {"dollars": {"over": over, "under": under, "codes": codes, "unpriced": sorted(self.unpriced)}}

    def _sample(self) -> dict[str, Any]:
        """What these claims say of all from which they were drawn; nothing where nobody says that they were."""
        if self.population is None or not self.claims:
            return {}
        found: dict[str, Any] = {"claims": self.claims, "population": self.population}
        if self.dollars:
            for n, name in enumerate(("over", "under")):
                it = whole([money[n] for money in self.dollars], self.population)
                found[name] = {"total": it.total, "low": it.low, "high": it.high, "limit": it.limit}
        return {"sample": found}

    def _distances(self) -> dict[str, Any]:
        """How many claims are how many minutes from a boundary; nothing where nobody looked."""
        if not self.minutes:
            return {}
        counts = {
            f"{low}–{high}" if high else f"{low} or more": sum(
                n for it, n in self.minutes.items() if it is not None and it >= low and (high is None or it <= high)
            )
            for low, high in BINS
        }
        return {"minutes": {**counts, "none found": self.minutes[None]}}

    def _options(self, question: str) -> dict[str, int]:
        return {option: n for (name, option), n in sorted(self.options.items()) if name == question}

    def as_csv(self) -> bytes:
        """The summary as one table: what is counted, and the counts."""
        columns = ["table", "item", "verdict", "claims", "lines", "right", "accuracy", "over", "under"]
        columns += ["dollars_over", "dollars_under"] if self.prices is not None else []
        rows = ({"table": of, "item": item, **counts} for of, item, counts in self._tables())
        return table([columns, *([row.get(name, "") for name in columns] for row in rows)]).encode()

    def _tables(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        plain = self.as_dict()
        money = plain.get("dollars", {})
        sums = {f"dollars_{name}": money[name] for name in ("over", "under") if name in money}
        yield "all", "", {"claims": plain["claims"], "accuracy": plain["accuracy"], **plain["units"], **sums}
        for name, count in plain["verdicts"].items():
            yield "verdict", name, {"claims": count}
        for column, names in plain["groups"].items():
            for name, counts in names.items():
                yield column, name, {**counts, "right": counts["correct"]}
        for of, key in (("code", "codes"), ("error", "errors"), ("question", "questions"), ("fact", "facts")):
            for name, counts in plain[key].items():
                money = plain.get("dollars", {}).get("codes", {}).get(name, {}) if of == "code" else {}
                yield of, name, {**counts, **{f"dollars_{key}": value for key, value in money.items()}}
        for name, count in plain["edits"].items():
            yield "edit", name, {"claims": count}
        for verdict, ids in plain["encounters"].items():
            for name in ids:
                yield "claim", name, {"verdict": verdict}


def _errors(tally: UnitTally) -> dict[str, Any]:
    """The counts of something that only wrong lines are counted under."""
    return {name: value for name, value in tally.as_dict().items() if name not in {"right", "accuracy"}}


def _interval(count: int, of: int) -> list[float] | None:
    """The interval of a share, rounded; None of nothing."""
    return [round(it, 4) for it in share(count, of)] if of else None


def _ordered(kinds: Mapping[str, UnitTally]) -> list[str]:
    order = [it.value for it in Kind]
    return sorted(kinds, key=order.index)


def _plain(units: float) -> int | float:
    return int(units) if units == int(units) else round(units, 1)
