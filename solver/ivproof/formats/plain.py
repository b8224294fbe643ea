"""Text of a chart as it may be shown: every character in it visible, none of them obeyed."""

from __future__ import annotations

import re

_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def plain(text: str) -> str:
    r"""Write out what cannot be printed: control characters, marks that turn text around, half characters.

    >>> print(plain("left \x1b[31marm\n"))
    left \x1b[31marm\n
    """
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)


def json_text(text: str) -> str:
    r"""Write JSON with what a terminal obeys, and what divides lines, as \uXXXX: it is the same data.

    >>> print(json_text('"left \u202earm\u2028"'))
    "left \u202earm\u2028"
    """
    return text if text.isascii() else _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
