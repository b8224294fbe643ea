"""``ivproof policy test``: worked cases against a law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import (
    INTERRUPTED,
    REFUSED,
    PolicyOption,
    TableOrJson,
    TableOrJsonOption,
    UncheckedOption,
    emit_json,
    load_policy,
    say,
    show,
    telling_policy_errors,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ivproof.cases import Case, Judged, Settled
    from ivproof.law.policy import Policy


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
    unchecked: UncheckedOption = False,
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Judge worked cases: does what they expect follow from the law?

    Exit status: 0 when everything is as expected, 1 when a case departs from it or was refused, or when there was none,
    2 when the command line is wrong, 130 when it was interrupted.
    """
    law = load_policy(policy)
    try:
        with telling_policy_errors():
            cases, refused = read_worked(files, law)
            found = _judged(law, cases)
    except KeyboardInterrupt:
        say("ivproof: interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    departed = [it for it in found if it.departures]
    if form is TableOrJson.JSON:
        about = law.about
        counts = {"cases": len(found), "departed": len(departed), "refused": refused}
        emit_json({"policy": about, **counts, "departures": [it.as_dict() for it in departed]})
    else:
        _show(departed)
        show(_counted(len(found), len(departed), refused))
    raise typer.Exit(0 if found and not (refused or departed) else REFUSED)


def read_worked(files: Sequence[str], law: Policy) -> tuple[list[Case | Settled], int]:
    """Give the cases that can be judged, and how many cannot, which are told."""
    from ivproof.cases import Case, Settled, read_cases
    from ivproof.law.policy import PolicyError

    cases: list[Case | Settled] = []
    refused = 0
    for case in read_cases(files):
        if isinstance(case, Settled):
            cases.append(case)
            continue
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


def _judged(law: Policy, cases: Sequence[Case | Settled]) -> list[Judged]:
    """What came of the cases, in their order."""
    from ivproof.cases import judge
    from ivproof.claim.coding import Coder
    from ivproof.commands.progress import Counter

    place = {id(case): n for n, case in enumerate(cases)}
    found = []
    with Counter(hidden=False) as counter:
        for judged in judge(Coder(law), cases):
            found.append(judged)
            counter.advance()
    return sorted(found, key=lambda it: place[id(it.case)])


def _show(found: Sequence[Judged]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from ivproof.formats.plain import plain

    for it in found:
        show(Text.assemble((plain(it.case.name), "bold"), f"  {plain(it.case.where)}"))
        show(*(Padding(Text(plain(text)), (0, 0, 0, 2)) for text in it.departures))


def _counted(judged: int, departed: int, refused: int) -> str:
    """What came of all: never that all are as expected where nothing was judged."""
    if not judged:
        return f"{refused} {'case' if refused == 1 else 'cases'} refused, 0 judged" if refused else "0 cases judged"
    cases = f"{judged} {'case' if judged == 1 else 'cases'}"
    right = f"{judged - departed if departed else 'all'} as expected"
    wrong = [f"{departed} not"] if departed else []
    return f"{cases}: {', '.join([right, *wrong])}{f'; {refused} refused' if refused else ''}"
