"""All minutes at once: which claims a chart leads to when one of its times moves, over every whole minute.

The law is applied with the moved time as a number that knows how it changes (`affine`). Each comparison on the way
tells for how many minutes it would have come out the same, so that one application answers a whole range of minutes,
and the next one begins where that range ends (`ranges`). Nothing is sampled.
"""
