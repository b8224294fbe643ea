"""What hangs by a minute: how far each documented time can move before the claim is another one."""

from ivproof.margins.report import Margin, MarginReport, SettledMargins, margins_of

__all__ = ["Margin", "MarginReport", "SettledMargins", "margins_of"]
