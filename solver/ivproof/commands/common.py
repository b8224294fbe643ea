"""What several commands share: options, how a wrong command line is told, tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivproof.formats.plain import json_text, plain

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from ivproof.edits.tables import EditFiles, Setting
    from ivproof.law.policy import Policy

REFUSED = 1
WRONG = 2
UNDECIDED = 3
"""The status where a chart takes more work than is allowed."""
FAULT = 4
"""The status where this program itself failed: nothing is said by it of a chart, a proof or a command line."""
INTERRUPTED = 130


class TableOrJson(StrEnum):
    """How the result of a command is written."""

    TABLE = "table"
    JSON = "json"


def worse(status: int, own: int) -> int:
    """Give the exit status after one more outcome: a fault of ours weighs most, then a refusal, then a limit."""
    return next(it for it in (FAULT, REFUSED, UNDECIDED, 0) if it in {status, own})


def say(line: str) -> None:
    """Write one line to standard error, with nothing in it that a terminal would obey."""
    sys.stderr.write(plain(line) + "\n")


def wrong(message: str) -> NoReturn:
    """End with the status of a wrong command line."""
    say(f"ivproof: {message}")
    raise typer.Exit(WRONG)


def require(package: str, what: str) -> None:
    """End the command where a package is not installed that `what` needs, and say which extra brings it."""
    from ivproof.formats.extras import MissingExtraError, need

    try:
        need(package, what)
    except MissingExtraError as error:
        wrong(str(error))


@contextmanager
def telling_policy_errors() -> Iterator[None]:
    """Turn a policy, a question or an option that cannot be used into a message and the status of a wrong command."""
    from ivproof.law.language import LawError
    from ivproof.law.policy import PolicyError

    try:
        yield
    except (PolicyError, LawError) as error:
        wrong(str(error))


@contextmanager
def telling_differences() -> Iterator[None]:
    """Turn engines that differ, and cells that miss a point, into a message and the status of a fault of ours."""
    from ivproof.engine.second import DisagreementError
    from ivproof.lab.cells import UncoveredError

    try:
        yield
    except (DisagreementError, UncoveredError) as error:
        say(f"ivproof: {error}")
        raise typer.Exit(FAULT) from None


def load_policy(name: str, *, checked: bool = True) -> Policy:
    """Load a policy by name or folder; end the command where there is none.

    A law that is no published edition is looked at before it is used: where it reads what nothing defines or has
    defaults that are none, the command ends, or with --unchecked every answer says so. Not `checked`, it is given as
    it is.
    """
    from dataclasses import replace

    from ivproof.law.policy import Policy

    with telling_policy_errors():
        law = Policy.load(policy_folder(name))
        if not checked or law.standing == "published":
            return law
        from ivproof.checks.lint import unfit  # it takes as long to load as a chart takes to be coded

        found = unfit(law)
    if not found:
        return law
    if not UNCHECKED.asked:
        for line in found[:FEW_FINDINGS]:
            say(line)
        more = f", of which {FEW_FINDINGS} stand above" if len(found) > FEW_FINDINGS else ""
        wrong(
            f"--policy {name}: found a law that policy lint rejects ({_counted(found)}{more}), expected one that it "
            "passes; --unchecked uses it all the same, and says so in every answer"
        )
    warning = (
        f"The law was not checked before it was used: policy lint rejects it ({_counted(found)}), first {found[0]}."
    )
    return replace(law, warnings=(warning,))


def policy_folder(name: str) -> str:
    """Give what names a policy: of one that was packed, the folder into which it was unpacked for this run."""
    import atexit
    from shutil import rmtree
    from tempfile import mkdtemp

    from ivproof.law.bundle import SUFFIX, BundleError, bytes_of, read

    if not name.endswith(SUFFIX) or not Path(name).exists():
        return name
    try:
        bundle = read(bytes_of(Path(name)))
        into = mkdtemp(prefix="ivproof-policy-")  # nobody else may read or write it
        atexit.register(rmtree, into, ignore_errors=True)
        return str(bundle.unpack(Path(into)))
    except OSError as error:
        wrong(f"--policy {name}: {error.strerror or error}")
    except BundleError as error:
        wrong(f"--policy {name}: {error}")


def _counted(found: Sequence[str]) -> str:
    return "1 finding" if len(found) == 1 else f"{len(found)} findings"


FEW_FINDINGS = 5
"""So many findings of lint are told."""


class _Unchecked:
    """Whether a law is to be used that lint rejects: each command that uses one takes the option anew."""

    asked = False

    def take(self, value: bool) -> bool:
        """Take the option."""
        self.asked = value
        return value


UNCHECKED = _Unchecked()


class _Limit:
    """How much work a chart may take: each command that answers charts takes the option anew."""

    asked: int | None = None

    def take(self, value: int | None) -> int | None:
        """Take the option, in millions of atoms."""
        self.asked = value
        return value

    @property
    def work(self) -> int:
        """The work that is allowed, in atoms."""
        from ivproof.recheck.budget import WORK

        return WORK if self.asked is None else self.asked * 10**6


LIMIT = _Limit()


def read_settings(policy: Policy, given: Sequence[str]) -> dict[str, str]:
    """Give the settings of questions as given (``A9=longest``), checked; end the command where one is wrong."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, option = (part.strip() for part in text.partition("="))
        if not (name and equals and option):
            wrong(f"--reading {text}: expected QUESTION=OPTION, like A9=B or tie_break=first")
        if found.setdefault(name, option) != option:
            wrong(f"--reading: {name} is set twice, to {found[name]} and to {option}")
    with telling_policy_errors():
        policy.settings(found)
    return found


class EditsOf(StrEnum):
    """Whose claims a file of claim edits is for."""

    HOSPITAL = "hospital"
    PRACTITIONER = "practitioner"


def read_edit_files(
    ptp: Sequence[Path] | None, mue: Sequence[Path] | None, add_on: Sequence[Path] | None, edits_of: EditsOf | None
) -> EditFiles | None:
    """Give a user's files of claim edits; end the command where one of them cannot be read."""
    if not (ptp or mue or add_on):
        return None
    from ivproof.edits.files import EditFileError
    from ivproof.edits.tables import EditFiles, EditTables
    from ivproof.law.policy import law_folder

    setting: Setting | None = None
    if edits_of is not None:
        setting = "hospital" if edits_of is EditsOf.HOSPITAL else "practitioner"
    files = EditFiles(tuple(ptp or ()), tuple(mue or ()), tuple(add_on or ()), setting)
    try:
        files.into(EditTables.load(law_folder() / "edits"))
    except EditFileError as error:
        wrong(str(error))
    return files


def show(*parts: RenderableType) -> None:
    """Print to standard output, without colour where it is piped or NO_COLOR is set."""
    from ivproof.render.printing import console_of, printed

    sys.stdout.buffer.write(encoded(printed(console_of(sys.stdout), parts)))
    sys.stdout.buffer.flush()


def encoded(text: str) -> bytes:
    """Give text for people in the encoding of standard output; what that lacks is written out."""
    return text.encode(sys.stdout.encoding, "backslashreplace")


def emit(text: str) -> None:
    """Write text for machines to standard output: UTF-8, whatever the terminal or the locale has."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def emit_json(data: object, *, indent: int | None = 2) -> None:
    """Write data as JSON to standard output; without `indent` in one line."""
    import json

    emit(json_text(json.dumps(data, ensure_ascii=False, indent=indent)) + "\n")


def table(*columns: str) -> Table:
    """Give an empty table without lines, the first column kept whole."""
    from rich.table import Table

    found = Table(box=None, pad_edge=False, header_style="bold")
    for n, column in enumerate(columns):
        found.add_column(column, no_wrap=n == 0, overflow="fold")
    return found


# --- completion


def complete_policy(incomplete: str) -> list[str]:
    """Complete the name of a policy."""
    from ivproof.law.policy import policies

    return [name for name in policies() if name.startswith(incomplete)]


def complete_question(incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the number or name of a question."""
    for question in load_policy("out001").questions.values():
        for name in (question.number, question.name):
            if name.casefold().startswith(incomplete.casefold()):
                yield name, question.title


def complete_reading(incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete QUESTION=OPTION."""
    name, equals, option = incomplete.partition("=")
    if not equals:
        yield from ((f"{found}=", title) for found, title in complete_question(name))
        return
    from ivproof.law.policy import PolicyError

    try:
        question = load_policy("out001").question(name)
    except PolicyError:
        return
    for it in question.options:
        if it.name.startswith(option) or it.letter.startswith(option.upper()):
            yield f"{name}={it.name}", f"{it.letter}: {it.says}"
    if "open".startswith(option):
        yield f"{name}=open", "Try every option."


class Recheck(StrEnum):
    """Which answers the second engine derives again."""

    ALL = "all"
    SAMPLE = "sample"
    NONE = "none"


TableOrJsonOption = Annotated[TableOrJson, typer.Option("--format", help="table: for people. json: one object.")]

RecheckOption = Annotated[
    Recheck | None,
    typer.Option(
        "--recheck",
        help="Which answers the second engine derives again. Default: all of up to 20 charts, a sample of more.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, metavar="N", help="Processes for many charts; default: the cores.", show_default=False
    ),
]
PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="NAME|DIR|FILE",
        help="The policy: its name, its folder, or a file that [bold]policy bundle[/] wrote.",
        autocompletion=complete_policy,
    ),
]
ReadingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--reading",
        metavar="QUESTION=OPTION",
        help="Settle an open question: A9=B or tie_break=first; =open tries every option. Can be repeated; "
        "[bold]ivproof readings list[/] shows them.",
        autocompletion=complete_reading,
        show_default=False,
    ),
]

UncheckedOption = Annotated[
    bool,
    typer.Option(
        "--unchecked",
        help="Use a policy folder although policy lint rejects it; every answer says so.",
        callback=UNCHECKED.take,
        is_eager=True,
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        metavar="N",
        help="Look at no more than so many millions of atoms for one chart.",
        show_default="100",
        callback=LIMIT.take,
        is_eager=True,
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict", help="Refuse charts of which something may be a slip of the pen, such as a stop before its start."
    ),
]

_EDITS = "Claim edits"

PtpOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--ptp",
        metavar="FILE",
        help="Pairs of codes (NCCI PTP) in place of those that come with the package. Can be repeated.",
        rich_help_panel=_EDITS,
        show_default=False,
    ),
]
MueOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--mue",
        metavar="FILE",
        help="Units a day (MUE) in place of those that come with the package. Can be repeated.",
        rich_help_panel=_EDITS,
        show_default=False,
    ),
]
AddOnOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--add-on",
        metavar="FILE",
        help="Add-on codes in place of those that come with the package. Can be repeated.",
        rich_help_panel=_EDITS,
        show_default=False,
    ),
]
EditsOfOption = Annotated[
    EditsOf | None,
    typer.Option(
        "--edits-of",
        help="Whose claims these files are for; default: both, unless a file of units names its own.",
        rich_help_panel=_EDITS,
        show_default=False,
    ),
]
