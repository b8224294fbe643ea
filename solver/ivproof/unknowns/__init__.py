"""A chart with unknowns: what it could say instead, and the claims that follow, over every whole minute.

The law is applied with a time that moves as a number that knows how it changes (`affine`). Each comparison on the way
tells for how many minutes it would have come out the same, so that one application answers a whole range of minutes,
and the next one begins where that range ends (`ranges`). What a chart does not say has values to try (`gaps`).
"""
