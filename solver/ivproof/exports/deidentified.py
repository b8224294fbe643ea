"""Charts without identifiers, that lead to the same claim: ids as keyed tokens, dates moved, free text dropped.

A visit is moved by a number of days of its own, to where the same edition, quarter and codes hold and no clock change
lies between; times of day and all intervals stay. For each chart it is looked at that the law is given the same facts,
but for the date: what cannot be moved so is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ivproof.chart.clock import YEARS, read_stamp
from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.facts import REACTION, Fact, facts_of
from ivproof.chart.fields import compare_key
from ivproof.chart.reading import parse
from ivproof.chart.refusal import Source
from ivproof.drugs.listing import DrugList
from ivproof.law.policy import Policy

FARTHEST = 92
"""Days by which a visit is moved at most: within its quarter."""

LEAST_KEY = 16
"""Bytes that a key has at least."""

STATED = "stated"
"""Stands for a reason that is free text, where only that there is one decides something."""

OTHER_PAYER = "another payer"
"""Stands for a payer that no rule of the policy names."""

TRIED = 3
"""So many numbers of days are tried."""

TOKENS = 40
"""So many tokens are tried for drugs that the list does not know: their names order what was given at one time."""


class NotMovableError(ValueError):
    """A chart that cannot be made anonymous so that it leads to the same claim; the message has no date of it."""


@dataclass(frozen=True)
class Moved:
    """A chart without identifiers: `names` leads from its tokens to what they stand for, `days` is the number of days.

    `dropped` counts the free texts that are gone or replaced, by field. The names and the days are for whoever has the
    key.
    """

    encounter: Encounter
    names: Mapping[str, str]
    days: int
    dropped: Mapping[str, int]


class Deidentifier:
    """Takes the identifiers out of charts, by one key and for one policy; made once and used for many."""

    def __init__(self, policy: Policy, key: bytes) -> None:
        """Take the key, of at least `LEAST_KEY` bytes."""
        if len(key) < LEAST_KEY:
            raise ValueError(f"found a key of {len(key)} bytes, expected at least {LEAST_KEY}")
        self._policy = policy
        self._drugs = DrugList.load(policy.drugs_folder)
        self._key = key
        self._walls = sorted(_walls(policy, self._drugs))

    def moved(self, encounter: Encounter) -> Moved:
        """Give a chart without identifiers. Raises NotMovableError."""
        facts = self._facts(encounter)
        for days in self._days(encounter):
            for attempt in range(TOKENS):
                renamed = _Renamed(encounter, self._digest, self._drugs, self._policy.payers, attempt)
                chart = parse(_shifted(renamed.data, days), Source("chart")).encounter
                if chart is not None and self._facts(chart) == facts:
                    return Moved(chart, renamed.names, days, renamed.dropped)
                if not renamed.dropped["drug"]:
                    break
        raise NotMovableError("a chart of which the law would be given other facts, expected one that can be renamed")

    def _digest(self, *parts: str) -> str:
        text = "\0".join(parts).encode(errors="surrogatepass")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

    def _facts(self, encounter: Encounter) -> tuple[set[Fact], tuple[str, ...]]:
        """What the law is given of a chart, but the date."""
        facts = facts_of(encounter, self._drugs, self._policy.payers)
        return {it for it in facts.own if it.predicate != "service_date"}, facts.shared

    def _days(self, encounter: Encounter) -> list[int]:
        """Give numbers of days by which a visit can be moved, in the order in which the key has them tried."""
        first, last = _span(encounter)
        walls = self._walls
        zones = _zones(encounter)

        def free(days: int) -> bool:
            begin, end = min(first, first + timedelta(days)), max(last, last + timedelta(days))
            within = begin.year in YEARS and end.year in YEARS
            return (
                within
                and bisect_right(walls, begin) == bisect_right(walls, end)
                and not _clocks_change(zones, begin, end)
            )

        near = [it for it in range(-FARTHEST, FARTHEST + 1) if it]
        if (last - first).days > FARTHEST or not (found := [it for it in near if free(it)]):
            what = "the first day of a quarter, an edition or a code, or a change of clocks"
            raise NotMovableError(f"a visit that cannot be moved without crossing {what}, expected one that can be")
        start = int(self._digest("days", compare_key(encounter.id)), 16)
        return [found[(start + n) % len(found)] for n in range(min(TRIED, len(found)))]


# --- Renaming


class _Renamed:
    """A chart as plain data with tokens for ids and without free text; its dates are still its own."""

    def __init__(
        self,
        encounter: Encounter,
        digest: Callable[..., str],
        drugs: DrugList,
        payers: Iterable[str],
        attempt: int,
    ) -> None:
        self.names: dict[str, str] = {}
        self.dropped: Counter[str] = Counter()
        self._encounter = encounter
        self._digest = digest
        self._drugs = drugs
        self._payers = frozenset(payers)
        self._attempt = attempt
        given, sites = encounter.administrations, encounter.access_sites
        self._given = self._tokens("a", (it.id for it in given))
        self._sites = self._tokens("s", (it.id for it in sites))
        self.data = self._chart()

    def _token(self, kind: str, text: str) -> str:
        """Give the token of a text of one kind in this encounter: other encounters have others for the same text."""
        token = f"{kind}-{self._digest(kind, compare_key(self._encounter.id), text)[:12]}"
        self.names[token] = text
        return token

    def _tokens(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """Give tokens in the order of the ids: where nothing else tells two entries apart, that order counts."""
        keys = sorted({compare_key(it): it for it in ids}.items())
        tokens = sorted(self._token(kind, key) for key, _ in keys)
        self.names |= {token: text for token, (_, text) in zip(tokens, keys, strict=True)}
        return {key: token for token, (key, _) in zip(tokens, keys, strict=True)}

    def _chart(self) -> dict[str, Any]:
        data = self._without("note", dumps(self._encounter))
        name = f"E-{self._digest('encounter', compare_key(self._encounter.id))[:20]}"
        self.names[name] = self._encounter.id
        data["id"] = name
        if self._encounter.payer is not None and compare_key(self._encounter.payer).casefold() not in self._payers:
            data["payer"] = OTHER_PAYER
            self.dropped["payer"] += 1
        if "primary_reason" in data:
            data["primary_reason"] = [self._given[compare_key(it)] for it in data["primary_reason"]]
        if "access_sites" in data:
            sites = data["access_sites"]
            data["access_sites"] = [self._without("source", self._without("note", it)) for it in sites]
        for site in data.get("access_sites", ()):
            for field in ("id", "replaces"):
                if field in site:
                    site[field] = self._sites[compare_key(site[field])]
        data["administrations"] = [self._administration(it) for it in data.get("administrations", ())]
        for line in data.get("billed", ()):
            if "denied" in line:
                line["denied"] = self._without("text", line["denied"])
        return data

    def _administration(self, data: dict[str, Any]) -> dict[str, Any]:
        data = self._without("source", self._without("note", data))
        data["id"] = self._given[compare_key(data["id"])]
        if "continues" in data:
            data["continues"] = self._given[compare_key(data["continues"])]
        if "site" in data:
            spot = compare_key(data["site"])
            data["site"] = self._sites.get(spot) or self._token("place", spot.casefold())
        for field in ("bag", "dose", "lumen"):
            if field in data:
                data[field] = self._token(field, compare_key(data[field]))
        if self._drugs.find(data["drug"], self._encounter.date) is None:
            text = compare_key(data["drug"]).casefold()
            token = self._digest("drug", str(self._attempt), compare_key(self._encounter.id), text)
            data["drug"] = f"{chr(ord('a') + int(token[12:16], 16) % 26)}-drug-{token[:12]}"
            self.names[data["drug"]] = text
            self.dropped["drug"] += 1
        if "product" in data and not self._is_product(compare_key(data["product"])):
            data["product"] = self._token("product", compare_key(data["product"]))
            self.dropped["product"] += 1
        for field in ("discontinued", "integral_to"):
            if field in data:
                data[field] = STATED
                self.dropped[field] += 1
        for pause in data.get("pauses", ()):
            if "reason" in pause:
                reaction = REACTION in compare_key(pause["reason"]).casefold()
                pause["reason"] = REACTION if reaction else STATED
                self.dropped["pauses.reason"] += 1
        return data

    def _is_product(self, text: str) -> bool:
        """Whether a product is named by what anybody could know of it: a code, or as the drug list has it."""
        return (
            _NDC.fullmatch(text) is not None
            or self._drugs.find(text, self._encounter.date) is not None
            or any(it.key == text.casefold() for drug in self._drugs for it in drug.products)
        )

    def _without(self, field: str, data: Mapping[str, Any]) -> dict[str, Any]:
        self.dropped[field] += field in data
        return {key: it for key, it in data.items() if key != field}


_NDC = re.compile(r"\d{4,5}-\d{3,4}-\d{1,2}|\d{11}", re.ASCII)


# --- Moving

_DATED = re.compile(r"(\s*)(\d{4}-\d{2}-\d{2})(.*)", re.DOTALL)
_TIMES = ("start", "stop", "from", "to", "inpatient_order_at", "date")


def _shifted(data: Any, days: int) -> Any:
    """Give plain data with every date, alone or before a time, so many days later."""
    if isinstance(data, Mapping):
        return {key: _later(it, days) if key in _TIMES else _shifted(it, days) for key, it in data.items()}
    return [_shifted(it, days) for it in data] if isinstance(data, list) else data


def _later(text: Any, days: int) -> Any:
    found = _DATED.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return text
    return f"{found[1]}{(date.fromisoformat(found[2]) + timedelta(days)).isoformat()}{found[3]}"


def _span(encounter: Encounter) -> tuple[date, date]:
    """Give the first and the last day of a visit, as its own clocks show them."""
    days = [0]
    for it in (encounter, *encounter.administrations, *(it for a in encounter.administrations for it in a.pauses)):
        for name in ("inpatient_order_at", "start", "stop", "from_", "to"):
            moment = getattr(it, name, None)
            if moment is not None:
                days.append(moment.day)
    return encounter.date + timedelta(min(days)), encounter.date + timedelta(max(days))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, it in data.items():
            if key in _TIMES and isinstance(it, str):
                yield it
            else:
                yield from _texts(it)
    elif isinstance(data, list):
        for it in data:
            yield from _texts(it)


def _zones(encounter: Encounter) -> frozenset[str]:
    """Give the time zones that a chart names."""
    named = {encounter.time_zone} if encounter.time_zone is not None else set()
    for text in _texts({key: it for key, it in dumps(encounter).items() if key != "date"}):
        if "[" in text and (zone := read_stamp(text).zone) is not None:
            named.add(zone)
    return frozenset(named)


def _clocks_change(zones: Iterable[str], begin: date, end: date) -> bool:
    """Whether the clocks of a zone are changed on a day from `begin` to `end`, or on one beside them."""
    return any(
        _offset(zone, begin.toordinal() + n) != _offset(zone, begin.toordinal() + n + 1)
        for zone in zones
        for n in range(-1, (end - begin).days + 2)
    )


@lru_cache(maxsize=100_000)
def _offset(zone: str, day: int) -> timedelta | None:
    begin = datetime.fromordinal(day).replace(tzinfo=UTC)
    return begin.astimezone(ZoneInfo(zone)).utcoffset()


# --- Days on which something else begins to hold

_NUMBER = re.compile(r"(?<!\d)((?:19|20)\d{2})(0[1-9]|1[0-2])([0-2]\d|3[01])(?!\d)")


def _walls(policy: Policy, drugs: DrugList) -> set[date]:
    """Give the days on which a quarter, an edition, a code or anything else that the law dates begins."""
    found = {date(year, month, 1) for year in YEARS for month in (1, 4, 7, 10)}
    for text in policy.texts.values():
        found |= {day for it in _NUMBER.findall(text) if (day := _day(*it)) is not None}
    for drug in drugs:
        codes = [(it.valid_from, it.valid_to) for product in drug.products for it in product.codes]
        for first, last in [*codes, *((it.begin, it.end) for it in drug.next_door)]:
            found |= {first} if first is not None else set()
            found |= {last + timedelta(days=1)} if last is not None else set()
    return found


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
