"""What several commands share: options, how a wrong command line is told, tables."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ivproof.commands import completing
from ivproof.formats.plain import json_text, plain

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from ivproof.claim.profiles import Basis, Profiles, Settings
    from ivproof.edits.tables import EditFiles, Setting
    from ivproof.law.policy import Policy

REFUSED = 1
WRONG = 2
UNDECIDED = 3
"""The status where a chart takes more work than is allowed."""
FAULT = 4
"""The status where this program itself failed: nothing is said by it of a chart, a proof or a command line."""
INTERRUPTED = 128 + signal.SIGINT
"""The status where Ctrl-C ended the command, as shells tell it."""


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


def load_policy(name: str, *, checked: bool = True, told: bool = False) -> Policy:
    """Load a policy by name or folder; end the command where there is none.

    That it is the one of the settings is said, unless it is `told` with what else is taken from them.

    A law that is no published edition is looked at before it is used: where it reads what nothing defines or has
    defaults that are none, the command ends, or with --unchecked it is said, and in the notes of answers. Not
    `checked`, it is given as it is.
    """
    from dataclasses import replace

    from ivproof.law.policy import Policy

    SETTINGS.say_policy(said=not told)
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
            "passes; --unchecked uses it all the same, and says so"
        )
    warning = (
        f"The law was not checked before it was used: policy lint rejects it ({_counted(found)}), first {found[0]}."
    )
    say(f"ivproof: {warning[:1].lower()}{warning[1:]}")  # not every answer has notes
    return replace(law, warnings=(warning,))


def policy_folder(name: str) -> str:
    """Give what names a policy: of one that was packed, the folder into which it was unpacked for this run."""
    return _unpacked(name) if name.endswith(".gz") else name  # what unpacks it need not be read else


def _unpacked(name: str) -> str:
    import atexit
    from shutil import rmtree
    from tempfile import mkdtemp

    from ivproof.law.bundle import SUFFIX, BundleError, bytes_of, read

    if not name.endswith(SUFFIX):
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


class _Settings:
    """The settings of a run, in the file that is named or that lies in the working folder; each run takes them anew.

    What a command takes from them is said on standard error, and in the notes of each answer.
    """

    named: Path | None = None
    used = True
    chosen = False
    """Whether the policy of the command is theirs."""
    _read: tuple[Path, str, Settings] | None = None
    _unsaid = ""

    def take(self, named: Path | None, *, used: bool) -> None:
        """Take which file is named, if one is, and whether any is to be used."""
        self.named, self.used, self.chosen, self._read, self._unsaid = named, used, False, None, ""

    def read(self) -> tuple[Path, str, Settings] | None:
        """Give the file, its text and what it says, if there is one; end the command where it cannot be used."""
        file = self.named or Path(SETTINGS_FILE)
        if self._read is None and self.used and (self.named is not None or file.is_file()):
            from ivproof.claim.profiles import SettingsError, read
            from ivproof.formats.plain_file import FileError, read_text

            try:
                text = read_text(file)
                self._read = file, text, read(text, str(file))
            except OSError as error:
                wrong(f"--settings {file}: {error.strerror or error}")
            except FileError as error:
                wrong(str(error))
            except SettingsError as error:
                for line in str(error).splitlines():
                    say(line)
                raise typer.Exit(WRONG) from None
        return self._read

    def policy(self, ctx: typer.Context, param: typer.CallbackParam, value: str) -> str:
        """Give the policy that is asked for: that of the settings, where the command line names none."""
        source = ctx.get_parameter_source(param.name or "")
        by_default = source is not None and source.name == "DEFAULT"
        found = self.read() if by_default and not ctx.resilient_parsing else None
        self.chosen = found is not None and found[2].policy is not None
        if found is None or found[2].policy is None:
            return value
        self._unsaid = f"ivproof: settings of {found[0]}: policy {found[2].policy}"
        beside = found[0].parent / found[2].policy
        return str(beside) if beside.exists() else found[2].policy

    def say_policy(self, *, said: bool) -> None:
        """Say once that the policy is theirs, or leave that to who says it with more."""
        if self._unsaid and said:
            say(self._unsaid)
        self._unsaid = ""

    def profiles(self, policy: Policy, given: Mapping[str, str], edit_files: EditFiles | None) -> Profiles:
        """Lay what the command line gives over the settings; end the command where they do not fit the policy."""
        from ivproof.claim.profiles import Basis, Profiles, SettingsError, check, profiles

        found = self.read()
        if found is None:
            return Profiles(Basis(policy, given, edit_files))
        file, text, settings = found
        try:
            check(settings, policy, text, str(file))
        except SettingsError as error:
            for line in str(error).splitlines():
                say(line)
            raise typer.Exit(WRONG) from None
        made = profiles(settings, file, policy, given, edit_files, chosen=self.chosen)
        for basis in (made.base, *made.by_payer.values()):
            _checked(basis.edit_files)
        return made


SETTINGS = _Settings()

SETTINGS_FILE = "ivproof.toml"


class _Limit:
    """How much work a chart may take: each command that answers charts takes the option anew."""

    asked: int | None = None

    def take(self, ctx: typer.Context, value: int | None) -> int | None:
        """Take the option, in millions of atoms."""
        found = SETTINGS.read() if value is None and not ctx.resilient_parsing else None
        self.asked = value
        if found is not None and found[2].limit is not None:
            self.asked = found[2].limit
            say(f"ivproof: settings of {found[0]}: limit {self.asked}")
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


def profiles_for(
    policy: str, reading: Sequence[str] | None, edit_files: EditFiles | None = None, *, payers: bool = True
) -> Profiles:
    """Load a policy and give by what charts are answered: as the command line says, else as the settings do.

    Ends the command where something of it cannot be used. Without `payers` it is not told yet that the settings have
    profiles of payers.
    """
    by = load_policy(policy, told=True)
    found = SETTINGS.profiles(by, read_settings(by, reading or []), edit_files)
    if payers:
        _remark(found.base)
        if found.names:
            say(f"ivproof: profiles of payers: {', '.join(found.names)}")
    return found


def basis_for(policy: str, reading: Sequence[str] | None, payer: str | None) -> Basis:
    """Load a policy and give by what one chart is answered; its payer may have a profile."""
    found = profiles_for(policy, reading, payers=False).of(payer)
    _remark(found)
    return found


def _remark(basis: Basis) -> None:
    for line in basis.policy.remarks:
        say(f"ivproof: {line[:1].lower()}{line[1:]}")


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
    from ivproof.edits.tables import EditFiles

    setting: Setting | None = None
    if edits_of is not None:
        setting = "hospital" if edits_of is EditsOf.HOSPITAL else "practitioner"
    files = EditFiles(tuple(ptp or ()), tuple(mue or ()), tuple(add_on or ()), setting)
    _checked(files)
    return files


def _checked(files: EditFiles | None) -> None:
    """End the command where a file of claim edits cannot be read."""
    if files is None:
        return
    from ivproof.edits.files import EditFileError
    from ivproof.edits.tables import EditTables
    from ivproof.law.policy import law_folder

    try:
        files.into(EditTables.load(law_folder() / "edits"))
    except EditFileError as error:
        wrong(str(error))


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
        help="Which answers clingo and the second engine derive again. Default: all of up to 20, else 1 in 50.",
        show_default=False,
    ),
]


def output_option(text: str, metavar: str = "FILE") -> Any:
    """Give the option of a command that says where to write; `text` is its help."""
    return typer.Option("--output", "-o", metavar=metavar, help=text, show_default=False)


def up_to_option(most: int, least: int = 0) -> Any:
    """Give the option of a search for charts that bounds their administrations."""
    help_ = "Charts with so many administrations at most."
    return typer.Option("--up-to", min=least, max=most, metavar="N", help=help_)


def time_limit_option(text: str) -> Any:
    """Give the option of a search that bounds its seconds; `text` is its help."""
    return typer.Option("--time-limit", min=1, metavar="S", help=text)


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
        autocompletion=completing.policies,
        callback=SETTINGS.policy,
    ),
]
ReadingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--reading",
        metavar="QUESTION=OPTION",
        help="Settle an open question: A9=B or tie_break=first; =open tries every option. Can be repeated; "
        "[bold]ivproof readings list[/] shows them.",
        autocompletion=completing.readings,
        show_default=False,
    ),
]

UncheckedOption = Annotated[
    bool,
    typer.Option(
        "--unchecked",
        help="Use a policy folder although policy lint rejects it; the run says so, and the notes of answers.",
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
