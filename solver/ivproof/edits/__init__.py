"""Claim edits, a second verdict that is never mixed with the first."""
