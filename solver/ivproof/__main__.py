"""``python -m ivproof``: the command line, where its script is not on the path."""

from ivproof.cli import app

app(prog_name="ivproof")
