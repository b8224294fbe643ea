"""Puts what follows now in the place of what a worked case expects, and leaves all else of its file as it is written.

Of an expectation only the keys that depart are written anew; comments, order and every other case stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from ivproof.cases.files import Case, read_cases
from ivproof.cases.running import determine, judge
from ivproof.cases.writing import expectation
from ivproof.claim.coding import Coder
from ivproof.formats.plain_file import replace_text


class NotRewrittenError(ValueError):
    """An expectation that is not written anew; the text says why."""


def rewrite(coder: Coder, case: Case, departures: Sequence[str], path: Path, nth: int) -> dict[str, Any]:
    """Write anew in a file what a case expects otherwise than what follows; give the keys with their new values.

    `nth` counts the cases of the file with the same name, from 0. Raises NotRewrittenError, and then the file is as it
    was; PolicyError as `judge` does.
    """
    [(_, _, found)] = determine(coder, [case])
    follows = expectation(found)
    new: dict[str, Any] = {}
    for key in dict.fromkeys(re.split(r"\W", it, maxsplit=1)[0] for it in departures):
        if key not in follows:
            raise NotRewrittenError(f"{key}: it is not written anew by itself")
        new[key] = _as(case.expect.get(key), follows[key], partial=bool(case.expect.get("partial")))
    intended = {**case.expect, **new}
    [judged] = judge(coder, [replace(case, expect=intended)])
    if judged.departures:
        raise NotRewrittenError(f"with what follows in its place it would still depart: {judged.departures[0]}")
    before = path.read_bytes()
    replace_text(path, _rewritten(before.decode("utf-8"), case.name, nth, new).encode("utf-8"))
    again = [it for it in read_cases([path]) if isinstance(it, Case) and it.name == case.name]
    if len(again) <= nth or again[nth].expect != intended:
        replace_text(path, before)
        raise NotRewrittenError("what it expects does not stand under `expect` alone")
    return new


def _as(old: Any, new: Any, *, partial: bool) -> Any:
    """What follows in the form in which a case has it: of some codes or paths only, where it names some only."""
    if isinstance(old, Mapping) and isinstance(new, list):  # missing facts by their paths
        facts = {
            it if isinstance(it, str) else it["fact"]: None if isinstance(it, str) else it["would_change"] for it in new
        }
        return {path: facts[path] for path in old if path in facts}
    if isinstance(old, Mapping) and isinstance(new, Mapping) and partial:
        return {code: new[code] for code in old if code in new}
    return new


def _rewritten(text: str, name: str, nth: int, new: Mapping[str, Any]) -> str:
    found = [it for it in _cases(text) if _value(it, "case") == name]
    if len(found) <= nth:
        raise NotRewrittenError("it is not found by its name in the file")
    expect = next(value for key, value in found[nth].value if key.value == "expect")
    places = {key.value: (key, value) for key, value in expect.value}
    edits: list[tuple[int, int, str]] = []
    for key, value in new.items():
        written = value if isinstance(value, str) and value.isalpha() else json.dumps(value, ensure_ascii=False)
        if key in places:
            edits.append(_edit(text, *places[key], written))
        else:  # a status that was taken for granted
            first = expect.value[0][0].start_mark
            after = ", " if expect.flow_style else "\n" + " " * first.column
            edits.append(
                (first.index, first.index, f"{json.dumps(key) if expect.flow_style else key}: {written}{after}")
            )
    for begin, end, written in sorted(edits, reverse=True):
        text = text[:begin] + written + text[end:]
    return text


def _cases(text: str) -> Iterator[MappingNode]:
    for document in YAML(typ="safe", pure=True).compose_all(text):
        for it in document.value if isinstance(document, SequenceNode) else [document]:
            if isinstance(it, MappingNode):
                yield it


def _value(case: MappingNode, name: str) -> object:
    return next((str(value.value) for key, value in case.value if key.value == name), None)


def _edit(text: str, key: Node, value: Node, written: str) -> tuple[int, int, str]:
    """From where to where something else stands for a value; one that begins on a line below comes up to its key."""
    begin, end = value.start_mark.index, _end(value)
    if value.start_mark.line == key.end_mark.line:
        return begin, end, written
    between = text[key.end_mark.index : begin].partition(":")[2].rstrip()
    return key.end_mark.index, end, f": {written}{between}"


def _end(node: Node) -> int:
    """Where the text of a node ends; of one that is written in lines below each other, where its last part does."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, MappingNode) else last)
