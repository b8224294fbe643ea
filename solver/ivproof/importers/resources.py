"""FHIR R4 resources from files: bundles, single resources, lists, NDJSON, folders; and what refers to what.

Only JSON is read, and only what stands in it: a narrative is for people and no data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivproof.chart.files import scan
from ivproof.chart.refusal import Problem, Refusal, Source, refuse

_ENDINGS = (".json", ".ndjson", ".jsonl")
_RELATIVE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?$")

Fields = Mapping[str, Any]

NONE = "no resource"
"""Stands for the type of what is JSON in a folder, and no resource."""


@dataclass(eq=False)
class Resource:
    """A resource: its data, the file it stands in, and the address that its bundle gives it."""

    data: Fields
    file: str
    url: str | None = None
    item: int = -1

    @property
    def type(self) -> str:
        """Its type."""
        return str(self.data["resourceType"])

    @property
    def id(self) -> str:
        """Its id; empty where it has none."""
        found = self.data.get("id")
        return found if isinstance(found, str) else ""

    @property
    def name(self) -> str:
        """Type and id, as others refer to it."""
        return f"{self.type}/{self.id}" if self.id else self.type


def part(value: object, *path: str | int) -> Any:
    """Give what stands at a place in plain data; None where nothing does.

    >>> part({"code": {"coding": [{"code": "A"}]}}, "code", "coding", 0, "code")
    'A'
    """
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def parts(value: object, *path: str | int) -> list[Any]:
    """Give the list of objects that stands at a place; empty where none does."""
    found = part(value, *path)
    return [it for it in found if isinstance(it, Mapping)] if isinstance(found, list) else []


def text(value: object, *path: str | int) -> str:
    """Give the text that stands at a place, without space around it; empty where none does."""
    found = part(value, *path)
    return " ".join(found.split()) if isinstance(found, str) else ""


def read_resources(files: Sequence[str]) -> tuple[list[Resource], list[Refusal]]:
    """Read the resources of files and folders, those inside bundles too; and why what could not be read was not.

    In a folder there may be other JSON too; it counts as read, and is left out.
    """
    found: list[Resource] = []
    refusals: list[Refusal] = []
    for file in files:
        inside = bool(file) and Path(file).is_dir()
        for path in _files(file):
            for sheet in scan([path]):
                data, problems = sheet.data()
                if inside and isinstance(data, Mapping) and "resourceType" not in data:
                    found.append(Resource({"resourceType": NONE}, path))
                elif not problems:
                    problems = tuple(_collect(data, sheet.source, None, found))
                refusals += (refuse(sheet.source, _reworded(it)) for it in problems)
    return found, refusals


def _files(name: str) -> list[str]:
    """List the files of a folder that FHIR may stand in; a file by itself may have any ending."""
    folder = Path(name)
    if not name or not folder.is_dir():
        return [name]
    below = sorted(it for it in folder.rglob("*") if it.is_file())
    found = [str(it) for it in below if str(it).removesuffix(".gz").endswith(_ENDINGS) and not _hidden(it, folder)]
    return found or [name]


def _hidden(path: Path, folder: Path) -> bool:
    return any(step.startswith(".") for step in path.relative_to(folder).parts)


def _reworded(problem: Problem) -> Problem:
    expected = re.sub(r"\ba chart\b(?! file)", "a FHIR resource", problem.expected)
    return problem._replace(expected=expected.replace("a chart file, a folder with charts", "a file or folder of FHIR"))


def _collect(data: object, source: Source, url: str | None, found: list[Resource]) -> Iterator[Problem]:
    if isinstance(data, str) and data.lstrip().startswith("<"):
        yield Problem((), "XML", "a FHIR resource in JSON")
        return
    kind = part(data, "resourceType")
    if not isinstance(data, Mapping) or not isinstance(kind, str):
        yield Problem((), "no resourceType", "a FHIR resource in JSON, which names its type")
        return
    if kind != "Bundle":
        found.append(Resource(data, source.file, url))
        return
    for entry in parts(data, "entry"):
        if "resource" in entry:
            yield from _collect(entry["resource"], source, text(entry, "fullUrl") or None, found)


class Index:
    """Finds the resource that a reference means."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        """Take the resources of the input, each once."""
        self._by_url = {it.url: it for it in resources if it.url}
        self._by_name: dict[str, Resource] = {}
        self._several: set[str] = set()
        self._identified: dict[str, list[tuple[str, Resource]]] = {}
        for it in resources:
            if it.id and self._by_name.setdefault(it.name, it) is not it:
                self._several.add(it.name)
            for own in parts(it.data, "identifier"):
                if value := text(own, "value"):
                    self._identified.setdefault(value, []).append((text(own, "system"), it))

    def find(self, reference: object, inside: Resource) -> Resource | None:
        """Give what a reference means, contained in `inside`, by address, name or identifier; None where it is none."""
        to = text(reference, "reference")
        if not to:
            return self._of_identifier(reference)
        if to.startswith("#"):
            for it in parts(inside.data, "contained"):
                if it.get("id") == to[1:] and isinstance(it.get("resourceType"), str):
                    return Resource(it, inside.file, None, inside.item)
            return None
        if to in self._by_url:
            return self._by_url[to]
        return None if self.is_elsewhere(reference) else self._named(reference)

    def is_elsewhere(self, reference: object) -> bool:
        """Whether a reference is to another server than the one that the resource of that name is of."""
        to, found = text(reference, "reference"), self._named(reference)
        bases = [_RELATIVE.sub("", it) for it in (to, found.url if found and found.url else "")]
        return all(it.startswith(("http://", "https://")) for it in bases) and bases[0] != bases[1]

    def _named(self, reference: object) -> Resource | None:
        name = name_of(reference)
        return None if name is None or name in self._several else self._by_name.get(name)

    def _of_identifier(self, reference: object) -> Resource | None:
        """Give the one resource with the identifier of a reference, in its system, and of the type that it names."""
        value, system = text(reference, "identifier", "value"), text(reference, "identifier", "system")
        kind = text(reference, "type")
        if not value or not (system or kind):
            return None
        found = {
            id(it): it
            for own, it in self._identified.get(value, ())
            if own == system and (not kind or it.type == kind.rpartition("/")[2])
        }
        return next(iter(found.values())) if len(found) == 1 else None


def name_of(reference: object) -> str | None:
    """Give type and id that a reference names; None where it has none.

    >>> name_of({"reference": "https://example.org/fhir/Encounter/7/_history/2"})
    'Encounter/7'
    """
    found = _RELATIVE.search(text(reference, "reference"))
    return f"{found[1]}/{found[2]}" if found else None


def same(one: Resource, other: Resource) -> bool:
    """Whether two resources say the same, whatever their narratives."""
    return _said(one) == _said(other)


def _said(it: Resource) -> str:
    return json.dumps({key: value for key, value in it.data.items() if key != "text"}, sort_keys=True)
