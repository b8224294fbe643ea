"""Text of a chart as it may be shown: see `ivproof.formats.plain`."""

from ivproof.formats.plain import plain

__all__ = ["plain"]
