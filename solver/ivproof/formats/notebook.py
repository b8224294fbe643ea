"""What a notebook shows of an answer: plain HTML without script or style, safe in a notebook that is not trusted.

>>> print(shown("A: determined", ("Code", "Units"), [("96365", 1)], {"Not on the claim": ["saline-1: <flush>"]}))
<p>A: determined</p>
<table><tr><th>Code</th><th>Units</th></tr>
<tr><td>96365</td><td>1</td></tr></table>
<details><summary>Not on the claim (1)</summary><ul><li>saline-1: &lt;flush&gt;</li></ul></details>
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ivproof.formats.plain import plain


def shown(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], details: Mapping[str, Sequence[str]]
) -> str:
    """Give a caption, a table, and lists to be unfolded; without rows no table, and of the lists those with lines."""
    cells = "\n".join(f"<tr>{''.join(f'<td>{_text(it)}</td>' for it in row)}</tr>" for row in rows)
    head = "".join(f"<th>{_text(it)}</th>" for it in columns)
    table = [f"<table><tr>{head}</tr>\n{cells}</table>"] if cells else []
    folded = [
        f"<details><summary>{_text(name)} ({len(lines)})</summary>"
        f"<ul>{''.join(f'<li>{_text(it)}</li>' for it in lines)}</ul></details>"
        for name, lines in details.items()
        if lines
    ]
    return "\n".join([f"<p>{_text(caption)}</p>", *table, *folded])


def _text(value: object) -> str:
    return escape(plain(", ".join(map(str, value)) if isinstance(value, tuple) else str(value)))
