"""Charts and answers in the forms of others: without identifiers, as FHIR."""
