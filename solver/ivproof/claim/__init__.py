"""The claim: its lines, what is said of it beside them, and the coder that makes it of a chart."""
