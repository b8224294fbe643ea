"""The law of a policy that stands on another one, made of both their texts again and apart from the rest of ivproof.

A rule goes from its header, ``% [id] …``, to the next header or line of hyphens. What the overlay replaces or takes out
becomes empty lines; where it settles a question, the line with its default says so, and the header names the sources.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any


def laid_over(below: Mapping[str, str], own: Mapping[str, str], described: Mapping[str, Any]) -> dict[str, str]:
    """The texts of one law. Raises ValueError where the overlay does not fit what it stands on, as it was pinned."""
    replaced, removed = dict(described.get("replaces", {})), dict(described.get("removes", {}))
    settled = {key.lower(): it for key, it in described.get("readings", {}).items()}
    pinned = {**replaced, **removed}
    mine = {it for text in own.values() for it in re.findall(r"^%\s*\[([^\]\s]+)\]", text, re.MULTILINE)}
    if replaced.keys() - mine or removed.keys() & mine or own.keys() & below.keys():
        raise ValueError("the files of the overlay do not have what its policy.toml says of them")
    laid = {}
    for file, text in below.items():
        parts = re.split(r"^(?=%\s*(?:\[[^\]\s]+\]|---))", text, flags=re.MULTILINE)
        for n, part in enumerate(parts):
            header = re.match(r"%\s*\[([^\]\s]+)\]", part)
            if header is None:
                continue
            if header[1] in pinned:
                if _digest(part) != pinned.pop(header[1]):
                    raise ValueError(f"{header[1]} in {file} is not the rule that the overlay was written over")
                parts[n] = "\n" * part.count("\n")
            elif header[1] in mine:
                raise ValueError(f"{header[1]} is in {file} and in the overlay, which does not replace it")
            else:
                parts[n] = _settled(part, settled)
        laid[file] = "".join(parts)
    if pinned or settled:
        raise ValueError(f"nothing below the overlay is called {min([*pinned, *settled])}")
    return {**laid, **own}


def _digest(part: str) -> str:
    lines = [line.rstrip() for line in part.split("\n")]
    return hashlib.sha256("\n".join(lines).rstrip().encode()).hexdigest()[:16]


def _settled(part: str, settled: dict[str, Any]) -> str:
    """The question in a part of a text as the overlay settles it; takes it out of those that wait."""
    stated = re.search(
        r"^(?:default|unresolved)\(\s*(\w+)\s*(?:,\s*\w+\s*)?\)\.(?:\s*note\(.*\)\.)?\s*$", part, re.MULTILINE
    )
    if stated is None or stated[1] not in settled:
        return part
    key = stated[1]
    it = settled.pop(key)
    because = ", ".join(it["because"])
    note = f' note({key}, "{it["says"]} ({because})").' if it.get("says") else ""
    head, *lines = part.split("\n")
    told = re.compile(rf"(?:note|defined)\(\s*{key}\s*,.*\)\.\s*")
    lines = ["" if note and told.fullmatch(line) else line for line in lines]
    said = "\n".join([f"{head.rstrip()}, {because}", *lines])
    stand = f"unresolved({key})" if it["option"] == "open" else f"default({key}, {it['option']})"
    new = f"{stand}.{note}"
    line = rf"^(?:default|unresolved)\(\s*{key}\s*(?:,\s*\w+\s*)?\)\.([^\S\n]*note\(.*\)\.)?[^\S\n]*$"
    return re.sub(line, lambda it: new if note else new + (it[1] or ""), said, count=1, flags=re.MULTILINE)
