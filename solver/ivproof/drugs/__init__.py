"""The drug list: which drug is meant, and its class and codes on a date of service."""
