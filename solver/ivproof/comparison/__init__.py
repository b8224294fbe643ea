"""What a change of the law does: which rules are different, over which charts that gives another claim, and why."""

from ivproof.comparison.charts import Compared, Comparing
from ivproof.comparison.law import RuleChange, law_changes
from ivproof.comparison.report import Comparison

__all__ = ["Compared", "Comparing", "Comparison", "RuleChange", "law_changes"]
