"""Where in a TOML file something stands: its parser gives values without their lines."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Give the line on which the statement begins that brings what is at a path; None where none does.

    Nor is it given for a text of many lines: each is read again with all above it.

    >>> line_of('policy = "cms"\\n\\n[readings]\\nA9 = [\\n  1,\\n]', ["readings", "A9"])
    4
    """
    lines = text.splitlines(keepends=True)
    if len(lines) > MANY:
        return None
    begins = 1
    for n in range(1, len(lines) + 1):
        try:
            so_far = tomllib.loads("".join(lines[:n]))
        except tomllib.TOMLDecodeError:  # within a value of several lines
            continue
        if _has(so_far, path):
            return begins
        begins = n + 1
        while begins <= len(lines) and lines[begins - 1].strip()[:1] in {"", "#"}:
            begins += 1
    return None


MANY = 2000
"""No settings of a house have so many lines."""


def _has(data: Any, path: Sequence[str | int]) -> bool:
    for step in path:
        if isinstance(data, Mapping) and step in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return False
    return True
