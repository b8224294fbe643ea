"""Why atoms hold and others do not, from the record of applied rules."""
