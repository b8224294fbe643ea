"""A verdict in lines of text, for a terminal and for a page alike."""

from __future__ import annotations

from .checker import Expected, Verdict, check, installed, named_policy, read_law
from .document import RejectionError, read


def told(verdict: Verdict) -> list[str]:
    """Say a verdict: accepted, and exactly what of; or why not."""
    it = verdict.proved
    if it is None:
        return [str(verdict)]
    claims = [", ".join(map(str, claim)) or "nothing" for claim in it.claims]
    return [
        "accepted",
        f"encounter: {it.encounter}",
        f"chart: {it.chart}",
        f"policy: {it.policy}, edition {it.edition}, law {it.law}",
        f"status: {it.status}" + "".join(f", {name.replace('_', ' ')}" for name in it.undetermined),
        *(f"claim{f' {n} of {len(claims)}' if len(claims) > 1 else ''}: {one}" for n, one in enumerate(claims, 1)),
        *(f"reading set: {own.question.upper()}={own.option}, not {own.default or 'open'}" for own in it.readings),
        *([f"held open: {', '.join(map(str.upper, it.open))}"] if it.open else []),
        *(f"on trust: {one}" for one in verdict.trusted),
    ]


def verdict_on(proof: bytes, chart: bytes | None = None, *, embedded: bool = False) -> tuple[str, str]:
    """Check a proof, against a chart in JSON where there is one, by the installed law or by the proof's own.

    Returns the word of the verdict and what is told of it. Nothing is raised.
    """
    try:
        about = None if chart is None else read(chart)
    except RejectionError as error:
        return "rejected", f"the chart cannot be read as JSON: {error}"
    law = None
    if not embedded:
        name = named_policy(proof)
        try:
            law = read_law(installed(name)) if name else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "undecided", f"no law of the name {name!r} is carried here to check against"
    found = check(proof, law, None, Expected(about))
    return found.verdict, "\n".join(told(found))
