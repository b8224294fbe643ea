"""Every claim of a chart, over all that is left open: questions, facts that the chart does not give, equals."""
