"""The order in which a chart lists its sites, administrations, services and billed lines decides no claim."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from command import chart, given_iv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy

DRUGS = ("ceftriaxone", "vancomycin", "ondansetron", "paclitaxel", "normal saline", "lactated ringers")
NEEDS = (None, "protocol")


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder(Policy.load("out001"))


@st.composite
def visits(draw: st.DrawFn) -> dict[str, Any]:
    """A small visit at up to three sites; some sites and times are not documented."""
    sites: list[dict[str, Any]] = [
        {"id": name, "necessity": draw(st.sampled_from(NEEDS))} for name in draw(st.sampled_from(("A", "AB", "ABC")))
    ]
    entries = []
    for n in range(draw(st.integers(1, 4))):
        hour, length = draw(st.integers(8, 11)), draw(st.sampled_from((None, 5, 20, 45)))
        it = given_iv(
            f"x{n}", draw(st.sampled_from(DRUGS)), f"{hour:02}:00", None if length is None else f"{hour:02}:{length:02}"
        )
        entries.append({**it, "site": draw(st.sampled_from((None, *(site["id"] for site in sites))))})
    return {**chart("V", *entries, services=[{"kind": "iv_start"}, {"kind": "flush"}]), "access_sites": sites}


def claims(coder: Coder, visit: dict[str, Any]) -> tuple[str, list[Counter[tuple[str, tuple[str, ...]]]]]:
    """The status of a visit and every claim that it can lead to, by code and modifiers."""
    encounter = parse(visit, Source("visit.json")).encounter
    assert encounter is not None
    [found] = coder.code([encounter], changes=False)
    told = []
    for lines in [it.lines for it in found.alternatives] or [found.claim]:
        units: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for line in lines:
            units[line.code, tuple(line.modifiers)] += line.units
        told.append(units)
    return found.status, sorted(told, key=lambda it: sorted(it.items()))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits(), st.randoms(use_true_random=False))
def test_listing_order_decides_nothing(coder: Coder, visit: dict[str, Any], random: Any) -> None:
    other = {**visit}
    for key in ("access_sites", "administrations", "services"):
        other[key] = random.sample(visit[key], len(visit[key]))
    assert claims(coder, visit) == claims(coder, other)
