"""Why a claim line stands and why a code does not: the record of applied rules, and what is told of it."""
