"""Audit: the billed claim against the chart, line by line, with what would make it right."""
