"""Forms in which anything is given out: JSON Schema, and text that a spreadsheet does not run."""
