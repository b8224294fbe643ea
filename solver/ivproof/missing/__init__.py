"""What a chart does not say: the claims that each possible value leads to, and the fewest facts to ask for."""

from ivproof.missing.report import Missing, MissingReport, Outcome, missing_facts

__all__ = ["Missing", "MissingReport", "Outcome", "missing_facts"]
