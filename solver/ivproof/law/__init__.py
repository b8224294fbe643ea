"""A policy and its law: read, rewritten, kept ready; with the sources that it cites."""
