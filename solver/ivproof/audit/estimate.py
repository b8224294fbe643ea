"""What some audited claims say of all from which they were drawn: shares and amounts with their intervals.

A share has Wilson's score interval (Wilson 1927, JASA 22, 209-212). An amount is the mean of the claims times their
number (mean per unit), with the normal interval and the correction for a finite population (Cochran, Sampling
Techniques, ch. 2). Both hold of claims that were drawn at random, each with the same chance; of others nothing is said.

>>> [round(it, 4) for it in share(8, 10)]
[0.4902, 0.9433]
>>> whole([10.0] * 30, 300).total, whole([10.0] * 5, 50).low
(3000.0, None)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev

LEVEL = 0.95
"""Intervals hold the true value with this probability."""

LOWER = 0.90
"""The lower limit that recovers are reckoned from: one-sided, as CMS does (Program Integrity Manual, ch. 8)."""

ENOUGH = 30
"""Of fewer claims than this no interval of an amount is given: the normal curve is no guide there."""

_Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


def share(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval for a share of `count` among `of`, at the level of `LEVEL`; from 0 to 1 where `of` is 0."""
    if not of:
        return 0.0, 1.0
    seen, square = count / of, _Z * _Z / of
    middle = (seen + square / 2) / (1 + square)
    half = _Z * sqrt(seen * (1 - seen) / of + square / (4 * of)) / (1 + square)
    return 0.0 if not count else middle - half, 1.0 if count == of else middle + half


@dataclass(frozen=True, slots=True)
class Total:
    """An amount of a whole population in dollars, with its interval and the one-sided lower limit; None: too few."""

    total: float
    low: float | None
    high: float | None
    limit: float | None


def whole(amounts: Sequence[float], population: int) -> Total:
    """Estimate the sum of an amount over a population from those of claims drawn from it at random."""
    mean, n = fmean(amounts), len(amounts)
    if n < ENOUGH:
        return Total(round(mean * population, 2), None, None, None)
    error = population * stdev(amounts) / sqrt(n) * sqrt(max(0, population - n) / max(1, population - 1))
    total = mean * population
    limit = total - NormalDist().inv_cdf(LOWER) * error
    return Total(round(total, 2), round(total - _Z * error, 2), round(total + _Z * error, 2), round(limit, 2))
