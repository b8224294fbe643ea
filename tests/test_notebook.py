"""A visit in a notebook: the page of its report in a frame, from which nothing reaches the notebook."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import Any

from command import chart, given_iv

import ivproof


class Tags(HTMLParser):
    """The tags of a text, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_visit_is_shown_in_a_frame_with_its_timeline_and_claim() -> None:
    hostile = '"></iframe><script>alert(1)</script>'
    visit = chart("E", given_iv("drug", "ceftriaxone", "09:00", "10:20", method="infusion"), note=hostile)
    encounter = ivproof.parse(visit, ivproof.Source("visit")).encounter
    assert encounter is not None
    shown = ivproof.show(encounter)
    tags = Tags()
    tags.feed(shown._repr_html_())
    [(tag, attributes)] = tags.found
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["srcdoc"] == shown.html
    assert unescape(shown.html).count("alert(1)") == shown.html.count("alert(1)")
    assert "<script>alert" not in shown.html
    assert "96365" in shown.html and 'data-key="a1"' in shown.html
