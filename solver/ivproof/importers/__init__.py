"""Records as they are exported, made into charts: lists of administration events, and FHIR resources.

An importer accounts for every row of its input: it is used, voided or left out with a reason, and the three add up.
Nothing is invented and a contradiction is reported, never picked. What a chart then leads to is for the policy.
"""
