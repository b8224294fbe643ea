"""Reports and packets as one page each that stands alone: no request to anywhere, nothing from a chart is markup.

In: a report or a packet. Out: the text of the page, the same for the same input.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from ivproof.audit.estimate import share
from ivproof.formats.plain import plain
from ivproof.law.policy import Policy
from ivproof.packet.blocks import Document
from ivproof.render.audit import KINDS as LINES
from ivproof.render.audit import VERDICTS, dollars_told, interval_told
from ivproof.report.legend import BARS, KINDS, SEVERITIES, SOURCES
from ivproof.report.page import Report
from ivproof.report.timeline import Lane, TimelineRow


def page(report: Report) -> str:
    """Give the page of a report."""
    style, script = file("report.css"), file("visit.js") + file("report.js")
    return template("report.html.j2").render(
        report=report,
        style=Markup(style),  # a file of this package, with nothing of a chart in it
        script=Markup(script),
        style_hash=hashed(style),
        script_hash=hashed(script),
        **shown_of(report),
    )


def visit(report: Report) -> Markup:
    """Give what is shown of a visit below its header, as a part of another page."""
    return Markup(template("visit.html.j2").render(report=report, **shown_of(report)))


def shown_of(report: Report) -> Mapping[str, object]:
    """Give the words with which a visit is shown, and the signs that its timeline has."""
    return {
        "kinds": KINDS,
        "severities": SEVERITIES,
        "sources": SOURCES,
        "legend": legend_of([row for lane in lanes_of(report) for row in lane.rows]),
    }


def lanes_of(report: Report) -> Sequence[Lane]:
    """Give the lanes of the timeline of a report, if it has one."""
    return report.timeline.lanes if report.timeline else ()


def legend_of(rows: Sequence[TimelineRow]) -> list[tuple[str, str]]:
    """Give the signs that the rows of timelines have, with what they mean."""
    drawn = {bar.kind for row in rows for bar in row.bars}
    if any(row.marks for row in rows):
        drawn.add("push")
    if any(row.limits for row in rows):
        drawn.add("reached")
    return [(kind, text) for kind, text in BARS.items() if kind in drawn]


def packet_page(paper: Document) -> str:
    """Give the page of a packet."""
    style = file("packet.css")
    return template("packet.html.j2").render(
        paper=paper,
        style=Markup(style),  # a file of this package, with nothing of a chart in it
        style_hash=hashed(style),
        bars=BARS,
    )


def audit_page(summary: Mapping[str, Any], policy: Policy) -> str:
    """Give the page of an audit of many claims, from its summary as plain data (`audit.summary.Summary.as_dict`)."""
    style = file("packet.css")
    by_error = {kind: it["lines"] for kind, it in summary["errors"].items()}
    return template("audit.html.j2").render(
        it=summary,
        policy=policy,
        verdicts={verdict.value: words for verdict, (_, words) in VERDICTS.items()},
        kinds={kind.value: words for kind, (_, words) in LINES.items()},
        told=[interval_told(summary["interval"])] if summary["interval"] else [],
        money=list(dollars_told(summary)),
        by_error=by_error,
        intervals={code: share(one["right"], one["lines"]) for code, one in summary["codes"].items()},
        style=Markup(style),
        style_hash=hashed(style),
    )


def _shown(value: object) -> object:
    """Make every character from a chart visible; the page's own markup stays as it is."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3f}%"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ivproof", "render/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["percent"] = _percent
    return environment


def template(name: str) -> Template:
    """Give a template of this package; what it puts in is escaped, and every character of it is visible."""
    return _environment().get_template(name)


@cache
def file(name: str) -> str:
    """Give the text of a file that goes with the templates."""
    return files("ivproof.render").joinpath("templates", name).read_text("utf-8")


def hashed(text: str) -> str:
    """Give the name by which the page's content security policy allows a text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
