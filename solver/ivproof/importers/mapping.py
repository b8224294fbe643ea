"""A mapping: how an event list of a house is written, in a TOML file of some twenty lines.

A preset is a mapping that comes with the package. What a mapping says is said by the house, and the report names it:
which column is what, which word for an action does what, which word for a way in is which route.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic.json_schema import GenerateJsonSchema

from ivproof.chart.encounter import WithoutTitles
from ivproof.chart.fields import PlaceOfService, Route
from ivproof.chart.refusal import Problem, Refusal, Source, choices, problem_of, refuse

PRESETS = Path(__file__).parent / "presets"

ActionKind = Literal[
    "start",
    "bag",
    "stop",
    "pause",
    "resume",
    "rate",
    "single",
    "push",
    "void",
    "rewritten",
    "not_given",
    "not_an_event",
    "nothing_new",
    "volume_record",
    "site_changed",
    "waste",
]
"""What a word for an action can do."""


class MappingError(ValueError):
    """A mapping that cannot be used; its text says where and why."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[
    list[str],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Columns(_Part):
    """The names of the columns, ours: theirs."""

    encounter: str = Field(description="What tells the visits apart; it becomes the chart's id, and is no name.")
    drug: str = Field(description="The drug or fluid as the record prints it.")
    time: str = Field(description="When it was done; with `end`, when the row begins.")
    action: str | None = Field(
        None,
        description="What was done; with `end`, how the row ended. Where it is left out, `end` is needed: each row is "
        "then one administration from its time to its end.",
    )
    order: str | None = Field(None, description="The order that the event belongs to.")
    line: str | None = Field(None, description="The number of the event in its order.")
    end: str | None = Field(None, description="When the row ends, where a row is a stretch of time and no event.")
    chain: str | None = Field(None, description="What ties the orders of one infusion together.")
    route: Words = Field(default=[], description="The way in: one column, or several that have to agree.")
    component: str | None = Field(None, description="What part of the mixture the row is: main drug, solution.")
    category: str | None = Field(None, description="A second word for the action, for `reads_as`.")
    site: str | None = Field(None, description="The vascular access, as the record names it.")
    rate: str | None = Field(None, description="The rate; taken where its unit is millilitres an hour.")
    rate_unit: str | None = Field(None, description="The unit of the rate.")
    product: str | None = Field(None, description="The NDC of what was given.")
    dose: str | None = Field(None, description="The amount that was given; taken where its unit is none of a rate.")
    dose_unit: str | None = Field(None, description="The unit of that amount.")
    ordered_length: str | None = Field(None, description="How long it was ordered to run.")
    ordered_length_unit: str | None = Field(None, description="The unit of that length: minutes or hours.")
    takes_back: str | None = Field(
        None,
        description="The line that a row takes back or, with an action of its own, stands in the place of.",
    )
    reason: str | None = Field(None, description="Why, in free text: of a pause.")

    def named(self) -> Iterator[tuple[str, str]]:
        """Give each column that is named: ours, theirs."""
        for ours in type(self).model_fields:
            value = getattr(self, ours)
            yield from ((ours, theirs) for theirs in (value if isinstance(value, list) else [value]) if theirs)


class Rows(_Part):
    """How rows stand to each other."""

    same: list[str] = Field(
        default=[],
        description="Rows that agree in these columns (our names) are copies: one is used. Without it, rows that agree "
        "in all columns named above.",
    )
    split_actions: str | None = Field(None, description="What separates two actions in one field.")


class Times(_Part):
    """How times are written."""

    format: Words = Field(
        default=["%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        description="Formats of strptime, tried in their order; one without an hour reads a date.",
    )
    zone: str | None = Field(
        None,
        description="IANA name of the zone of the house; --zone takes its place. It decides the date of the visit.",
    )


class Actions(_Part):
    """Every word for an action that occurs has to stand here; a file with another one is refused."""

    start: Words = Field(default=[], description="It begins to run.")
    bag: Words = Field(default=[], description="A bag is hung: a start, or the next bag of what runs.")
    stop: Words = Field(default=[], description="It ends.")
    pause: Words = Field(default=[], description="It stands still.")
    resume: Words = Field(default=[], description="It goes on after a pause.")
    rate: Words = Field(default=[], description="Another rate: no start and no stop.")
    single: Words = Field(default=[], description="A dose was given: a start and no stop, method not charted.")
    push: Words = Field(default=[], description="A dose was pushed: a start and no stop.")
    void: Words = Field(default=[], description="Another row is taken back.")
    rewritten: Words = Field(default=[], description="The row itself counts for nothing: an older copy.")
    not_given: Words = Field(default=[], description="A dose was not given.")
    not_an_event: Words = Field(default=[], description="Planned, prepared, held for all orders: nothing was done.")
    nothing_new: Words = Field(default=[], description="It goes on as before.")
    volume_record: Words = Field(default=[], description="A volume that ran in up to now.")
    site_changed: Words = Field(default=[], description="Another place of access.")
    waste: Words = Field(default=[], description="What was not given of a dose.")
    resume_or_start: Words = Field(
        default=["[Restarted]"], description="Words of `resume` that are a start where nothing ran before."
    )
    hold: Words = Field(
        default=["MAR Hold"], description="Words of `not_an_event` for a hold: reported where something runs."
    )
    unhold: Words = Field(default=["MAR Unhold"], description="Words of `not_an_event` that end a hold.")


class Condition(BaseModel):
    """Words that have to stand in columns (our names) of a row: one of the words in each column."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def words(self) -> dict[str, list[str]]:
        """Give the words by column."""
        return {column: _as_words(words) for column, words in (self.model_extra or {}).items()}


def _as_words(words: object) -> list[str]:
    found = _listed(words)
    if not isinstance(found, list) or not all(isinstance(it, str) for it in found):
        raise ValueError("expected a word or a list of words")
    return found


class NoStop(Condition):
    """A stop that is none: of rows that fit, within so many minutes of the start."""

    minutes: Annotated[int, Field(ge=0, strict=True)] = Field(description="A stop no later than this is none.")
    reason: Annotated[str, Field(pattern=r"^[a-z_]+$")] = Field(description="What the report calls it.")


class ReadsAs(Condition):
    """Rows that fit do this, whatever their word for the action does by itself."""

    is_: ActionKind = Field(alias="is", description="What they do.")


class Encounters(_Part):
    """The names of the columns of the file of encounters, ours: theirs."""

    encounter: str = Field(description="What tells the visits apart, as in the events.")
    place_of_service: str | None = Field(None, description="Where it was: a word that is mapped, or a CMS code.")
    diagnoses: Words = Field(default=[], description="ICD-10-CM codes, one or several in a field.")
    payer: str | None = Field(None, description="The payer.")


class EventMapping(_Part):
    """A mapping of an event list."""

    columns: Columns
    rows: Rows = Field(default_factory=lambda: Rows.model_validate({}))
    time: Times = Field(default_factory=lambda: Times.model_validate({}))
    actions: Actions = Field(default_factory=lambda: Actions.model_validate({}))
    reads_as: list[ReadsAs] = Field(default=[], description="Exceptions from `actions`, the first that fits.")
    routes: dict[Route, Words] = Field(
        default={}, description="Words for each route, found as whole words, the longest first, whatever their case."
    )
    methods: dict[Literal["push", "infusion"], Words] = Field(
        default={}, description="Words of the route that say how it was given."
    )
    carriers: Condition = Field(
        default=Condition(), description="Rows that fit are what the main drug of their order is mixed into."
    )
    additives: Condition = Field(
        default=Condition(), description="Rows that fit are in the bag of their order, single doses too."
    )
    no_stop: list[NoStop] = Field(default=[], description="Stops that are none.")
    new_bag_stops_the_old: bool = Field(False, description="Whether a new bag says that the one before it was done.")
    encounters: Encounters | None = Field(None, description="The columns of the file of encounters.")
    place_of_service: dict[str, PlaceOfService] = Field(
        default={}, description="Words for places, each with its CMS place-of-service code."
    )

    @model_validator(mode="before")
    @classmethod
    def _lifted(cls, data: Any) -> Any:
        """Take `new_bag_stops_the_old` from the table that it stands in: it belongs to the whole."""
        if isinstance(data, dict):
            for part in ("actions", "rows"):
                inner = data.get(part)
                if isinstance(inner, dict) and "new_bag_stops_the_old" in inner:
                    rest = {key: value for key, value in inner.items() if key != "new_bag_stops_the_old"}
                    data = {**data, part: rest, "new_bag_stops_the_old": inner["new_bag_stops_the_old"]}
        return data

    def kinds(self) -> dict[str, ActionKind]:
        """Give what each word for an action does."""
        return {word: kind for kind in get_args(ActionKind) for word in getattr(self.actions, kind)}


class PlaceMapping(_Part):
    """What places are, for records in which nothing else is to be mapped."""

    place_of_service: dict[str, PlaceOfService] = Field(
        description="Words for places, each with its CMS place-of-service code."
    )


M = TypeVar("M", bound=BaseModel)


def load(text: str, file: str) -> EventMapping:
    """Read a mapping; raise MappingError with everything that is wrong with it."""
    found = _read(EventMapping, text, file)
    if wrong_words := list(_contradictions(found, file)):
        raise MappingError("\n".join(map(str, wrong_words)))
    return found


def load_places(text: str, file: str) -> dict[str, str]:
    """Read the codes of places by their words; raise MappingError with everything that is wrong with them."""
    return dict(_read(PlaceMapping, text, file).place_of_service)


def _read(kind: type[M], text: str, file: str) -> M:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise MappingError(f"{file}: found text that is no TOML: {wrong}") from None
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = (problem_of(it, _fields_at(it["loc"])) for it in error.errors(include_url=False))
        raise MappingError("\n".join(str(refuse(Source(file), it)) for it in problems)) from None


def _fields_at(path: Sequence[str | int]) -> list[str]:
    parts: dict[str | int, type[BaseModel]] = {
        "columns": Columns,
        "rows": Rows,
        "time": Times,
        "actions": Actions,
        "encounters": Encounters,
    }
    return list(parts.get(path[0] if len(path) > 1 else "", EventMapping).model_fields)


def _contradictions(found: EventMapping, file: str) -> Iterator[Refusal]:
    """Find words that do two things, and columns that are named where none is."""

    def wrong(path: tuple[str | int, ...], seen: str, expected: str) -> Refusal:
        return refuse(Source(file), Problem(path, seen, expected))

    if found.columns.action is None and found.columns.end is None:
        yield wrong(("columns", "action"), "nothing", "action, which is required where there is no end")
    known = list(Columns.model_fields)
    seen: dict[str, str] = {}
    for kind in get_args(ActionKind):
        for word in getattr(found.actions, kind):
            if seen.setdefault(word, kind) != kind:
                yield wrong(
                    ("actions", kind), f'"{word}"', f"a word that does one thing; it stands in {seen[word]} too"
                )
    ways: dict[str, str] = {}
    for route, words in found.routes.items():
        for word in words:
            if ways.setdefault(word.casefold(), route) != route:
                yield wrong(
                    ("routes", route), f'"{word}"', f"a word for one route; it stands in {ways[word.casefold()]} too"
                )
    used = {ours for ours, _ in found.columns.named()}
    for name in found.rows.same:
        if name not in used:
            yield wrong(("rows", "same"), f'"{name}"', f"a column that is named above: {choices(name, sorted(used))}")
    conditions: list[tuple[str, Condition]] = [("carriers", found.carriers), ("additives", found.additives)]
    conditions += [("no_stop", it) for it in found.no_stop] + [("reads_as", it) for it in found.reads_as]
    for part, condition in conditions:
        try:
            columns = condition.words()
        except ValueError as error:
            yield wrong((part,), "something else", str(error).removeprefix("expected "))
            continue
        for name in columns:
            if name not in used:
                yield wrong((part, name), "a column that is not named above", f"one of {choices(name, known)}")


def presets() -> list[str]:
    """List the names of the mappings that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def preset_text(name: str) -> str:
    """Give the text of a mapping that comes with the package; raise MappingError where there is none."""
    if name not in presets():
        raise MappingError(f"no preset {name!r}; expected {choices(name, presets())}")
    return (PRESETS / f"{name}.toml").read_text("utf-8")


def schema() -> Mapping[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a mapping, as it is once TOML is read."""
    plain = EventMapping.model_json_schema(by_alias=True, schema_generator=WithoutTitles)
    return {"$schema": GenerateJsonSchema.schema_dialect, **plain, "title": "ivproof mapping"}
