"""Reads charts from files: where they stand, what is refused, and the clock."""
