"""``ivproof readings``: the questions that a policy leaves open, and what can be held of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import (
    PolicyOption,
    complete_question,
    console,
    load_policy,
    table,
    telling_policy_errors,
)

if TYPE_CHECKING:
    from ivproof.policy import Question

app = typer.Typer(no_args_is_help=True, help="The questions that the policy's text leaves open, and their options.")


@app.command("list")
def list_(policy: PolicyOption = "out001") -> None:
    """List the questions with their options; * marks the one that is held unless --reading sets another."""
    from rich.text import Text

    with telling_policy_errors():
        questions = load_policy(policy).questions.values()
        found = table("No.", "Name", "Question", "Options")
        for question in questions:
            options = (f"{it.letter}{'*' if it.name == question.default else ''} {it.name}" for it in question.options)
            held = "" if question.default else "open: "
            found.add_row(question.number, Text(question.name), Text(question.title), Text(held + ", ".join(options)))
        console().print(found)


@app.command()
def show(
    question: Annotated[
        str,
        typer.Argument(
            metavar="QUESTION", help="Its number or name: A26, tie_break.", autocompletion=complete_question
        ),
    ],
    policy: PolicyOption = "out001",
) -> None:
    """Show one question: what is open, its options, which one is held and why."""
    with telling_policy_errors():
        _show(load_policy(policy).question(question))


def _show(question: Question) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    out.print(Text(f"{question.number} {question.name}", "bold"))
    out.print(Text(question.title))
    out.print(Text(f"{question.kind}; rests on {question.citation}", "bright_black"))
    out.print()
    options = table("", "Option", "")
    options.show_header = False
    for option in question.options:
        held = Text("held unless set otherwise", "green") if option.name == question.default else Text("")
        options.add_row(Text(option.letter, "bold"), Text.assemble((option.name, "bold"), ": ", option.says), held)
    out.print(Padding(options, (0, 0, 0, 2)))
    if question.default is None:
        out.print("  No option is supported: every one is tried, and each claim that follows is listed.")
    if question.note:
        out.print()
        out.print(Text(question.note))
    out.print()
    out.print(
        Text(
            f"Set it with --reading {question.number}={question.options[-1].letter} or "
            f"--reading {question.name}={question.options[-1].name}.",
            "bright_black",
        )
    )
