"""Words of a record and what a mapping says that they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_DIAGNOSIS = re.compile(r"([A-Z][0-9][0-9A-Z])\.?([0-9A-Z]{1,4})?")


class Words:
    """Finds words in a text, the longest first and as whole words, whatever their case.

    >>> Words({"IV": ["iv", "IV Push"], "IM": ["im"]}).of("01-Drips; Additive; IV push")
    ['IV']
    """

    def __init__(self, meanings: Mapping[Any, Sequence[str]]) -> None:
        """Take the words by what they mean."""
        pairs = sorted(((word, meaning) for meaning, words in meanings.items() for word in words), key=_longest)
        self._meanings = {word.casefold(): meaning for word, meaning in pairs}
        self._pattern = re.compile("|".join(_whole(word) for word, _ in pairs) or r"(?!)", re.IGNORECASE)

    def of(self, text: str) -> list[str]:
        """Give what the words in a text mean, each once."""
        return list(dict.fromkeys(self._meanings[it.casefold()] for it in self._pattern.findall(text)))


def _longest(pair: tuple[str, str]) -> tuple[int, str]:
    return -len(pair[0]), pair[0]


def _whole(word: str) -> str:
    before, after = (r"(?<!\w)" if word[:1].isalnum() else ""), (r"(?!\w)" if word[-1:].isalnum() else "")
    return before + re.escape(word) + after


@dataclass
class Voices:
    """What several places of a record say of one thing; they have to agree."""

    heard: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    meant: dict[str, None] = field(default_factory=dict)

    def hear(self, place: str, text: str, meanings: Sequence[str]) -> None:
        """Take what a place says, and what that means; nothing where the words are not known."""
        if text:
            self.heard.setdefault(f"{place} {text}", (text, tuple(meanings)))
        self.meant.update(dict.fromkeys(meanings))

    @property
    def says(self) -> str | None:
        """What they agree on; None where they do not, or say nothing."""
        return next(iter(self.meant)) if len(self.meant) == 1 else None

    @property
    def differ(self) -> bool:
        """Whether they say different things."""
        return len(self.meant) > 1

    @property
    def told(self) -> str:
        """What each said."""
        return ", ".join(self.heard)


def split_codes(text: str) -> list[str]:
    """Split a field that lists codes.

    >>> split_codes("E86.0; A41.9")
    ['E86.0', 'A41.9']
    """
    return [it for it in re.split(r"[;,|\s]+", text) if it]


def diagnosis(text: str) -> str | None:
    """Give an ICD-10-CM code as a chart writes it, in capitals and with its dot; None where it has not that form.

    >>> diagnosis("e860"), diagnosis("E86.0"), diagnosis("250.00")
    ('E86.0', 'E86.0', None)
    """
    parts = _DIAGNOSIS.fullmatch(text.strip().upper())
    return None if parts is None else parts[1] + (f".{parts[2]}" if parts[2] else "")
