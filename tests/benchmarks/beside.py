"""One code of one visit explained by ivproof, xclingo and clingexplaid, from the same ground program, in one run.

The two others get virtual environments of their own in a temporary folder, installed when this benchmark is asked for.
What they are given is the ground program of a visit: the facts of the chart, of the drug list and of the law, and every
rule that applied, with comparisons and aggregates already worked out (so nobody has to), and without negative
conditions on "whatever the value", which xclingo does not read. All are asked about the same unit of the claim. ivproof
starts from the chart instead: it solves, records and writes the sentences each time. Times are the processor's, of one
process each, without installing. Where something cannot be installed or does not finish, that is said, and the rest
goes on.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import common
from rich.console import Console

from ivproof.chart.encounter import Encounter
from ivproof.render.words import why_words
from ivproof.why.derivation import Derivation
from ivproof.why.why import Explainer

PACKAGES = {"xclingo": ("xclingo==2.0b24", "clingo==5.8.0"), "clingexplaid": ("clingexplaid==1.5.1",)}
"""What is installed for each of the others."""

PATIENCE = 120
"""So many seconds each of the others may take to explain."""

SHOWN = 12
"""So many lines of what is said are printed."""

WARM = 5

XCLINGO = """
import io, sys, time, contextlib
begin = time.process_time()
from xclingo.__main__ import main
loaded = time.process_time()
said = io.StringIO()
with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
    sys.argv = ["xclingo", "--auto-tracing", "all", "-n", "1", "1", sys.argv[1]]
    try:
        main()
    except SystemExit:
        pass
print(f"TIMES {loaded - begin:.6f} {time.process_time() - loaded:.6f}")
print(said.getvalue())
"""

CLINGEXPLAID = """
import sys, time
begin = time.process_time()
from clingexplaid.preprocessors import AssumptionPreprocessor, FilterPattern
from clingexplaid.unsat import SubsetComputer
loaded = time.process_time()
text = open(sys.argv[1], encoding="utf-8").read()
facts = open(sys.argv[2], encoding="utf-8").read().split("\\n")
asked = open(sys.argv[3], encoding="utf-8").read()
processor = AssumptionPreprocessor(filters=[FilterPattern(fact) for fact in facts])
processor.process(text + "\\n:- " + asked + ".\\n")
processor.control.ground([("base", [])])
found = SubsetComputer(processor.control, processor.assumptions).mus()
print(f"TIMES {loaded - begin:.6f} {time.process_time() - loaded:.6f}")
for it in sorted(found.symbol_strings):
    print(it)
"""


class Said(NamedTuple):
    """What a tool said, and how long it took to load and to explain."""

    loading: float
    explaining: float
    lines: list[str]


def ground(derivation: Derivation) -> str:
    """Give the ground program of a derivation: facts, and applied rules with what is only compared left out."""
    lines = [f"{fact}." for fact in sorted({*derivation.chart, *derivation.listed, *derivation.tables})]
    for head, instances in sorted(derivation.ways.items()):
        for instance in instances:
            counted = [atom for it in instance.aggregates for way in it.alternatives for atom in way.positive]
            body = [*instance.positive, *counted]
            body += [f"not {atom}" for atom in instance.negative if "_" not in _arguments(atom)]
            lines.append(f"{head} :- {', '.join(dict.fromkeys(body))}." if body else f"{head}.")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _arguments(atom: str) -> list[str]:
    return atom.partition("(")[2].rstrip(")").replace("(", ",").split(",")


def run() -> None:
    """Explain one unit by all three, beside the time that bare clingo takes for the program."""
    explainer, encounter = Explainer(common.coder().policy), next(iter(common.encounters(1)))
    case = explainer.case(encounter)
    derivation = case.derivation(case.alternatives[0])
    unit = derivation.units()[0]
    code = str(derivation.of("unit")[0].arguments[0]).strip('"')
    text = ground(derivation)
    rules = text.count(":-")
    print(
        f"  {len(encounter.administrations)} administrations; {text.count(chr(10)) - rules} facts, {rules} ground rules"
    )
    print(f"  asked: why {unit}")
    common.Clock.by_processor()
    print(f"  bare clingo, the ground program: {1000 * common.median(lambda: common.bare(text), WARM):.1f} ms")
    _ours(explainer, encounter, code)
    with tempfile.TemporaryDirectory() as folder:
        for name, packages in PACKAGES.items():
            print(f"\n  {', '.join(packages)}")
            try:
                _tell(name, _other(name, Path(folder) / name, text, sorted(derivation.chart), unit))
            except (OSError, subprocess.SubprocessError) as error:
                print(f"    {_why(error)}; the rest goes on")


def _ours(explainer: Explainer, encounter: Encounter, code: str) -> None:
    times = []
    for _ in range(WARM):
        fresh = Explainer(explainer.coder.policy)
        fresh.why(encounter, code)
        begin = time.process_time()
        found = fresh.why(encounter, code)
        out = Console(file=io.StringIO(), width=110)
        for words in why_words(found):
            out.print(words)
        times.append(time.process_time() - begin)
        lines = [line.rstrip() for line in out.file.getvalue().splitlines() if line.strip()]  # type: ignore[attr-defined]
    print("\n  ivproof")
    _tell("ivproof", Said(0, sorted(times)[WARM // 2], lines))


def _other(name: str, folder: Path, text: str, facts: Sequence[str], unit: str) -> Said:
    """Install one of the others and let it explain."""
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES[name]], check=True, capture_output=True, text=True)
    program, script = folder / "program.lp", folder / "explain.py"
    program.write_text(text + (f"%!show_trace {{{unit}}} :- {unit}.\n" if name == "xclingo" else ""), "utf-8")
    script.write_text(XCLINGO if name == "xclingo" else CLINGEXPLAID, "utf-8")
    folder.joinpath("facts.txt").write_text("\n".join(facts), "utf-8")
    folder.joinpath("asked.txt").write_text(unit, "utf-8")
    arguments = [str(program), str(folder / "facts.txt"), str(folder / "asked.txt")]
    found = subprocess.run(
        [python, str(script), *arguments], check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    lines = found.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("TIMES"))
    loading, explaining = map(float, lines[at].split()[1:])
    return Said(loading, explaining, [line for line in lines[at + 1 :] if line.strip()])


def _tell(name: str, said: Said) -> None:
    loading = (
        f" (and {1000 * said.loading:.0f} ms to load it)" if said.loading else " warm, from the chart to the words"
    )
    print(f"    {1000 * said.explaining:.1f} ms{loading}; {len(said.lines)} lines; it {GIVES[name]}")
    for line in said.lines[:SHOWN]:
        print(f"    | {line[:110]}")
    if len(said.lines) > SHOWN:
        print(f"    | … {len(said.lines) - SHOWN} more")


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"did not finish in {PATIENCE} s"
    told: Iterator[str] = iter(str(getattr(error, "stderr", None) or error).strip().splitlines()[-1:])
    return f"cannot be installed or run here: {next(told, type(error).__name__)}"


GIVES = {
    "ivproof": "names rule, citation and place in the chart of each step, absences too, and writes a checkable proof",
    "xclingo": "gives one tree of rules and facts (there may be many); negative conditions are not explained",
    "clingexplaid": "gives a smallest set of facts that force the unit; no rules, no steps",
}
"""What each tool gives and lacks, by its documentation and by what it said here."""
