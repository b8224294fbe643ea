"""``ivproof policy``: the law as it is written, and whether it keeps to its own rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands import adequacy, compare, completing, corpus, invariants, new_rule, suite, when
from ivproof.commands import cases as worked_cases
from ivproof.commands.common import (
    REFUSED,
    PolicyOption,
    TableOrJson,
    TableOrJsonOption,
    emit_json,
    load_policy,
    say,
    show,
    table,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.guarding import Commands

if TYPE_CHECKING:
    from ivproof.law.policy import Policy
    from ivproof.law.syntax import Rule

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="The rules of a policy: read and check them, see what covers them, compare two editions, judge worked cases.",
)


class LintFormat(StrEnum):
    """How findings are written."""

    TABLE = "table"
    SARIF = "sarif"


NamedPolicy = Annotated[
    str,
    typer.Argument(metavar="NAME|DIR", help="The policy: its name or its folder.", autocompletion=completing.policies),
]

_FILE = re.compile(r"[\w./-]+\.lp")

app.command("compare")(compare.compare)
app.command("when")(when.when)
app.command("prove")(invariants.prove)
app.command("new-rule")(new_rule.new_rule)
app.command("adequacy")(adequacy.adequacy)
app.command("suite")(suite.suite)
app.command("corpus")(corpus.corpus)
app.command("test")(worked_cases.test)


@app.command("publish")
def publish_(
    policy: PolicyOption = "out001",
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Replace what was published as this edition: readers of the old one are not told."
        ),
    ] = False,
) -> None:
    """Publish a law as the edition that its policy.toml names: its digest goes into published.toml beside its folder.

    Answers by any other law under that id and edition call it a changed copy. To publish a change, give it an edition
    of its own in policy.toml first. With --again the overlays beside it that stand on it, and were published, are
    published again too. Exit status: 0 when it is published, 1 when lint finds something.
    """
    from ivproof.checks import lint as checks
    from ivproof.law.policy import publish, standing_on

    with telling_policy_errors():
        law = load_policy(policy, checked=False)
        for it in [law, *(standing_on(law) if again else ())]:
            problems = checks.lint(it)
            for problem in problems:
                say(str(problem))
            if problems:
                raise typer.Exit(REFUSED)
            file = publish(it, again=again)
            show(f"{it.id.upper()}, edition {it.edition}: {it.digest} in {file}")


@app.command("copy")
def copy_(
    policy: NamedPolicy,
    into: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.")],
) -> None:
    """Copy a policy into a folder of your own, to be changed: its law, the lists of rules and the drug list beside it.

    Commands take the copy by --policy FOLDER/NAME. A policy that stands on another one is copied with it. Exit status:
    0 when it is there, 2 when it cannot be; then nothing is.
    """
    from ivproof.commands.output import whole_folder
    from ivproof.law.bundle import pack

    if into.exists():
        wrong(f"{into}: found something there already, expected the name of a new folder")
    with telling_policy_errors():
        law = load_policy(policy, checked=False)
        found = pack(law)
    try:
        with whole_folder(into) as unfinished:
            folder = found.unpack(unfinished)
    except OSError as error:
        wrong(f"{into}: {error.strerror or error}")
    show(f"{law.id.upper()}, edition {law.edition}: {len(found.files)} files; the policy is {into / folder.name}")


@app.command("bundle")
def bundle_(
    policy: NamedPolicy,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write: NAME.tar.gz.")],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Sign it with this private key of OpenSSH, such as ~/.ssh/id_ed25519; the signature is FILE.sig.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Pack a policy into one file: its law, the lists of rules and the drug list beside it, with the digest of each.

    The same policy gives the same bytes. Exit status: 0 when it is written, 2 when it cannot be.
    """
    from ivproof.commands.output import write_whole
    from ivproof.law.bundle import SUFFIX, pack, sign

    if not output.name.endswith(SUFFIX):
        wrong(f"--output {output}: expected a name that ends with {SUFFIX}")
    with telling_policy_errors():
        law = load_policy(policy, checked=False)
        found = pack(law)
        write_whole(output, found.packed(), f"{len(found.files)} files")
        signature = sign(output, key) if key is not None else None
    show(f"{law.id.upper()}, edition {law.edition}: {len(found.files)} files in {output}\nlaw {law.digest}")
    if signature is not None:
        show(f"signed: {signature}")


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `policy bundle` wrote.")],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="It has to be signed, in FILE.sig, by the private part of this public key of OpenSSH.",
            show_default=False,
        ),
    ] = None,
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Check a packed policy: every file as its manifest says, the law with its digest, and who signed it.

    Exit status: 0 when it is whole, and with --key signed by that key; 1 when it is not; 2 when it cannot be read.
    Whether the law is fit for use is another question: ivproof policy lint --policy FILE.
    """
    from ivproof.law.bundle import BundleError, bytes_of, check_signature, described, read

    try:
        data = bytes_of(bundle)
        if key is not None:
            check_signature(data, bundle.with_name(bundle.name + ".sig"), key)
        found = read(data)
    except OSError as error:
        wrong(f"{bundle}: {error.strerror or error}")
    except BundleError as error:
        say(f"rejected: {error}")
        raise typer.Exit(REFUSED) from None
    if form is TableOrJson.JSON:
        emit_json({**described(found), "signed": key is not None})
        return
    signed = f"signed by {key}" if key is not None else "no signature was asked for: anybody can have made it"
    show(f"whole: {found.id}, edition {found.edition}, {len(found.files)} files\nlaw {found.digest}\n{signed}")


@app.command("show")
def show_(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="RULE-ID|R30|SECTION|FILE",
            help="A rule of the law by its id, the rules that rest on a number (R30, F23, A9), "
            "a section of the text like III.D.d, with its rules, those of the law and the worked cases, "
            "or a file like sequence.lp. "
            "Without it: every rule in one line.",
            autocompletion=completing.rules,
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = "out001",
    predicates: Annotated[
        bool, typer.Option("--predicates", help="The predicates instead: what defines them and what reads them.")
    ] = False,
) -> None:
    """Show the rules with what they rest on."""
    with telling_policy_errors():
        law = load_policy(policy, checked=False)
        if predicates:
            _predicates(law)
            return
        if what is None:
            _outline(law)
            return
        groups = _grouped(law.program.rules)
        if _FILE.fullmatch(what):
            found = [rules for rules in groups if rules[0].file == what or Path(rules[0].file).name == what]
            known = ", ".join(dict.fromkeys(Path(rules[0].file).name for rules in groups))
            if not found:
                wrong(f"policy show: found no file {what!r}, expected one of {known}")
        elif what in law.program.by_id:
            found = [list(law.program.by_id[what])]
        elif under := _under(law, what):
            show(f"Taken out by {law.id.upper()}, or by what it stands on:")
            found = [under]
        elif numbers := _numbers_of(law, what):
            _section(law, numbers, groups)
            return
        else:
            number = what.upper()
            found = [rules for rules in groups if rules[0].header and number in rules[0].header.references]
            said = list(_said(law, number))
            if not found and not said:
                wrong(
                    f"policy show: found no {what!r}, expected the id of a rule ({_near(what, law)}), "
                    "a number of the text like R30, a section of it like III.D.d, or a file like sequence.lp"
                )
            for line in said:
                show(line)
            if not found:
                show("No rule of the law rests on it.")
        for rules in found:
            _rules(rules)
            under = _under(law, rules[0].id)
            if under and under[0].place != rules[0].place:
                show("It stands in place of:")
                _rules(under)


def _numbers_of(law: Policy, section: str) -> list[str]:
    """The rules of the text in a section, in their order; nothing where the text has no such section."""
    from ivproof.law.sources import Sources

    rules = Sources.of(law).rules.values()
    return [it.number for it in rules if it.section.casefold() == section.casefold()]


def _section(law: Policy, numbers: Sequence[str], groups: Sequence[Sequence[Rule]]) -> None:
    """Print a section of the text: each of its rules, then the rules of the law that rest on it, then its cases."""
    from ivproof.checks import coverage as covering

    covered = covering.coverage(law, covering.cases_folder(law))
    shown: dict[str, str] = {}
    for number in numbers:
        for line in _said(law, number):
            show(line)
        for rules in groups:
            if rules[0].header is None or number not in rules[0].header.references:
                continue
            if rules[0].id in shown:
                show(f"{rules[0].place}  [{rules[0].id}]  see {shown[rules[0].id]}\n")
                continue
            shown[rules[0].id] = number
            _rules(rules)
        for side, names in covered.rule(number).cases.items():
            show(f"Cases, {side}: {', '.join(names)}")
        show("")


def _under(law: Policy, rule: str) -> list[Rule]:
    """The rule of that id in the nearest law below that has it otherwise; nothing where there is none."""
    here = law.program.by_id.get(rule, ())
    for it in law.chain[1:]:
        there = it.program.by_id.get(rule, ())
        if there and (not here or there[0].place != here[0].place):
            return list(there)
    return []


def _predicates(law: Policy) -> None:
    from ivproof.checks import predicates
    from ivproof.render.policy import predicates_table

    show(predicates_table(predicates.predicates(law)))


def _near(what: str, law: Policy) -> str:
    from difflib import get_close_matches

    return ", ".join(get_close_matches(what, law.program.by_id, n=3, cutoff=0.4)) or "initial-takes"


def _grouped(rules: Sequence[Rule]) -> list[list[Rule]]:
    """The rules by the header that they stand under, in the order of the files."""
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        found.setdefault((rule.file, rule.id or rule.place), []).append(rule)
    return list(found.values())


def _said(law: Policy, number: str) -> Iterator[str]:
    """What the text says under a number, in the words of the list that citations are checked against."""
    from ivproof.law.sources import Sources

    sources = Sources.of(law)
    if number in sources.rules:
        rule = sources.rules[number]
        yield f"{number} ({rule.section}, {rule.lines}): {rule.says}"
        if rule.explains:
            yield f"Decides nothing by itself: {rule.explains}"
        yield ""
    if number in sources.national:
        national = sources.national[number]
        yield f"{number} (national): {national.says}"
        if national.out001:
            yield f"OUT001: {national.out001}"
        yield ""
    for question in law.questions.values():
        if question.number == number:
            yield f"{number} is a question: {question.title} (ivproof readings show {number})"
            yield ""


def _outline(law: Policy) -> None:
    from rich.text import Text

    from ivproof.render.printing import FAINT

    file = ""
    found = table("Rule", "Rests on", "Says")
    for rules in _grouped(law.program.rules):
        first = rules[0]
        if first.file.endswith(("readings.lp", "asked.lp")):
            continue  # `ivproof readings list` shows the questions
        if first.file != file:
            file = first.file
            found.add_row(Text(f"\n{file}", "bold"), "", "")
        header = first.header
        if header:
            found.add_row(Text(header.id), Text(header.citation), Text(header.sentence))
    title = Text(f"{law.id}: {law.title}, edition {law.dated}", "bold")
    show(title, Text(law.digest, FAINT), found)
    show(Text("\nThe questions that the text leaves open: ivproof readings list", FAINT))


def _rules(rules: Sequence[Rule]) -> None:
    """Print rules under one header as they are written."""
    from rich.text import Text

    from ivproof.render.printing import FAINT

    header = rules[0].header
    if header:
        show(Text.assemble((header.id, "bold"), f"  {header.citation}  ", (rules[0].place, FAINT)), header.sentence)
    show(*(Text(rule.text, "cyan", no_wrap=True, overflow="ignore") for rule in rules), "")


@app.command()
def lint(
    policy: PolicyOption = "out001",
    form: Annotated[
        LintFormat, typer.Option("--format", help="table: for people. sarif: one SARIF log, for a code host.")
    ] = LintFormat.TABLE,
) -> None:
    """Check the law: ids, citations, sentences, predicates, the clock, negation.

    Exit status 1 when something is found.
    """
    from ivproof.checks import lint as checks

    with telling_policy_errors():
        law = load_policy(policy, checked=False)
        problems = list(checks.lint(law))
    if form is LintFormat.SARIF:
        from ivproof.checks.sarif import sarif

        emit_json(sarif(problems, law.folder.parent))
        raise typer.Exit(REFUSED if problems else 0)
    for problem in problems:
        say(str(problem))
    if problems:
        say(f"{len(problems)} found")
        raise typer.Exit(REFUSED)
    show("The law is clean.")


@app.command()
def coverage(
    number: Annotated[
        str | None,
        typer.Argument(
            metavar="R30|A9",
            help="One rule of the text or one question in full. Without it: all of them, a row each.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = "out001",
    cases: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of the worked cases; by default tests/cases of a checkout.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    format_: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Show where each rule of the text is encoded, which rules read each option, and the cases on each side.

    Exit status 1 when a rule is neither encoded nor explained, or a question's options cannot be told apart.
    """
    from ivproof.cases.pairs import pairs_of_cases
    from ivproof.checks import coverage as covering
    from ivproof.render.policy import coverage_detail, coverage_tables, pairs_summary

    with telling_policy_errors():
        law = load_policy(policy, checked=False)
        found = covering.coverage(law, cases or covering.cases_folder(law))
        row = None if number is None else found.row(number)
        alone = row is None and found.cases is not None and law.below is None
        pairs = pairs_of_cases(found.cases) if alone and found.cases is not None else None
    if format_ is TableOrJson.JSON:
        emit_json(row.as_dict() if row else {**found.as_dict(), "pairs": pairs and pairs.as_dict()})
    else:
        show(*(coverage_tables(found) if row is None else coverage_detail(row)))
        if pairs is not None:
            show(*pairs_summary(len(pairs.features), pairs.without))
    if found.gaps:
        raise typer.Exit(REFUSED)
