"""The first engine: clingo derives what follows from a chart, whatever the questions and choices left open come to."""
