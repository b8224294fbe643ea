"""Words and pictures for what the solver found. Nothing here decides anything."""
