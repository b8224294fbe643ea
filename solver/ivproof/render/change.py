"""A change of the law as one page that stands alone, for those who decide on it."""

from __future__ import annotations

from markupsafe import Markup

from ivproof.comparison.law import REWORDED
from ivproof.comparison.prices import CAUTIONS
from ivproof.lab.change import Change
from ivproof.render.html import file, hashed, lanes_of, legend_of, template
from ivproof.render.lab import BESIDE_VERDICTS, VERDICTS, bound_words, chart_line, dollars


def change_page(change: Change) -> str:
    """Give the page of a change of the law. Raises as `Change.drawn` does."""
    style = file("report.css") + file("change.css")
    drawn = list(change.drawn())
    rows = [row for it in drawn for side in (it.old, it.new) for lane in lanes_of(side) for row in lane.rows]
    over_all = change.over_all
    return template("change.html.j2").render(
        it=change,
        rules=[(rule, says) for rule, says in change.rules if rule.kind != REWORDED],
        reworded=[rule for rule, _ in change.rules if rule.kind == REWORDED],
        drawn=drawn,
        others=[] if over_all is None else [it for it in over_all.families if it.shown is None],
        verdict="" if over_all is None else VERDICTS[over_all.verdict],
        bound=[] if over_all is None else list(bound_words(over_all)),
        beside_verdicts=BESIDE_VERDICTS,
        legend=legend_of(rows),
        chart_line=chart_line,
        dollars=dollars,
        cautions=CAUTIONS,
        style=Markup(style),  # a file of this package, with nothing of a chart in it
        style_hash=hashed(style),
    )
