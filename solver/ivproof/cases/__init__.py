"""Worked cases: charts with what has to follow from them, by which a change of a policy is tested."""

from ivproof.cases.files import Case, Settled, read_cases
from ivproof.cases.judging import departures
from ivproof.cases.running import Judged, judge

__all__ = ["Case", "Judged", "Settled", "departures", "judge", "read_cases"]
