"""The service: questions about charts over HTTP on this machine, and the page of a coder that stands on it."""
