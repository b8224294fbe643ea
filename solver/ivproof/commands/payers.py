"""``ivproof code CHART --payer-compare A B``: one chart under the profiles of two payers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ivproof.commands.common import emit_json, show, table, telling_policy_errors, wrong
from ivproof.commands.one import pick_of, telling_engine_errors

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ivproof.claim.determination import Determination
    from ivproof.claim.profiles import Profiles
    from ivproof.law.policy import Policy
    from ivproof.whatif.payers import Parted


def compare_payers(files: Sequence[str], profiles: Profiles, payers: tuple[str, str], *, as_json: bool) -> None:
    """Show a chart under two payers; end the command where there is no such profile, or not one chart."""
    from ivproof.claim.profiles import SettingsError
    from ivproof.whatif.payers import parted

    try:
        first, second = (profiles.named(it) for it in payers)
    except SettingsError as error:
        wrong(f"--payer-compare: {error}")
    encounter, _ = pick_of(files, None)
    with telling_policy_errors(), telling_engine_errors(encounter, first.policy.settings(first.readings)):
        found = parted(encounter, payers, (first, second))
    if as_json:
        emit_json(found.as_dict())
    else:
        show(*_words(found, first.policy))


def _words(found: Parted, policy: Policy) -> Iterator[RenderableType]:
    from rich.text import Text

    from ivproof.render.printing import heading, indented, visible
    from ivproof.report.page import label_of

    one, other = found.payers
    yield Text.assemble((found.encounter, "bold"), f"  {policy.told}")
    for payer, it in zip(found.payers, found.found, strict=True):
        yield visible(f"{payer}: {it.status}")
    claims = table("Code", "What", one, other)
    for line, units in found.lines.items():
        shown = [Text(str(it) if it else "–", "bold" if units[0] != units[1] else "") for it in units]
        claims.add_row(visible(line), visible(label_of(policy, line.partition("-")[0])), *shown)
    yield ""
    yield claims
    yield heading("Where they part")
    yield from (indented(visible(it)) for it in _parting(found))
    both, *alone = found.edits()
    named = [(payer, own) for payer, own in zip(found.payers, alone, strict=True) if own]
    yield heading("Claim edits, apart from the policy")
    for payer, own in named:
        yield from (indented(visible(f"{payer} alone: {it.message}")) for it in own)
    yield from (indented(visible(f"both: {it.message}")) for it in both)
    if not (named or both):
        yield indented("Neither claim meets one.")
    yield heading("Settings")
    remarks = [it for found_ in found.found for it in found_.notes if it.startswith("Settings of ")]
    yield from (indented(visible(it)) for it in dict.fromkeys(remarks))


def _parting(found: Parted) -> Iterator[str]:
    from ivproof.engine.claims import Units, in_words
    from ivproof.why.why import units_by_code

    def claim(it: Determination) -> str:
        return in_words(Units(units_by_code(it.claim))) if it.status == "determined" else f"{it.status}"

    one, other = found.payers
    if found.same:
        yield "Both claims are the same."
    for it in found.causes:
        yield f"{it.number} {it.name}: {one} reads {it.options[0]}, {other} {it.options[1]}."
        if it.changes:
            yield f"  By that alone the claim of {one} would be {claim(it.alone)}."
        else:
            yield "  By itself it changes nothing; it does together with the others."
    if found.by_payer:
        yield f"The policy itself says something else of {one} or {other}."
    if found.idle:
        yield f"Read otherwise, too, and not needed for it: {', '.join(found.idle)}."
