"""What worked cases hold a law to: its mutants, which of them some cases notice, and suites that notice all."""
