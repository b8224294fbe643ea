"""A file that names the kinds of chart to go through, in place of those read off the format and the laws.

In: YAML with what is given (`administrations`, each with its fields and the `times` that are charted) and, where
wanted, `settings` (fields of the chart), `sites` and `features` in the words in which a comparison prints them. Out:
every chart of so many of these in each setting, at each sites, plain and with each feature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ivproof.chart.consistency import VASCULAR
from ivproof.chart.reading import Source, parse
from ivproof.chart.refusal import LISTED, Place, Problem, UnreadableError, choices, problem_of, refuse, show
from ivproof.chart.yaml12 import read_documents
from ivproof.lab.alphabet import BEGIN, BOTH, PAUSE, Alphabet, Feature, Given, changed, plain
from ivproof.lab.kinds import TIMES, Kind

ONE_SITE = "one site"
AT = "at "
"""How the words of a feature begin that puts two administrations at sites."""


class KindsError(ValueError):
    """A file of kinds of chart that cannot be used: file, line, place, what was found and expected, a line each."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    administrations: list[Annotated[dict[str, Any], Field(min_length=1)]] = Field(min_length=1)
    settings: list[dict[str, Any]] = []
    sites: list[str] = []
    features: list[str] = []


class _Times(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    times: list[Literal["start", "from", "to", "stop"]]


@dataclass(frozen=True)
class Named:
    """What a file names. Of `sites`, None is one site for everything; `settings` are changes of the plain chart."""

    file: str
    given: tuple[Given, ...]
    settings: tuple[Feature, ...]
    sites: tuple[Feature | None, ...]
    features: tuple[Feature, ...]

    def kinds(self, up_to: int) -> Iterator[Kind]:
        """Give the kinds of chart with up to so many administrations: few first, plain before those with a feature."""
        for count in range(up_to + 1):
            for some in combinations_with_replacement(self.given, count):
                base = Kind(plain(*some), " and ".join(it.words for it in some) or "nothing given")
                for site in self.sites if sum(it.vascular for it in some) > 1 else (None,):
                    placed = base if site is None else changed(base, site)
                    for setting in self.settings:
                        # a setting that the chart has anyway changes nothing
                        there = placed and (changed(placed, setting) or placed)
                        if there is not None:
                            yield there
                            yield from (it for one in self.features if (it := changed(there, one)) is not None)

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data, in words."""
        return {
            "file": self.file,
            "administrations": [it.words for it in self.given],
            "settings": [it.words for it in self.settings],
            "sites": [ONE_SITE if it is None else it.words.removeprefix(AT) for it in self.sites],
            "features": [it.words for it in self.features],
        }


def read_kinds(file: Path, known: Alphabet) -> Named:
    """Read a file of kinds; its features and sites are those of an alphabet. Raises KindsError."""
    source = Source(str(file))
    try:
        with file.open("rb") as stream:
            [document, *more] = read_documents(stream)
        if isinstance(document, UnreadableError):
            raise document
        if more:
            raise UnreadableError("several documents", "one", None)
        problems, lines = list(document.problems), document.lines
        if not problems:
            found = _File.model_validate(document.data)
    except OSError as error:
        raise KindsError(f"{file}: found {error.strerror or error}, expected a file of kinds of chart") from None
    except UnreadableError as error:
        raise KindsError(str(refuse(source, error.problem, line=error.line))) from None
    except ValidationError as error:
        problems = [problem_of(it, list(_File.model_fields)) for it in error.errors(include_url=False)]
    if not problems:
        by_words = {it.words: it for it in (*known.single, *known.double)}
        sites = {ONE_SITE: None, **{it.removeprefix(AT): by_words[it] for it in by_words if it.startswith(AT)}}
        problems = [
            *(it for n, fields in enumerate(found.administrations) for it in _of_administration(n, fields)),
            *(it for n, fields in enumerate(found.settings) for it in _of_setting(n, fields)),
            *_unknown("sites", found.sites, list(sites)),
            *_unknown("features", found.features, list(by_words)),
        ]
    if problems:
        raise KindsError("\n".join(str(refuse(source, it, line=_line(it.path, lines))) for it in problems))
    return Named(
        str(file),
        tuple(_given(it) for it in found.administrations),
        tuple(_setting(it) for it in found.settings or [{}]),
        tuple(sites[it] for it in found.sites or [ONE_SITE]),
        tuple(by_words[it] for it in found.features),
    )


def _line(path: Place, lines: Any) -> int | None:
    while path and path not in lines:
        path = path[:-1]
    found: int | None = lines.get(path)
    return found


def _unknown(name: str, words: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    for n, it in enumerate(words):
        if it not in known:
            near = get_close_matches(it, known, 1)
            expected = choices(it, known) if len(known) < LISTED else f"words with which a comparison names {name}"
            more = f" (did you mean {near[0]}?)" if near and len(known) >= LISTED else ""
            yield Problem((name, n), show(it), expected + more)


def _given(fields: dict[str, Any]) -> Given:
    plain_times = BOTH if fields.get("route") in VASCULAR and fields.get("method") != "push" else BEGIN
    times = tuple(fields.get(TIMES, plain_times))
    said = [f"{name} {value}" for name, value in fields.items() if name not in {"drug", "route", "method", TIMES}]
    what = " ".join(str(fields[it]) for it in ("drug", "route", "method") if it in fields)
    charted = "" if times == BEGIN else f" from {' to '.join(times)}" if times == BOTH else f" with {', '.join(times)}"
    return Given(
        {name: value for name, value in fields.items() if name != TIMES},
        times,
        f"{what}{''.join(f', {it}' for it in said)}{charted or ('' if times else ' without times')}",
    )


def _setting(fields: dict[str, Any]) -> Feature:
    words = ", ".join(f"{name}: {value if isinstance(value, str) else show(value)}" for name, value in fields.items())
    return Feature(words or "the plain chart", lambda document: {**document, **fields})


OURS = {"id", "site", "start", "stop", "pauses"}
"""Fields of an administration that a comparison itself fills in."""


def _of_administration(n: int, fields: dict[str, Any]) -> Iterator[Problem]:
    place: Place = ("administrations", n)
    for name in sorted(OURS & fields.keys()):
        yield Problem((*place, name), show(fields[name]), f"nothing: sites stand under sites, times under {TIMES}")
        return
    if TIMES in fields:
        try:
            times = _Times.model_validate({TIMES: fields[TIMES]}).times
        except ValidationError as error:
            it = problem_of(error.errors(include_url=False)[0], ())
            yield it._replace(path=(*place, *it.path))
            return
        if times != [it for it in PAUSE if it in times]:
            yield Problem((*place, TIMES), ", ".join(times), f"each once, in the order {', '.join(PAUSE)}")
            return
    if "route" not in fields:
        yield Problem(place, "nothing", "route, which is required")
        return
    kind = Kind(plain(_given(fields)), "")
    for refusal in parse(kind.written(kind.sample), Source("chart")).refusals:
        yield Problem(
            (*place, refusal.place.removeprefix("administrations[0]").lstrip(".")), refusal.found, refusal.expected
        )


def _of_setting(n: int, fields: dict[str, Any]) -> Iterator[Problem]:
    if "administrations" in fields:
        yield Problem(("settings", n, "administrations"), "a list", "nothing: they stand under administrations")
        return
    for it in parse({**plain(), **fields}, Source("chart")).refusals:
        yield Problem(("settings", n, it.place), it.found, it.expected)
