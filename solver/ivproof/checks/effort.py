"""How much a law takes: it is applied once to nothing and once to a made-up visit, by the second engine, which counts.

That a law ends (see `endless`) says nothing of when. A condition that multiplies everything by everything, a number
that is counted up to a thousand million, or a choice among so many things that their combinations cannot be gone
through, show here, before the solver or a chart of anybody's is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from ivproof import recheck
from ivproof.chart.facts import facts_of
from ivproof.chart.reading import Source, parse
from ivproof.drugs.listing import DrugList
from ivproof.engine.second import SecondEngine
from ivproof.law.policy import Policy
from ivproof.recheck.budget import Budget, LimitError

WORK = 20_000_000
"""What the made-up visit may take, in atoms that are looked at; the law of this package takes a seventieth of it."""

WAYS = 1_000
"""In so many ways its choices may be settled."""

GIVEN = 12
"""So many administrations the made-up visit has."""

_DRUGS = ("ondansetron", "paclitaxel", "normal saline", "vancomycin")
_CLASSES = ("therapeutic", "chemotherapy", "hydration", "therapeutic")


def excessive(policy: Policy) -> Iterator[str]:
    """Say what a law takes too much of, if anything. The law is stratified and safe. Raises LawError."""
    visit = parse(_visit(), Source("made up")).encounter
    assert visit is not None
    facts = facts_of(visit, DrugList({}, {}, {}), frozenset(policy.payers))
    held = {key: option or policy.questions[key].options[0].name for key, option in policy.settings().items()}
    engine = SecondEngine(policy, held)
    asked: dict[str, list[recheck.Atom]] = {
        "no chart": [],
        f"a made-up visit of {GIVEN} administrations": engine.question(facts),
    }
    for what, question in asked.items():
        work = Budget(WORK)
        try:
            for number, _ in enumerate(engine.program.answers(question, work=work), 1):
                if number > WAYS:
                    yield f"more than {WAYS} ways to settle the choices of {what}, expected fewer"
                    return
        except (LimitError, recheck.LawError) as error:
            yield f"a law that cannot be gone through for {what}: {error}; expected at most {WORK} atoms to look at"
            return


def _visit() -> dict[str, object]:
    """A visit at two sites, in which every infusion overlaps the next."""
    given = [
        {
            "id": f"a{n}",
            "drug": _DRUGS[n % 4],
            "class": _CLASSES[n % 4],
            "route": "IV",
            "site": f"site {n % 2}",
            "start": f"{8 + n // 2:02}:{30 * (n % 2):02}",
            "stop": f"{9 + n // 2:02}:{15 + 30 * (n % 2):02}",
        }
        for n in range(GIVEN)
    ]
    return {
        "id": "made up",
        "place_of_service": "22",
        "date": "2020-10-05",
        "access_sites": [{"id": "site 0"}, {"id": "site 1"}],
        "administrations": given,
    }
