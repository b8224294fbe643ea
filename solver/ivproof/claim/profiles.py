"""A file of settings, ``ivproof.toml``: by what charts are answered where the command line does not say it.

The policy, the readings, files of claim edits; and profiles of payers: what one of them reads otherwise, the units a
day that it pays, its own claim edits. A chart is answered by the profile of its payer, where there is one.

>>> settings = read('policy = "cms"\\n[payers.aetna.readings]\\nA52 = "B"\\n', "ivproof.toml")
>>> settings.policy, settings.payers["aetna"].readings
('cms', {'A52': 'B'})
>>> read("polcy = 1", "ivproof.toml")
Traceback (most recent call last):
ivproof.claim.profiles.SettingsError: ivproof.toml:1: polcy: found a field that is not known here, expected a known \
field (did you mean policy?)
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from ivproof.chart.encounter import Encounter, WithoutTitles
from ivproof.chart.fields import Code, compare_key
from ivproof.chart.refusal import Place, Problem, Source, choices, problem_of, refuse
from ivproof.claim.batch import Answers, Make
from ivproof.claim.coding import Recheck
from ivproof.edits.tables import EditFiles
from ivproof.formats.toml_place import line_of
from ivproof.law.policy import Policy, PolicyError


class SettingsError(ValueError):
    """A file of settings that cannot be used; its text says where and why."""


Readings = Annotated[
    dict[str, str],
    Field(description="Questions of the policy, by number or name, each with its option, or with open."),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Edits(_Part):
    """Files of claim edits in place of those that come with the package; from the folder of the settings."""

    ptp: list[str] = Field(default=[], description="Pairs of codes (NCCI PTP).")
    mue: list[str] = Field(default=[], description="Units a day (MUE).")
    add_on: list[str] = Field(default=[], description="Add-on codes.")
    of: Literal["hospital", "practitioner"] | None = Field(default=None, description="Whose claims; else both.")


class Profile(_Part):
    """What is another thing for the charts of one payer."""

    readings: Readings = {}
    limits: dict[Code, Annotated[int, Field(ge=0)]] = Field(
        default={}, description="Units of a code that the payer pays a day at most: a claim edit of its own."
    )
    edits: Edits = Edits()


class Settings(_Part):
    """What the file says."""

    policy: str | None = Field(default=None, description="As --policy: a name, or a folder or file beside this.")
    limit: Annotated[int, Field(ge=1)] | None = Field(default=None, description="As --limit, in millions of atoms.")
    readings: Readings = {}
    edits: Edits = Edits()
    payers: dict[str, Profile] = Field(default={}, description="Profiles by payer, as charts name it, in any case.")


def read(text: str, file: str) -> Settings:
    """Read a file of settings; raises SettingsError with everything that is wrong with it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: found text that is no TOML: {error}") from None
    try:
        found = Settings.model_validate(data)
    except ValidationError as error:
        problems = [problem_of(it, _known_at(it["loc"])) for it in error.errors(include_url=False)]
        raise _wrong(text, file, problems) from None
    names: dict[str, str] = {}
    for name in found.payers:
        if names.setdefault(_key(name), name) != name:
            said = Problem(("payers", name), f"a payer that {names[_key(name)]} is, too", "each payer once")
            raise _wrong(text, file, [said])
    return found


def check(settings: Settings, policy: Policy, text: str, file: str) -> None:
    """Raise SettingsError where a reading is none of the policy, or a question is settled twice."""
    tables: list[tuple[Place, Mapping[str, str]]] = [(("readings",), settings.readings)]
    tables += [(("payers", name, "readings"), it.readings) for name, it in settings.payers.items()]
    problems = []
    for place, readings in tables:
        so_far: dict[str, str] = {}
        for name, option in readings.items():
            so_far[name] = option
            try:
                policy.settings(so_far)
            except PolicyError as error:
                found, _, expected = str(error).partition(", expected ")
                expected = expected or "each question once"
                problems.append(Problem((*place, name), found.removeprefix("found "), expected))
                del so_far[name]
    if problems:
        raise _wrong(text, file, problems)


def _wrong(text: str, file: str, problems: Sequence[Problem]) -> SettingsError:
    # pydantic names a key that is wrong by a step of its own
    named = [it._replace(path=tuple(step for step in it.path if step != "[key]")) for it in problems]
    told = (str(refuse(Source(file), it, line=_line(text, it.path))) for it in named)
    return SettingsError("\n".join(told))


def _line(text: str, path: Place) -> int | None:
    """The line of a place, or of what it would stand in."""
    return next((line for n in range(len(path), 0, -1) if (line := line_of(text, path[:n]))), None)


def _known_at(path: Sequence[str | int]) -> list[str]:
    match path[:-1]:
        case ("edits",) | ("payers", _, "edits"):
            part: type[BaseModel] = Edits
        case ("payers", _):
            part = Profile
        case _:
            part = Settings
    return list(part.model_fields)


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of settings, as they are once TOML is read."""
    plain = Settings.model_json_schema(schema_generator=WithoutTitles)
    return {"$schema": GenerateJsonSchema.schema_dialect, **plain, "title": "ivproof settings"}


# --- by what a chart is answered


class Basis(NamedTuple):
    """By what a chart is answered. The remark of its policy says what of it comes from the settings."""

    policy: Policy
    readings: Mapping[str, str]
    edit_files: EditFiles | None = None


class Profiles(NamedTuple):
    """By what charts are answered: `base`, or the profile of the payer, by `compare_key` of its name in small letters.

    `names` are the payers as the settings have them.
    """

    base: Basis
    by_payer: Mapping[str, Basis] = {}
    names: tuple[str, ...] = ()

    def key(self, payer: str | None) -> str | None:
        """Give the key of a payer's profile; None where it has none."""
        key = _key(payer or "")
        return key if key in self.by_payer else None

    def of(self, payer: str | None) -> Basis:
        """Give that of a payer: its own, or the one of all that have none."""
        key = self.key(payer)
        return self.base if key is None else self.by_payer[key]

    def named(self, payer: str) -> Basis:
        """Give the profile of that name. Raises SettingsError with the names that there are."""
        if self.key(payer) is None:
            known = choices(payer, self.names) if self.names else "settings (ivproof.toml) with profiles of payers"
            raise SettingsError(f"found no profile of {payer!r}, expected {known}")
        return self.of(payer)

    def make(self, make: Callable[[EditFiles | None], Make]) -> Make:
        """Give what makes answers, each by the profile of its chart's payer, from what makes them by claim edits."""
        base, own = make(self.base.edit_files), {key: make(it.edit_files) for key, it in self.by_payer.items()}
        return _ByPayer(self, base, own) if own else base


def profiles(
    settings: Settings,
    file: Path,
    policy: Policy,
    given: Mapping[str, str],
    edit_files: EditFiles | None,
    *,
    chosen: bool,
) -> Profiles:
    """Lay what the command line gives over the settings of a file, which was checked against the policy.

    `chosen` tells that the policy is the one of the settings.
    """
    taken = {policy.question(name).key for name in given}

    def basis(payer: str | None) -> Basis:
        own = settings.payers[payer] if payer is not None else Profile()
        readings = {policy.question(name).number: option for name, option in settings.readings.items()}
        readings |= {policy.question(name).number: option for name, option in own.readings.items()}
        readings = {number: option for number, option in readings.items() if number.casefold() not in taken}
        edits, told = _edit_files(settings, own, file.parent, edit_files)
        said = [f"policy {settings.policy}"] if chosen else []
        said += [f"{number}={option}" for number, option in readings.items()]
        said += [f"at most {units} of {code} a day" for code, units in own.limits.items()]
        said += told
        of = f", payer {payer}" if payer is not None else ""
        remark = (f"Settings of {file}{of}: {', '.join(said)}.",) if said else ()
        return Basis(replace(policy, remarks=remark), {**readings, **given}, edits)

    by_payer = {_key(name): basis(name) for name in settings.payers}
    return Profiles(basis(None), by_payer, tuple(settings.payers))


def _edit_files(
    settings: Settings, own: Profile, folder: Path, given: EditFiles | None
) -> tuple[EditFiles | None, list[str]]:
    """The files of claim edits: of each layout those given, else the payer's, else those of all; and what is said."""
    asked = given or EditFiles()
    found: dict[str, tuple[Path, ...]] = {}
    told: list[str] = []
    for layout in ("ptp", "mue", "add_on"):
        files = getattr(own.edits, layout) or getattr(settings.edits, layout)
        found[layout] = getattr(asked, layout) or tuple(folder / it for it in files)
        if files and not getattr(asked, layout):
            told += [f"claim edits {it}" for it in files]
    setting = asked.setting or own.edits.of or settings.edits.of
    made = EditFiles(**found, setting=setting, limits=tuple(own.limits.items()))
    return (made if any(found.values()) or made.limits else None), told


def _key(payer: str) -> str:
    return compare_key(payer).casefold()


@dataclass(frozen=True)
class _ByPayer:
    """Makes what answers each chart by the profile of its payer; a process can be sent it."""

    profiles: Profiles
    base: Make
    makes: Mapping[str, Make]

    def __call__(self, policy: Policy, readings: Mapping[str, str]) -> _Answers:
        return _Answers(self, self.base(policy, readings))


class _Answers:
    """Answers charts by the profiles of their payers, each of which is loaded when it is first needed."""

    def __init__(self, by: _ByPayer, base: Answers) -> None:
        self._by = by
        self._made: dict[str | None, Answers] = {None: base}

    def _of(self, payer: str | None) -> Answers:
        if payer is not None and payer not in self._made:
            policy, readings, _ = self._by.profiles.by_payer[payer]
            self._made[payer] = self._by.makes[payer](policy, readings)
        return self._made[payer]

    def code(self, encounters: Sequence[Encounter], recheck: Recheck) -> list[Any]:
        """Answer each encounter, in the order given."""
        groups: dict[str | None, list[int]] = {}
        for n, it in enumerate(encounters):
            groups.setdefault(self._by.profiles.key(it.payer), []).append(n)
        found: list[Any] = [None] * len(encounters)
        for payer, places in groups.items():
            answers = self._of(payer).code([encounters[n] for n in places], recheck)
            for n, answer in zip(places, answers, strict=True):
                found[n] = answer
        return found

    def undecided(self, encounter: Encounter, why: str) -> Any:
        """Give what stands for the answer of an encounter that takes too much work."""
        return self._of(self._by.profiles.key(encounter.payer)).undecided(encounter, why)
