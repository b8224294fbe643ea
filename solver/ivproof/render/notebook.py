"""A visit in a notebook: timeline, claim and proofs, as the page of ``ivproof report`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from ivproof.chart.encounter import Encounter
from ivproof.law.policy import Policy
from ivproof.render.html import page
from ivproof.report.page import report
from ivproof.why.why import Explainer


@dataclass(frozen=True)
class Shown:
    """A page that a notebook shows in a frame of its own; `html` is the page itself."""

    html: str

    def _repr_html_(self) -> str:
        """Give what a notebook shows: nothing in the frame reaches the notebook."""
        return (
            f'<iframe sandbox="allow-scripts" srcdoc="{escape(self.html)}" title="A visit" '
            'style="width: 100%; height: 60em; border: 1px solid #ccc"></iframe>'
        )


def show(encounter: Encounter, policy: str | Policy = "out001", readings: Mapping[str, str] | None = None) -> Shown:
    """Show a visit by a policy and a setting of its questions; least changes of the chart are not looked for.

    Raises PolicyError for a policy, a question or an option that there is not.
    """
    law = policy if isinstance(policy, Policy) else Policy.load(policy)
    return Shown(page(report(Explainer(law, readings), encounter, least_change=False)))
