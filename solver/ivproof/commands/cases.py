"""``ivproof policy test``: worked cases against a law."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import (
    INTERRUPTED,
    REFUSED,
    PolicyOption,
    emit_json,
    load_policy,
    say,
    show,
    telling_policy_errors,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ivproof.cases import Case, Judged
    from ivproof.policy import Policy


class Format(StrEnum):
    """How the outcome is written."""

    TABLE = "table"
    JSON = "json"


def test(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Worked cases: a chart each, the readings to set, and what is to follow (YAML or JSON), folders of "
            "them, or - for standard input.",
            show_default=False,
        ),
    ],
    policy: PolicyOption = "out001",
    form: Annotated[Format, typer.Option("--format", help="table: for people. json: one object.")] = Format.TABLE,
) -> None:
    """Judge worked cases: does what they expect follow from the law?

    Exit status: 0 when everything is as expected, 1 when a case departs from it or was refused, 2 when the command
    line is wrong, 130 when it was interrupted.
    """
    law = load_policy(policy)
    try:
        with telling_policy_errors():
            cases, refused = _read(files, law)
            found = _judged(law, cases)
    except KeyboardInterrupt:
        say("ivproof: interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    departed = [it for it in found if it.departures]
    if form is Format.JSON:
        about = {"id": law.id, "edition": law.edition, "digest": law.digest}
        counts = {"cases": len(found), "departed": len(departed), "refused": refused}
        emit_json({"policy": about, **counts, "departures": [it.as_dict() for it in departed]})
    else:
        _show(found, departed)
    raise typer.Exit(REFUSED if refused or departed else 0)


def _read(files: Sequence[str], law: Policy) -> tuple[list[Case], int]:
    """The cases that can be judged, and how many cannot."""
    from ivproof.cases import Case, read_cases
    from ivproof.policy import PolicyError

    cases: list[Case] = []
    refused = 0
    for case in read_cases(files):
        if isinstance(case, Case):
            try:
                case.setting(law)
            except PolicyError as error:
                reasons = [f"{case.where}: {case.name}: readings: {error}"]
            else:
                cases.append(case)
                continue
        else:
            reasons = list(map(str, case))
        refused += 1
        for reason in reasons:
            say(reason)
    return cases, refused


def _judged(law: Policy, cases: Sequence[Case]) -> list[Judged]:
    """What came of the cases, in their order."""
    from ivproof.cases import judge
    from ivproof.coding import Coder
    from ivproof.commands.progress import Counter

    place = {id(case): n for n, case in enumerate(cases)}
    found = []
    with Counter(hidden=False) as counter:
        for judged in judge(Coder(law), cases):
            found.append(judged)
            counter.advance()
    return sorted(found, key=lambda it: place[id(it.case)])


def _show(found: Sequence[Judged], departed: Sequence[Judged]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from ivproof.render.plain import plain

    for it in departed:
        show(Text.assemble((plain(it.case.name), "bold"), f"  {plain(it.case.where)}"))
        show(*(Padding(Text(plain(text)), (0, 0, 0, 2)) for text in it.departures))
    cases = f"{len(found)} {'case' if len(found) == 1 else 'cases'}"
    right = len(found) - len(departed)
    show(f"{cases}: {'all' if not departed else right} as expected{f', {len(departed)} not' if departed else ''}")
