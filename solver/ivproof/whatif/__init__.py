"""What would be otherwise: by a missing fact, a minute, another reading, or the least change that gives a code."""
