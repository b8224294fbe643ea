"""Reads the text of a law, rewrites it and examines it."""
