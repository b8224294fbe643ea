"""Worked cases as tests of pytest: each case of a file ``*.ivproof.yaml`` is one item, judged as by `policy test`.

In: files of cases. Out: a test each; what departs, and the rule at which it does, stands in its failure. Whatever
costs time is loaded by the first such file, so that a suite without one pays nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ivproof.cases import Case, Settled
    from ivproof.cases.files import Setting
    from ivproof.chart.refusal import Refusal
    from ivproof.claim.coding import Coder
    from ivproof.lab.witness import Said
    from ivproof.law.policy import Policy

ENDING = ".ivproof.yaml"

POLICY, BASELINE, FAIL_ON = "--ivproof-policy", "--ivproof-baseline", "--ivproof-fail-on"
UPDATE = "--ivproof-update"

_LAW = pytest.StashKey["_Law"]()
_BASELINE = pytest.StashKey["_Law"]()
_REWRITTEN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("ivproof", f"worked cases of infusion coding (*{ENDING})")
    group.addoption(
        POLICY,
        metavar="NAME|DIR",
        default="out001",
        help="The policy by which worked cases are judged: its name, or its folder. Default: out001.",
    )
    group.addoption(
        BASELINE,
        metavar="NAME|DIR",
        help="Judge the policy by what this one says of each case's chart, status and claims, in place of what is "
        "expected of it.",
    )
    group.addoption(
        FAIL_ON,
        choices=("change", "more-units"),
        default="change",
        help="change: a case fails where anything is otherwise. more-units: with --ivproof-baseline, only where the "
        "policy can give more units of a code. Default: change.",
    )
    group.addoption(
        UPDATE,
        action="store_true",
        help="Write anew, in its file, what a case expects otherwise than what follows now; to be read before it is "
        "kept. Nothing else of the file changes.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that do not go together."""
    if not config.getoption(UPDATE):
        return
    config.stash[_REWRITTEN] = []
    if config.getoption(BASELINE):
        raise pytest.UsageError(f"{UPDATE}: found {BASELINE} beside it, expected one of them")
    if hasattr(config, "workerinput") or config.getoption("numprocesses", None):
        raise pytest.UsageError(f"{UPDATE}: found several processes, expected one (-n 0): they would share files")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what was written anew."""
    for line in config.stash.get(_REWRITTEN, ()):
        terminalreporter.write_line(line)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collect a file of worked cases."""
    return CaseFile.from_parent(parent, path=file_path) if file_path.name.endswith(ENDING) else None


class _Law:
    """The law by which all cases are judged, with a coder for each setting of its questions."""

    def __init__(self, policy: Policy) -> None:
        from ivproof.claim.coding import Coder  # noqa: PLC0415

        self.policy = policy
        self.base = Coder(policy)
        self._coders: dict[Setting, Coder] = {}

    def said(self, case: Case) -> Said:
        """Give the status and the claims that follow from a case's chart. Raises PolicyError as `coder` does."""
        from ivproof.lab.witness import Said  # noqa: PLC0415

        [found] = self.coder(case).code([case.encounter], changes=False)
        return Said.of(found.as_dict())

    def coder(self, case: Case) -> Coder:
        """Give the coder for the setting of a case. Raises PolicyError where the policy has no such setting."""
        setting = case.setting(self.policy)
        if setting not in self._coders:
            self._coders[setting] = self.base.under(dict(setting))
        return self._coders[setting]


def _law_of(config: pytest.Config, option: str = POLICY) -> _Law:
    """Give the law of a run that an option names; raises CollectError where it cannot be used."""
    key = _LAW if option == POLICY else _BASELINE
    if key not in config.stash:
        from ivproof.checks.lint import unfit  # noqa: PLC0415
        from ivproof.law.language import LawError  # noqa: PLC0415
        from ivproof.law.policy import Policy, PolicyError  # noqa: PLC0415

        name = config.getoption(option)
        try:
            policy = Policy.load(name)
            found = [] if policy.standing == "published" else unfit(policy)
        except (PolicyError, LawError) as error:
            raise pytest.Collector.CollectError(f"{option} {name}: {error}") from None
        if found:
            expected = f"{option} {name}: found a law that policy lint rejects, expected one that it passes"
            raise pytest.Collector.CollectError("\n".join([expected, *map(str, found)]))
        config.stash[key] = _Law(policy)
    return config.stash[key]


def _units(said: Said, code: str) -> tuple[int, int]:
    """The fewest and the most units of a code in the claims that can follow."""
    counted = [sum(units for own, units, _ in claim if own == code) for claim in said.claims]
    return min(counted), max(counted)


def _told(said: Said) -> str:
    claims = (
        ", ".join(f"{code} ×{units}{''.join(f' {it}' for it in marks)}" for code, units, marks in claim) or "nothing"
        for claim in said.claims
    )
    return f"{said.status}: {' or '.join(claims)}"


class CaseFile(pytest.File):
    """A file of worked cases."""

    def collect(self) -> Iterator[CaseItem]:
        """Give an item for each case, and one that fails for each that is refused and has a name.

        What cannot be read as a case at all is an error of the collection, with file and place.
        """
        from ivproof.cases import read_cases  # noqa: PLC0415
        from ivproof.formats.plain import plain  # noqa: PLC0415

        law = _law_of(self.config)
        if self.config.getoption(BASELINE):
            _law_of(self.config, BASELINE)
        elif self.config.getoption(FAIL_ON) != "change":
            raise self.CollectError(f"{FAIL_ON} more-units: found no baseline, expected {BASELINE} beside it")
        here = Path.cwd()
        shown = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        items, unread = [], []
        named: Counter[str] = Counter()
        for case in read_cases([shown]):
            if not isinstance(case, tuple):
                nth = named[case.name]
                named[case.name] += 1
                items.append(CaseItem.from_parent(self, name=plain(case.name), law=law, case=case, nth=nth))
            elif case[0].encounter:
                items.append(CaseItem.from_parent(self, name=case[0].encounter, law=law, case=case))
            else:
                unread += [plain(str(it)) for it in case]
        if unread:
            raise self.CollectError("\n".join(unread))
        return iter(items)


class DepartedError(Exception):
    """A case is not as expected, or was refused; the text says what, with file and line."""


class CaseItem(pytest.Item):
    """One worked case; of those of a file with the same name, the `nth` from 0."""

    def __init__(self, *, law: _Law, case: Case | Settled | tuple[Refusal, ...], nth: int = 0, **more: Any) -> None:
        super().__init__(**more)
        self.law = law
        self.case = case
        self.nth = nth

    def runtest(self) -> None:
        """Judge the case; raises DepartedError where it is not as expected or was refused."""
        from ivproof.cases import Case, judge  # noqa: PLC0415
        from ivproof.chart.bounds import TooManyWaysError  # noqa: PLC0415
        from ivproof.law.policy import PolicyError  # noqa: PLC0415
        from ivproof.recheck.budget import LimitError  # noqa: PLC0415

        case = self.case
        if isinstance(case, tuple):
            raise DepartedError("\n".join(f"refused: {it}" for it in case))
        try:
            coder = self.law.coder(case) if isinstance(case, Case) else self.law.base
        except PolicyError as error:
            raise DepartedError(f"refused: {case.where}: {case.name}: readings: {error}") from None
        try:
            if isinstance(case, Case) and self.config.getoption(BASELINE):
                self._compare(case)
                return
            [judged] = judge(coder, [case])
        except PolicyError as error:
            raise DepartedError(f"refused: {case.where}: {case.name}: {error}") from None
        except (LimitError, TooManyWaysError) as error:
            raise DepartedError(f"undecided: {case.where}: {case.name}: {error}") from None
        if judged.departures:
            lines = list(judged.departures)
            if isinstance(case, Case) and self.config.getoption(UPDATE):
                from ivproof.cases.rewriting import NotRewrittenError, rewrite  # noqa: PLC0415

                try:
                    new = rewrite(coder, case, judged.departures, self.path, self.nth)
                except NotRewrittenError as error:
                    lines.append(f"not written anew: {error}")
                else:
                    self.config.stash[_REWRITTEN].append(f"{case.file}: {case.name}: {', '.join(new)} written anew")
                    return
            if isinstance(case, Case):
                from ivproof.cases.parting import parting  # noqa: PLC0415

                lines += [f"  {it}" for it in parting(self.law.policy, case)]
            raise DepartedError("\n".join([*lines, f"{case.where}  by {self.law.policy.told}"]))

    def _compare(self, case: Case) -> None:
        """Compare what both laws say of a case's chart; raises DepartedError where it fails by that."""
        old, new = (law.said(case) for law in (_law_of(self.config, BASELINE), self.law))
        codes = sorted({code for said in (old, new) for claim in said.claims for code, _, _ in claim})
        more = [it for it in codes if any(b > a for a, b in zip(_units(old, it), _units(new, it), strict=True))]
        if old == new or (self.config.getoption(FAIL_ON) == "more-units" and not more):
            return
        lines = [f"more units of {', '.join(more)}"] if more else []
        lines += [f"baseline: {_told(old)}", f"policy: {_told(new)}"]
        raise DepartedError("\n".join([*lines, f"{case.where}  by {self.law.policy.told}"]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Give the text of a failure: of a case no traceback, which would tell nothing of it."""
        from ivproof.formats.plain import plain  # noqa: PLC0415

        if isinstance(excinfo.value, DepartedError):
            return "\n".join(map(plain, str(excinfo.value).splitlines()))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Give where the case stands; lines count from 0 here."""
        line = self.case[0].line if isinstance(self.case, tuple) else self.case.line
        return self.path, None if line is None else line - 1, self.name
