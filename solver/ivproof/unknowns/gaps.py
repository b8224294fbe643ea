"""What a chart leaves out and could say: each gap with the values that could stand there.

A gap is what the law reports as missing, and what it reads and this chart does not give: the ends of a pause, the
technique of what has no times, a signed order, why a further access was needed. A push that is charted with one time
lacks nothing. What cannot be gone through value by value, such as any code of a visit, is named without values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

from ivproof.chart.clock import DAY, Moment, read_stamp
from ivproof.chart.consistency import VASCULAR
from ivproof.chart.encounter import AccessSite, Administration, Encounter, Pause
from ivproof.chart.facts import Facts
from ivproof.chart.fields import DrugClass
from ivproof.engine.engine import Answer
from ivproof.law.policy import Policy
from ivproof.law.terms import String
from ivproof.unknowns.affine import MINUTE
from ivproof.unknowns.moments import WINDOW, WINDOW_REACHED, Bound, Charted, Ordered, charted, of_length, shifted
from ivproof.unknowns.values import closed

Change = Callable[[Encounter], Encounter]

LESIONS = 30
"""Numbers of lesions are tried up to here."""

NOON = Moment(12 * 60 * 60, 0, "12:00")
"""Around which a time is looked for in a chart without a single one."""

UNSIGNED = "signed"

_KINDS_OF_SITE = closed(AccessSite, "kind")

TIMES = ("start", "stop")
ORDERED = "ordered_minutes"


class Hanging(NamedTuple):
    """Whether a claim hangs on a missing fact, the others staying as they are.

    `changes` is None where that is not known: not every value could be tried. `searched` says which values were, where
    none of them leads to another claim.
    """

    changes: bool | None
    searched: str = ""


@dataclass(frozen=True)
class Value:
    """A value that could stand in a gap: how it is written, and the chart with it."""

    text: str
    put: Change


@dataclass(frozen=True)
class Gap:
    """Something that a chart does not say.

    `place` is its path, `subject` whose it is, `why` the ids of the law's rules that report it, and `key` the subject
    and the field by which they do. A gap that wants a time has `time`, any other its `values`, which `domain` puts into
    words where listing them would not. Of what can say anything there are no values.
    """

    place: str
    subject: str
    field: str
    why: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    time: Time | None = None
    key: tuple[str, str] = ("", "")
    domain: str = ""

    def searched(self, encounter: Encounter) -> str:
        """Say which values are gone through in a chart; empty where none can be."""
        if self.time is None:
            return self.domain or ", ".join(value.text for value in self.values)
        moment = self.time.supposed(encounter)
        if moment is None:
            return ""
        ends = (-moment.earlier.minutes, moment.later.minutes)
        first, last = (moment.time(moment.moved(encounter, it)).text for it in ends)
        if isinstance(self.time, Length):
            return f"every length from {first} to {last} minutes"
        return f"every minute from {first} to {last}"

    @property
    def optional(self) -> bool:
        """Whether it is a time that the policy does without: of a pump, of what is not reported at all."""
        return self.time is not None and self.time.pause is None and not self.why

    @property
    def late(self) -> bool:
        """Whether it is looked at only where times do not tell it: the technique."""
        return self.field == "method"

    def moot(self, encounter: Encounter) -> bool:
        """Whether a chart no longer lacks this: where both times are given they tell the technique."""
        it = next((it for it in encounter.administrations if it.id == self.subject), None)
        return self.late and it is not None and it.start is not None and it.stop is not None


@dataclass(frozen=True)
class Time:
    """A time that is not documented: of an administration, or of one of its pauses."""

    place: str
    at: int
    field: str
    pause: int | None = None

    def supposed(self, encounter: Encounter) -> Charted | None:
        """The chart's time as if it were charted, as early as can be or as late; None where there is no room for it.

        Whole minutes are tried, whatever else in the chart is charted to the second.
        """
        for base in self._bases(encounter):
            changed = self.put(encounter, base)
            found = next((it for it in charted(changed) if it.place == self.place), None)
            if found is not None and found.earlier.minutes >= 0 and found.later.minutes >= 0:
                return found
        return None

    def begun(self, encounter: Encounter) -> Encounter:
        """The chart with this time at the first that it documents, whatever it is the time of."""
        return self.put(encounter, _rounded(encounter, _first(encounter), up=False))

    def put(self, encounter: Encounter, moment: Moment) -> Encounter:
        """The chart with this time."""
        given = list(encounter.administrations)
        it = given[self.at]
        if self.pause is None:
            given[self.at] = it.model_copy(update={self.field: moment})
        else:
            pauses: list[Pause] = list(it.pauses)
            pauses[self.pause] = pauses[self.pause].model_copy(update={self.field: moment})
            given[self.at] = it.model_copy(update={"pauses": tuple(pauses)})
        return encounter.model_copy(update={"administrations": tuple(given)})

    def _bases(self, encounter: Encounter) -> Iterator[Moment]:
        """Times to begin with: after what comes before it in its administration, or before what comes after it."""
        it = encounter.administrations[self.at]
        pauses = [time for pause in it.pauses for time in (pause.from_, pause.to) if time is not None]
        before = [time for time in (it.start, *pauses) if time is not None]
        after = [time for time in (it.stop, *pauses) if time is not None]
        if self.field == "stop" and before:
            yield _rounded(encounter, max(before), up=True)
        elif self.field == "start" and after:
            yield _rounded(encounter, min(after), up=False)
        elif self.field == "from_" and it.start is not None:
            yield _rounded(encounter, it.start, up=True)
        elif self.field == "to" and self.pause is not None:
            own = it.pauses[self.pause].from_ or it.start
            if own is not None:
                yield _rounded(encounter, own, up=True)
        yield _rounded(encounter, _first(encounter), up=False)


@dataclass(frozen=True)
class Length(Time):
    """How long something was ordered to run, which is not documented: any minutes up to a day."""

    def supposed(self, encounter: Encounter) -> Charted | None:
        """The length as if it were charted, the shortest that can be."""
        none, day = Bound(0, "no length is shorter"), Bound(WINDOW - 1, WINDOW_REACHED)
        return Ordered(self.place, f"a{self.at + 1}", self.field, of_length(1), none, day, self.at)

    def put(self, encounter: Encounter, moment: Moment) -> Encounter:
        """The chart with this length."""
        return _change(self.at, ordered_minutes=moment.seconds // MINUTE)(encounter)


def _rounded(encounter: Encounter, moment: Moment, *, up: bool) -> Moment:
    """The whole minute at or after a time, or at or before it."""
    over = read_stamp(moment.text).clock % MINUTE
    if not over:
        return moment
    whole = moment._replace(seconds=moment.seconds - over, text=_without_seconds(moment.text))
    return shifted(encounter, whole, 1) if up else whole


def _without_seconds(text: str) -> str:
    return re.sub(r"(\d\d:\d\d):\d\d(\.\d+)?", r"\1", text, count=1)


def _first(encounter: Encounter) -> Moment:
    """The first documented time of the chart."""
    times = (it.moment for it in charted(encounter) if it.at is not None)
    return min(times, key=lambda it: it.seconds, default=NOON)


# --- which gaps a chart has


def reported(answer: Answer) -> Sequence[tuple[str, str, str]]:
    """Give what the law reports as missing, under any of a chart's claims: subject, field and rule."""
    found: dict[tuple[str, str, str], None] = {}
    for atoms in (answer.atoms, *(it.atoms for it in answer.alternatives)):
        for subject, field, why in atoms.get("missing", ()):
            found[str(subject), str(field), str(why)] = None
    return list(found)


def gaps(policy: Policy, facts: Facts, reported: Iterable[tuple[str, str, str]]) -> list[Gap]:
    """Give the gaps of a chart in its order; `reported` are those that the law reports: subject, field and rule."""
    why: dict[tuple[str, str], dict[str, None]] = {}
    for subject, field, rule in reported:
        why.setdefault((subject, field), {})[rule.replace("_", "-")] = None
    finder = _Finder(policy, facts, {key: tuple(rules) for key, rules in why.items()})
    found = {gap.place: gap for gap in finder.all()}
    return list(found.values())


def probes(policy: Policy, facts: Facts, subject: str, field: str) -> Iterator[Encounter]:
    """Give the encounter with each value soon tried of a fact that the law reports, by subject (a1, …) and field.

    Of a time these are the lengths on both sides of each threshold of the law, those first that tell most often;
    whatever is charted of it may be a slip. Of any other fact they are all its values.
    """
    encounter = facts.encounter
    if field not in TIMES:
        for gap in gaps(policy, facts, [(subject, field, "")]):
            if gap.key == (subject, field):
                yield from (value.put(encounter) for value in gap.values)
        return
    place = facts.places.get(subject)
    if place is not None and place[0] == "administrations":
        at = int(place[1])
        it = encounter.administrations[at].model_copy(update={field: None})
        for start, stop in _runs(it, encounter, policy.probes):
            yield _change(at, start=start, stop=stop)(encounter)


def _runs(it: Administration, encounter: Encounter, minutes: Sequence[int]) -> Iterator[tuple[Moment, Moment]]:
    """Runs of each length, from the documented end, or from the first time in the chart."""
    times = (
        time
        for other in encounter.administrations
        if other.done
        for time in (other.start, other.stop)
        if time is not None
    )
    start = it.start if it.stop is None else None
    if start is None and it.stop is None:
        start = min(times, default=NOON)
    for length in minutes:
        if start is not None:
            yield start, _moment(start.seconds + 60 * length)
        elif it.stop is not None and it.stop.seconds >= 60 * length:
            yield _moment(it.stop.seconds - 60 * length), it.stop


def _moment(seconds: int) -> Moment:
    day, rest = divmod(seconds, DAY)
    return Moment(seconds, day, f"{rest // 3600:02}:{rest % 3600 // 60:02}")


class _Finder:
    def __init__(self, policy: Policy, facts: Facts, why: dict[tuple[str, str], tuple[str, ...]]) -> None:
        self.policy = policy
        self.facts = facts
        self.encounter = facts.encounter
        self.why = why

    def all(self) -> Iterator[Gap]:
        yield from self._of_the_encounter()
        sites = self.encounter.access_sites
        used = {it.site for it in self.encounter.administrations}
        for n, site in enumerate(sites):
            key = (f"s{n + 1}", "necessity")
            beside = len(sites) > 1 and site.id not in used  # what has no site may have been there
            if site.necessity is None and site.replaces is None and (key in self.why or beside):
                needed = Value("protocol", _site_change(n, necessity="protocol"))
                place = f"access_sites[{site.id}].necessity"
                yield Gap(place, site.id, "necessity", self.why.get(key, ()), (needed,), key=key)
            if (key := (f"s{n + 1}", "kind")) in self.why:
                values = tuple(Value(kind, _site_change(n, kind=kind)) for kind in _KINDS_OF_SITE)
                yield Gap(f"access_sites[{site.id}].kind", site.id, "kind", self.why[key], values, key=key)
        for n in range(len(self.encounter.administrations)):
            yield from self._of(n)
        for n, service in enumerate(self.encounter.services):
            if (f"v{n + 1}", "code") in self.why:
                key = (f"v{n + 1}", "code")
                yield Gap(f"services[{n}].code", service.kind, "code", self.why[key], key=key)

    def _of_the_encounter(self) -> Iterator[Gap]:
        encounter = self.encounter
        if ("encounter", "primary_reason") in self.why:
            given = (it for it in encounter.administrations if it.done)
            values = tuple(Value(it.id, _set(primary_reason=(it.id,))) for it in given)
            key = ("encounter", "primary_reason")
            domain = "each administration by itself"
            yield Gap("primary_reason", encounter.id, "primary_reason", self.why[key], values, key=key, domain=domain)
        if (key := ("encounter", "access_sites")) in self.why:
            listed = ((it, AccessSite(id=ONE, kind=it, necessity=None, replaces=None)) for it in _KINDS_OF_SITE)
            values = tuple(Value(kind, _set(access_sites=(site,))) for kind, site in listed)
            yield Gap("access_sites", encounter.id, "access_sites", self.why[key], values, key=key)
        if ("encounter", "diagnoses") in self.why:
            values = tuple(Value(code, _set(diagnoses=(code,))) for code in _diagnoses(self.policy))
            key = ("encounter", "diagnoses")
            domain = "one diagnosis of each kind that the law names, and one of no such kind"
            yield Gap("diagnoses", encounter.id, "diagnoses", self.why[key], values, key=key, domain=domain)
        if encounter.order != UNSIGNED and any(it.order is None for it in encounter.administrations if it.done):
            yield Gap("order", encounter.id, "order", (), (Value(UNSIGNED, _set(order=UNSIGNED)),))

    def _of(self, n: int) -> Iterator[Gap]:
        it = self.encounter.administrations[n]
        if not it.done:
            return
        name, key = f"administrations[{it.id}]", f"a{n + 1}"
        vascular = it.route in VASCULAR
        for field in ("start", "stop"):
            if getattr(it, field) is None and ((key, field) in self.why or (vascular and it.method != "push")):
                place = f"{name}.{field}"
                why = self.why.get((key, field), ())
                yield Gap(place, it.id, field, why, time=Time(place, n, field), key=(key, field))
        for k, pause in enumerate(it.pauses):
            for field in ("from_", "to"):
                if getattr(pause, field) is None:
                    place = f"{name}.pauses[{k}].{field.removesuffix('_')}"
                    yield Gap(place, it.id, field.removesuffix("_"), time=Time(place, n, field, k))
        timed = it.start is not None and it.stop is not None
        if vascular and it.method is None and not timed:
            values = tuple(Value(method, _change(n, method=method)) for method in ("push", "infusion"))
            yield Gap(f"{name}.method", it.id, "method", (), values)
        if it.order is not None and it.order != UNSIGNED:
            yield Gap(f"{name}.order", it.id, "order", (), (Value(UNSIGNED, _change(n, order=UNSIGNED)),))
        for field in dict.fromkeys(field for subject, field in self.why if subject == key):
            if field == ORDERED:
                length_ = Length(f"{name}.{field}", n, field)
                yield Gap(length_.place, it.id, field, self.why[key, field], time=length_, key=(key, field))
            elif field not in TIMES:
                values, domain = self._listed(n, field)
                why = self.why[key, field]
                yield Gap(f"{name}.{field}", it.id, field, why, values, key=(key, field), domain=domain)

    def _listed(self, n: int, field: str) -> tuple[tuple[Value, ...], str]:
        """The values of a field of an administration that the law reports, times apart, and what they are in words."""
        match field:
            case "site":
                return tuple(_sites(self.encounter, n)), ""
            case "route":
                routes = self.facts.listed_routes(f"a{n + 1}")
                return tuple(Value(it, _change(n, route=it)) for it in routes), ""
            case "class":
                classes = self.policy.offered("supposed_class") or get_args(DrugClass)
                return tuple(Value(it, self._class(n, it)) for it in classes), ""
            case "lesions":
                numbers = range(1, LESIONS + 1)
                return tuple(Value(str(it), _change(n, lesions=it)) for it in numbers), f"every number up to {LESIONS}"
            case "spinal_puncture":
                by_another = Value("yes, by another", _change(n, spinal_puncture=True, puncture_by="another"))
                return (*_closed(n, field), by_another), ""
            case "discarded_units":
                return tuple(Value(str(it), _change(n, discarded_units=it)) for it in (0, 1)), "none, and one unit"
            case "billing_units":
                return (Value("1", _change(n, billing_units=1)),), "one unit"
            case "product":
                return tuple(Value(it, _change(n, product=it)) for it in self._codes(n)), "each code that may be meant"
        return tuple(_closed(n, field)), ""

    def _codes(self, n: int) -> list[str]:
        """The codes that may be meant by what is charted."""
        codes = (it.arguments for it in self.facts.own if it.predicate in {"code_in_force", "other_code"})
        return [code.strip('"') for a, _, code in (it.partition(",") for it in codes) if a == f"a{n + 1}"]

    def _class(self, n: int, value: str) -> Change:
        """An unknown drug has one class, wherever it was given."""
        drugs = {
            it.arguments.partition(",")[0]: it.arguments.partition(",")[2]
            for it in self.facts.own
            if it.predicate == "drug"
        }
        same = [
            at for at in range(len(self.encounter.administrations)) if drugs.get(f"a{at + 1}") == drugs[f"a{n + 1}"]
        ]

        def put(encounter: Encounter) -> Encounter:
            for at in same:
                if encounter.administrations[at].drug_class is None:
                    encounter = _change(at, drug_class=value)(encounter)
            return encounter

        return put


def _closed(n: int, field: str) -> Iterator[Value]:
    """Every value of a field of which the format lists the values; nothing where anything can stand in it."""
    for value in closed(Administration, field):
        yield Value({True: "yes", False: "no"}.get(value, str(value)), _change(n, **{field: value}))


def _set(**fields: object) -> Change:
    return lambda encounter: encounter.model_copy(update=fields)


def _change(n: int, **fields: object) -> Change:
    def put(encounter: Encounter) -> Encounter:
        given = list(encounter.administrations)
        given[n] = given[n].model_copy(update=fields)
        return encounter.model_copy(update={"administrations": tuple(given)})

    return put


def _site_change(n: int, **fields: object) -> Change:
    def put(encounter: Encounter) -> Encounter:
        sites = list(encounter.access_sites)
        sites[n] = sites[n].model_copy(update=fields)
        return encounter.model_copy(update={"access_sites": tuple(sites)})

    return put


ONE = "one access"
FURTHER = "a further access that was needed"


def _sites(encounter: Encounter, n: int) -> Iterator[Value]:
    """Each listed site, or one that is not listed; and a further one that was needed."""
    listed = [site.id for site in encounter.access_sites]
    for name in listed or [ONE]:
        yield Value(name, _at_site(n, name))
    yield Value(FURTHER, _at_site(n, FURTHER, needed=True))


def placed(encounter: Encounter, but: str) -> Encounter:
    """The chart with everything given into a vessel at a site: at the first one where none is documented, `but` one."""
    site = encounter.access_sites[0].id if encounter.access_sites else ONE
    for n, it in enumerate(encounter.administrations):
        if it.site is None and it.route in VASCULAR and it.id != but:
            encounter = _at_site(n, site)(encounter)
    return encounter


def _at_site(n: int, name: str, *, needed: bool = False) -> Change:
    def put(encounter: Encounter) -> Encounter:
        sites = list(encounter.access_sites)
        if not sites:
            sites.append(AccessSite(id=ONE, kind=None, necessity=None, replaces=None))
        if all(site.id != name for site in sites):
            sites.append(AccessSite(id=name, kind=None, necessity="protocol" if needed else None, replaces=None))
        return _change(n, site=name)(encounter.model_copy(update={"access_sites": tuple(sites)}))

    return put


_DIAGNOSIS = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


def _diagnoses(policy: Policy) -> list[str]:
    """A diagnosis of each kind that the law names, and one of no such kind."""
    named: dict[str, str] = {}
    for rule in policy.program.rules:
        if rule.is_fact and len(rule.atom.arguments) == 1 and isinstance(rule.atom.arguments[0], String):
            text = rule.atom.arguments[0].value
            if _DIAGNOSIS.fullmatch(text):
                named.setdefault(rule.atom.name, text)
    other = next(f"{letter}00" for letter in "ABCDEFGHIJ" if not any(it.startswith(letter) for it in named.values()))
    return [*named.values(), other]


def acceptable(encounter: Encounter) -> bool:
    """Whether the times of a chart can be together: what is supposed of one may not fit what is of another."""
    return all(it.earlier.minutes >= 0 and it.later.minutes >= 0 for it in charted(encounter))
