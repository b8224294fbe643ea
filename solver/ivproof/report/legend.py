"""What things are called in a report, on a page and on paper."""

from __future__ import annotations

KINDS = {
    "fact": "chart",
    "list": "drug list",
    "table": "policy",
    "measure": "compared",
    "counted": "compared",
    "not": "not so",
    "reading": "reading",
    "choice": "choice",
    "also": "also",
    "see": "see",
    "step": "step",
    "against": "against it",
    "lacking": "lacking",
    "needed": "needed",
}
"""What the lines of a proof are called."""

SEVERITIES = {
    "fails": "will be denied",
    "appealable": "will be denied, can be appealed",
    "needs_modifier": "will be denied unless a modifier applies",
    "passes": "passes with its modifier",
    "payer_decides": "the payer decides",
}
"""What the severities of claim edits mean."""

BARS = {
    "infusion": "infusion",
    "hydration": "hydration that counts",
    "push": "push, injection or single dose",
    "shared": "time shared with another infusion, for which it counts",
    "beside": "hydration that does not count",
    "pause": "stood still",
    "open": "no stop documented",
    "other": "given, not reported by its time",
    "reached": "long enough from here, or a further hour",
}
"""The legend of the timeline."""

SOURCES = {"default": "default", "set": "as set", "tried": "left open"}
"""Where an option that is held comes from."""
