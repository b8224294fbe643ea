"""Text of a chart as it may be shown: every character in it visible, none of them obeyed."""

from __future__ import annotations


def plain(text: str) -> str:
    r"""Write out what cannot be printed: control characters, marks that turn text around, half characters.

    >>> print(plain("left \x1b[31marm\n"))
    left \x1b[31marm\n
    """
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)
