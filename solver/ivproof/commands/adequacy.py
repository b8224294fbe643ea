"""``ivproof policy adequacy``: which changes of a law some worked cases do not tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands.cases import read_worked
from ivproof.commands.common import (
    REFUSED,
    UNDECIDED,
    JobsOption,
    PolicyOption,
    TableOrJson,
    TableOrJsonOption,
    UncheckedOption,
    emit_json,
    load_policy,
    require,
    show,
    telling_policy_errors,
    time_limit_option,
    wrong,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ivproof.suites.adequacy import Adequacy, Change, Shown

FAINT = "bright_black"

LISTED = 12
"""So many changes of a kind are told; --format json has all."""

TITLES = {
    "deleted": "Rules that no case needs",
    "number": "Numbers that may be one more or one less",
    "comparison": "Comparisons of which no case stands at the edge",
    "condition": "Conditions that no case needs",
    "option": "Options of questions that no claim of a case tells from the one that is held",
}


def adequacy(
    files: Annotated[
        list[str],
        typer.Argument(metavar="CASES", help="Worked cases (YAML or JSON), or folders of them.", show_default=False),
    ],
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    up_to: Annotated[
        int,
        typer.Option(
            "--up-to",
            min=0,
            max=2,
            metavar="N",
            help="Look for a chart that would, with so many administrations at most; 0 looks for none.",
        ),
    ] = 1,
    conditions: Annotated[
        bool, typer.Option("--conditions", help="Leave out conditions of rules, too, one at a time.")
    ] = False,
    seconds: Annotated[float, time_limit_option("End after so many seconds.")] = 600,
    jobs: JobsOption = None,
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Say which changes of a law worked cases do not tell apart, each with a small chart that would, if one is known.

    Each rule is deleted, each number of a table or beside a comparison moved by one, each comparison put on the other
    side of equality, and each settled question given each other option: one change at a time.

    Exit status: 0 when every change is noticed, 1 when one is not, or when a case was refused, 2 when the command line
    is wrong, 3 when something is unfinished, 130 when it was interrupted.
    """
    law = load_policy(policy)
    if up_to:
        require("z3", "a search for charts")
    from ivproof.cases import Case
    from ivproof.claim.batch import cores
    from ivproof.claim.coding import Coder
    from ivproof.commands.progress import Counter
    from ivproof.suites.adequacy import adequacy as found_of
    from ivproof.suites.mutants import Operator

    with telling_policy_errors():
        read, refused = read_worked(files, law)
        cases = [it for it in read if isinstance(it, Case)]
        if not cases:
            wrong("policy adequacy: found no case, expected worked cases of which each has a chart")
        operators = [it for it in Operator if conditions or it is not Operator.CONDITION]
        with Counter(hidden=False) as counter:
            found = found_of(
                Coder(law),
                cases,
                up_to,
                seconds,
                operators=operators,
                jobs=jobs or cores(),
                told=counter.advance,
            )
    if form is TableOrJson.JSON:
        emit_json({"policy": law.about, "refused": refused, **found.as_dict()})
    else:
        show(*_words(found))
    raise typer.Exit(REFUSED if refused or found.holes else UNDECIDED if found.unfinished else 0)


def _words(found: Adequacy) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    from ivproof.formats.plain import plain

    yield Text(
        f"{found.noticed} of {found.changes} changes of the law are noticed by {found.judged} cases"
        + (f", {found.explained} more are known to change nothing" if found.explained else ""),
        "bold",
    )
    for line in found.left_out:
        yield Text(plain(f"left out, since it is not as the law has it: {line}"))
    for operator, title in TITLES.items():
        some = [it for it in found.holes if it[0].operator == operator]
        if some:
            yield Text()
            yield Text(f"{title}: {len(some)}", "bold")
            some.sort(key=lambda it: it[1] is None)
            for change, shown in some[:LISTED]:
                yield Padding(Text(plain(_change(change))), (0, 0, 0, 2))
                if shown is not None:
                    yield Padding(Text(plain(_chart(shown)), FAINT), (0, 0, 0, 4))
            if len(some) > LISTED:
                yield Padding(Text(f"and {len(some) - LISTED} more (--format json)", FAINT), (0, 0, 0, 2))
    yield Text()
    if found.charts:
        yield Text(
            f"Charts that would notice were looked for among {found.charts} with up to {found.up_to} "
            f"administration{'s' if found.up_to > 1 else ''}, all questions as they are by default; where none stands, "
            "none of them does.",
            FAINT,
        )
    for line in found.unfinished[:LISTED]:
        yield Text(plain(f"unfinished: {line}"))
    if len(found.unfinished) > LISTED:
        yield Text(f"and {len(found.unfinished) - LISTED} more unfinished (--format json)")


def _change(change: Change) -> str:
    if change.mutant is None:
        return change.words
    return f"{change.words}  {change.mutant.rule.place}"


def _chart(shown: Shown) -> str:
    from ivproof.render.lab import chart_line

    def told(said: object) -> str:
        return "nothing of it" if said is None else str(said)

    keys = list(dict.fromkeys((*shown.law, *shown.changed)))
    first: Any = "claim" if "claim" in keys else keys[0] if keys else None
    parts = f": {first} {told(shown.law.get(first))}, changed {told(shown.changed.get(first))}" if first else ""
    return f"{chart_line(shown.encounter)}{parts}"
