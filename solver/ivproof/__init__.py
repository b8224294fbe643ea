"""Codes infusion visits from the chart by the written policy, and proves every code and every absence."""
