"""``ivproof policy new-rule``: a rule in a policy of one's own, with number, section, sentence and a case."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands.common import REFUSED, load_policy, say, show, telling_policy_errors, wrong
from ivproof.commands.one import pick, telling_engine_errors
from ivproof.commands.output import create
from ivproof.formats.plain_file import replace_text

if TYPE_CHECKING:
    from ivproof.chart.encounter import Encounter
    from ivproof.law.policy import Policy

CASES = "cases"
"""The folder in that of a policy in which its cases stand."""

_NUMBER = re.compile(r"[B-Z]\d+")
_SECTION = re.compile(r"[^(),\n]+")
_HEAD = re.compile(r"\s*[a-z_][A-Za-z0-9_]*")


def new_rule(
    rule: Annotated[str, typer.Argument(metavar="ID", help="What it is called: small letters and hyphens.")],
    policy: Annotated[Path, typer.Option("--policy", metavar="DIR", help="The folder of a policy of your own.")],
    number: Annotated[
        str,
        typer.Option("--number", metavar="R104", help="Its number in the text; one that is known already is cited."),
    ],
    sentence: Annotated[
        str, typer.Option("--sentence", metavar="TEXT", help="What it says, for people; {X} is filled in.")
    ],
    clauses: Annotated[
        list[str],
        typer.Option("--rule", metavar="CLAUSE", help="It as the law has it: head :- body. Can be repeated."),
    ],
    chart: Annotated[
        str, typer.Option("--case", metavar="CHART", help="A chart that shows it; what follows becomes its case.")
    ],
    section: Annotated[
        str | None,
        typer.Option("--section", metavar="III.D", help="Where it stands in the text.", show_default=False),
    ] = None,
    says: Annotated[
        str | None,
        typer.Option("--says", metavar="TEXT", help="What the text says, in your words.", show_default=False),
    ] = None,
    lines: Annotated[str, typer.Option("--lines", metavar="L1-2", help="On which lines of the text.")] = "",
    file: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="FILE",
            help="The file of the law, like hydration.lp. Default: the one with most rules that conclude the same.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Put a new rule into a policy of your own: into its law, its list of rules, and a worked case beside them.

    The case says what follows from the chart now; it is to be read before it is kept. Where lint then finds something,
    or the chart is refused, nothing is changed.

    Exit status: 0 when it is there and lint passes; 1 when lint finds something or the chart cannot be used; 2 when the
    command line is wrong.
    """
    if not (policy / "policy.toml").is_file():
        wrong(f"--policy {policy}: found no policy.toml there, expected the folder of a policy of your own")
    law = load_policy(str(policy), checked=False)
    files = {Path(name).name: policy.resolve().parent / name for name in law.written if "vocabulary" not in name}
    file = file or _home(law, clauses, files)
    if file is None:
        wrong(f"--in: found no file that has rules of what --rule concludes, expected one of {', '.join(files)}")
    if file not in files:
        wrong(f"--in {file}: found no such file of this policy, expected one of {', '.join(files)}")
    with telling_policy_errors():
        if rule in law.program.by_id:
            wrong(f"{rule}: found a rule of that id in {law.program.by_id[rule][0].place}, expected an id of its own")
        cited, row = _numbered(law, number, section, says, lines)
    kept = policy / CASES / f"{rule}.ivproof.yaml"
    if kept.exists():
        wrong(f"{kept}: found something of that name, which is not replaced; expected another id")
    encounter = pick(chart, None)
    added = f"\n% [{rule}] {number} ({cited})\n% {' '.join(sentence.split())}\n" + "".join(f"{it}\n" for it in clauses)
    listed = policy / "rules.toml"
    with _changed({files[file]: added, listed: row}):
        _linted(policy)
        written, said = _case(law, str(policy), encounter, rule, number)
        kept.parent.mkdir(exist_ok=True)
        with create(kept) as stream:
            stream.write(written.encode())
    show(
        f"{rule}: {number} ({cited}) in {files[file]}\n{listed if row else f'{number} was in the list'}\n{kept}: {said}"
    )


def _home(law: Policy, clauses: Sequence[str], files: Collection[str]) -> str | None:
    """The file with most rules of the predicate that the first clause concludes; None where none has one."""
    if len(files) == 1:
        return next(iter(files))
    head = _HEAD.match(clauses[0])
    alike = (it for it in law.program.rules if head and it.atom.signature[0] == head[0].strip())
    found = Counter(Path(it.file).name for it in alike)
    return next((name for name, _ in found.most_common() if name in files), None)


def _numbered(law: Policy, number: str, section: str | None, says: str | None, lines: str) -> tuple[str, str]:
    """The section of a number, and its row for the list of rules; no row where the list has it."""
    from ivproof.law.sources import Sources

    if not _NUMBER.fullmatch(number):
        wrong(f"--number {number}: expected a capital letter but A, which questions have, and a number: R104")
    known = Sources.of(law)
    if here := known.section(number):
        if section is not None and not known.fits(section, number):
            wrong(f"--section {section}: found {number} in section {here} already, expected that or no --section")
        return section or here, ""
    if section is None or says is None:
        wrong(f"--number {number}: found no rule of that number, expected --section and --says for a new one")
    if not _SECTION.fullmatch(section):
        wrong(f"--section {section}: expected a name without brackets and commas")
    fields = {"number": number, "section": section, "lines": lines, "says": " ".join(says.split())}
    return section, "\n[[rules]]\n" + "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items()
    )


@contextmanager
def _changed(added: Mapping[Path, str]) -> Iterator[None]:
    """Add text to files; where anything ends the context early, they are as they were."""
    before = {path: path.read_bytes() if path.is_file() else None for path, text in added.items() if text}
    try:
        for path, content in before.items():
            replace_text(path, (content or b"").rstrip() + b"\n" + added[path].encode())
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                replace_text(path, content)
        raise


def _linted(policy: Path) -> None:
    from ivproof.checks.lint import lint

    problems = lint(load_policy(str(policy), checked=False))
    for problem in problems:
        say(str(problem))
    if problems:
        say("nothing was changed")
        raise typer.Exit(REFUSED)


def _case(old: Policy, folder: str, encounter: Encounter, rule: str, number: str) -> tuple[str, str]:
    """The case of a chart as text, and in words what the rule changes of it."""
    from ivproof.cases.writing import as_item, case_of
    from ivproof.claim.coding import Coder

    with telling_engine_errors(encounter, {}):
        before, after = (Coder(law).code([encounter])[0] for law in (old, load_policy(folder)))
    plain = [{**it.as_dict(), "policy": None} for it in (before, after)]
    touched = plain[0] != plain[1]
    side = "applies" if touched else "does not"
    found = {"case": rule, "rules": [number], "side": side, **{**case_of(encounter, after, {}), "case": rule}}
    ways = f"{_told(plain[0])} becomes {_told(plain[1])}" if touched else f"as before, {_told(plain[1])}"
    return as_item(found), f"the chart {encounter.id}: {ways}"


def _told(plain: Mapping[str, Any]) -> str:
    claim = ", ".join(f"{it['code']} ×{it['units']}" for it in plain["claim"])
    return f"{plain['status']} {claim or 'nothing'}"
