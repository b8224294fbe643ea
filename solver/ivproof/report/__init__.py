"""The report of a visit as data."""
