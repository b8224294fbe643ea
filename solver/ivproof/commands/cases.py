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

    from ivproof.cases import Case, Judged, Settled
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

    Exit status: 0 when everything is as expected, 1 when a case departs from it, was refused or holds what is not
    supported, or when there was none, 2 when the command line is wrong, 130 when it was interrupted.
    """
    law = load_policy(policy)
    try:
        with telling_policy_errors():
            cases, refused = _read(files, law)
            found = _judged(law, cases)
    except KeyboardInterrupt:
        say("ivproof: interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    judged = [it for it in found if it.supported]
    departed = [it for it in judged if it.departures]
    others = [it for it in found if not it.supported]
    if form is Format.JSON:
        about = {"id": law.id, "edition": law.edition, "digest": law.digest}
        counts = {"cases": len(judged), "departed": len(departed), "refused": refused, "not_supported": len(others)}
        listed = {"departures": departed, "unsupported": others}
        emit_json({"policy": about, **counts, **{key: [it.as_dict() for it in them] for key, them in listed.items()}})
    else:
        _show(departed)
        _show(others)
        show(_counted(len(judged), len(departed), refused, len(others)))
    raise typer.Exit(0 if judged and not (refused or departed or others) else REFUSED)


def _read(files: Sequence[str], law: Policy) -> tuple[list[Case | Settled], int]:
    """The cases that can be judged, and how many cannot."""
    from ivproof.cases import Case, Settled, read_cases
    from ivproof.policy import PolicyError

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
    from ivproof.coding import Coder
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

    from ivproof.render.plain import plain

    for it in found:
        show(Text.assemble((plain(it.case.name), "bold"), f"  {plain(it.case.where)}"))
        show(*(Padding(Text(plain(text)), (0, 0, 0, 2)) for text in it.departures))


def _counted(judged: int, departed: int, refused: int, unsupported: int) -> str:
    """What came of all: never that all are as expected where nothing was judged."""
    others = [f"{number} {what}" for number, what in ((refused, "refused"), (unsupported, "not supported")) if number]
    if not judged:
        number, *rest = " and ".join(others).partition(" ")
        return (
            f"{number} {'case' if number == '1' else 'cases'}{''.join(rest)}, 0 judged" if others else "0 cases judged"
        )
    cases = f"{judged} {'case' if judged == 1 else 'cases'}"
    right = f"{judged - departed if departed else 'all'} as expected"
    wrong = [f"{departed} not"] if departed else []
    return f"{cases}: {', '.join([right, *wrong])}{''.join(f'; {it}' for it in others)}"
