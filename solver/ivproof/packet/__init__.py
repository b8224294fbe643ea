"""The packet of a claim: an audit as something that can be sent, with every argument, its rules and how to check it."""
