"""How fast: ``python tests/benchmarks/run.py [NAME...] [--long] [--cpu] [--charts N]``, each figure
beside bare clingo.

NAME is one of throughput, tables, parts, single, start, growth, record, readings, summary, margins, missing, memory,
beside; without one, all but `tables`, `memory` and `beside` run, and with --long `memory` too. `beside` installs two
other explainers into a temporary folder and lets each explain the same. Times are medians by the wall clock, so other
work on the machine counts, which the load printed first tells; with --cpu what one process does alone (tables, parts,
single, growth, record, margins, missing) is taken by the processor's time instead.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import beside
import clingo
import common
import generate
import hard
import lab

from ivproof.chart import bounds
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts
from ivproof.chart.files import read
from ivproof.chart.reading import Chart
from ivproof.claim.batch import as_line
from ivproof.claim.coding import TOO_LARGE, Coder
from ivproof.engine.choices import CLAIM, DRUG_LINES
from ivproof.engine.engine import Answer
from ivproof.engine.explorer import Explorer
from ivproof.engine.second import SecondEngine
from ivproof.importers.tables import scan_tables
from ivproof.law.policy import Policy
from ivproof.unknowns.gaps import Time
from ivproof.unknowns.moments import charted, shifted
from ivproof.whatif.margins import margins_of
from ivproof.whatif.missing import missing_facts
from ivproof.why.derivation import Derivation
from ivproof.why.record import Recorder

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

JOBS = 2
"""Processes of the runs over many charts."""


def say(what: str, figure: str, baseline: str = "") -> None:
    """Print one figure, and the baseline's."""
    print(f"  {what:<44} {figure:>18}   {baseline and 'bare clingo: ' + baseline}", flush=True)


def tell(what: str, figure: str, came: str) -> None:
    """Print one figure, and what came of it."""
    print(f"  {what:<44} {figure:>18}   {came}", flush=True)


def ms(seconds: float) -> str:
    """Write a time in milliseconds."""
    return f"{1000 * seconds:.2f} ms"


# --- Many charts


def throughput(count: int) -> None:
    """Charts a second from JSON Lines to JSON Lines, by the command, on two processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.jsonl"
        common.write_visits(path, count)
        times = []
        for option in ("--no-assumptions", "--assumptions"):
            begin = time.perf_counter()
            _code([path], Path(folder) / "out.jsonl", option)
            times.append(time.perf_counter() - begin)
    facts = [common.coder().facts(it) for it in common.encounters(count)]
    texts = [common.program(chunk) for chunk in common.chunks(facts)]
    with ProcessPoolExecutor(JOBS) as pool:
        list(pool.map(common.bare, texts[:JOBS]))
        begin = time.perf_counter()
        list(pool.map(common.bare, texts))
        alone = time.perf_counter() - begin
    say(f"charts a second, {count} visits, {JOBS} processes", f"{count / times[0]:.0f} /s", f"{count / alone:.0f} /s")
    say("with the readings that each claim depends on", f"{count / times[1]:.0f} /s")


def _code(sources: Sequence[Path], target: Path, option: str) -> None:
    arguments = [
        common.command(),
        "code",
        *map(str, sources),
        "--format",
        "json",
        "--recheck",
        "none",
        "--jobs",
        str(JOBS),
    ]
    arguments.append(option)
    with target.open("wb") as out:
        subprocess.run(arguments, stdout=out, stderr=subprocess.DEVNULL, check=True)


def tables(count: int) -> None:
    """The same visits as JSON Lines and as two Parquet tables: reading and checking them, and the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "visits.jsonl"
        common.write_visits(lines, count)
        frames = common.write_tables(Path(folder), read([lines]))
        ways: dict[str, tuple[Callable[[], Iterable[Chart]], Sequence[Path]]] = {
            "JSON Lines": (lambda: read([lines]), [lines]),
            "tables": (lambda: (it.chart() for it in scan_tables(map(str, frames))), frames),
        }
        told = {}
        for what, (charts, files) in ways.items():
            begin = common.Clock.now()
            checked = sum(it.encounter is not None for it in charts())
            say(f"{checked} charts read and checked, {what}", f"{common.Clock.now() - begin:.1f} s")
            target = Path(folder) / "out.jsonl"
            begin = time.perf_counter()
            _code(files, target, "--no-assumptions")
            say(f"the whole command, {JOBS} processes, {what}", f"{time.perf_counter() - begin:.1f} s")
            told[what] = target.read_bytes()
        print("    the same bytes" if len(set(told.values())) == 1 else "    OTHER BYTES")


def parts(count: int) -> None:
    """Where the time of a chart goes, in one process: the median chunk, divided by its charts."""
    coder = common.coder()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.jsonl"
        common.write_visits(path, count)
        begin = common.Clock.now()
        charts = [chart.encounter for chart in read([path]) if chart.encounter is not None]
        reading = (common.Clock.now() - begin) / count
    spent: dict[str, list[float]] = {}
    coder.code(charts[: common.CHUNK])
    for chunk in common.chunks(charts):
        begin = common.Clock.now()
        facts = [coder.facts(encounter) for encounter in chunk]
        at_facts = common.Clock.now()
        coder.engine._ground(facts)
        at_ground = common.Clock.now()
        coder.engine.answer(facts)
        at_answer = common.Clock.now()
        found = coder.code(chunk)
        at_code = common.Clock.now()
        for encounter, determination in zip(chunk, found, strict=True):
            as_line(encounter, determination)
        at_line = common.Clock.now()
        alone = common.seconds(partial(common.bare, common.program(facts)))
        grounding, answer = at_ground - at_facts, at_answer - at_ground
        for name, value in {
            "facts": at_facts - begin,
            "grounding": grounding,
            "solving, and reading the answer": answer - grounding,
            "determination": at_code - at_answer - answer - (at_facts - begin),
            "writing": at_line - at_code,
            "alone": alone,
        }.items():
            spent.setdefault(name, []).append(value / len(chunk))
    middle = {name: sorted(values)[len(values) // 2] for name, values in spent.items()}
    alone = middle.pop("alone")
    say("reading a chart", ms(reading))
    for name, value in middle.items():
        say(name, ms(value), f"{ms(alone)} (with solving)" if name == "grounding" else "")
    say("all of it, one process", ms(reading + sum(middle.values())))


def memory(count: int) -> None:
    """The most memory that the command and its processes hold together while they code many charts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.jsonl"
        common.write_visits(path, count)
        begin = time.perf_counter()
        arguments = [common.command(), "code", str(path), "--format", "json", "--jobs", str(JOBS)]
        with (Path(folder) / "out.jsonl").open("wb") as out:
            process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True)
            most = 0
            while process.poll() is None:
                most = max(most, _resident(process.pid))
                time.sleep(0.2)
        taken = time.perf_counter() - begin
    say(f"peak memory, {count} visits, {JOBS} processes", f"{most / 2**20:.0f} MB", "not measured")
    say("charts a second meanwhile", f"{count / taken:.0f} /s")


def _resident(session: int) -> int:
    """Sum the memory of all processes of a session, what they share counted for each (Linux only)."""
    total = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getsid(int(entry.name)) == session:
                total += int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


# --- One chart


def single(_: int) -> None:
    """One visit of six administrations in a warm process, with the readings that its claim depends on and without."""
    with_readings = common.coder().assuming()
    visits = [generate.encounter(generate.visit(random.Random(seed), range(6, 7))) for seed in range(40)]
    for what, coder in (("with its readings", with_readings), ("the claim", with_readings.assuming(False))):
        ours, alone = [], []
        for encounter in visits:
            text = common.program([coder.facts(encounter)])
            coder.code([encounter])
            ours.append(common.median(lambda it=encounter, by=coder: by.code([it]), 5))  # type: ignore[misc]
            alone.append(common.median(lambda it=text: common.bare(it), 5))  # type: ignore[misc]
        for name, at in (("median", len(ours) // 2), ("slowest", -1)):
            say(f"one visit of 6, warm, {what}: {name}", ms(sorted(ours)[at]), ms(sorted(alone)[at]))


def start(_: int) -> None:
    """From starting the command to the first claim, and to the reasons of a code."""
    chart = generate.visit(random.Random(0), range(6, 7))
    with tempfile.TemporaryDirectory() as folder:
        path, text = Path(folder) / "visit.json", Path(folder) / "visit.lp"
        path.write_text(json.dumps(chart))
        text.write_text(common.program([common.coder().facts(generate.encounter(chart))]))
        load = f"import clingo; c = clingo.Control(['--warn=none']); c.load({str(text)!r})"
        alone = f"{load}; c.ground([('base', [])]); c.solve()"
        ours = [common.command(), "code", str(path), "--format", "json"]
        [found] = common.coder().code([generate.encounter(chart)])
        why = [common.command(), "why", str(path), found.claim[0].code]
        # an installed command finds its modules compiled
        kept = {name: it for name, it in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        quiet = partial(subprocess.run, stdout=subprocess.DEVNULL, check=True, env=kept)
        bare = [sys.executable, "-W", "ignore", "-c", alone]
        times = []
        for arguments in (ours, why, bare):
            taken = []
            quiet(arguments)
            for _again in range(7):
                begin = time.perf_counter()
                quiet(arguments)
                taken.append(time.perf_counter() - begin)
            times.append(sorted(taken)[3])
    say("command start to first claim", f"{times[0]:.2f} s", f"{times[2]:.2f} s")
    say("command start to the reasons of a code", f"{times[1]:.2f} s")


def growth(_: int) -> None:
    """Charts of 6, 20, 60 and 200 administrations with their open questions, and charts that are hard in other ways.

    All of it is told: the claim, derived again by the second engine, what each missing fact would change and what
    other readings would. Where that is more than is allowed, what is left out is said. By the processor's time.
    """
    coder = Coder(Policy.load("out001"), assumptions=True)
    _told_of(coder, hard.in_sequence(2))  # what is prepared once
    for what, make in (("in sequence", hard.in_sequence), ("overlapping", hard.overlapping)):
        for size in (6, 20, 60, 200):
            tell(f"{size} administrations {what}", *_told_of(coder, make(size)))
    for name, chart in hard.every():
        tell(name, *_told_of(coder, chart))


def _told_of(coder: Coder, chart: hard.Chart) -> tuple[str, str]:
    """How long it takes to answer a chart, and what came of it."""
    encounter = generate.encounter(chart)
    begin = time.process_time()
    try:
        with bounds.for_chart(encounter):
            [found] = coder.code([encounter], "all")
        left_out = [it for it in found.missing if it.searched == TOO_LARGE]
        came = found.status + (", missing facts not tried" if left_out else "")
    except TooManyWaysError as error:
        came = "undecided: " + str(error).partition(": ")[2].partition(".")[0]
    return f"{time.process_time() - begin:.1f} s", f"{came}, {_most_held()} MB"


def _most_held() -> int:
    """The most memory that this process has held so far, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 2**20 if sys.platform == "darwin" else most // 1024


def record(_: int) -> None:
    """The complete record of visits that are coded already, and the second engine's answers; clingo codes them."""
    coder = common.coder()
    recorder, second = Recorder(coder.policy), SecondEngine(coder.policy)
    for size in (6, 60):
        visits = [coder.facts(generate.encounter(generate.tally(random.Random(seed), size))) for seed in range(6)]
        ours, checked, alone = [], [], []
        for facts in visits:
            [answer] = coder.engine.answer([facts])

            def founded(facts: Facts = facts, answer: Answer = answer) -> None:
                _ = Derivation(recorder.record(facts, answer)).founded

            founded()
            second.check(facts, answer)
            ours.append(common.median(founded, 5))
            checked.append(common.median(partial(second.check, facts, answer), 5))
            alone.append(common.median(partial(common.bare, coder.engine.program_text([facts])), 5))
        middle = [sorted(times)[len(times) // 2] for times in (ours, checked, alone)]
        say(f"record of {size} administrations, warm: median", ms(middle[0]), ms(middle[2]))
        say("the second engine's answer to it", ms(middle[1]))


def margins(_: int) -> None:
    """The margins of visits of eight administrations, and those of one found by solving minute after minute."""
    coder = common.coder()
    visits = [generate.encounter(generate.visit(random.Random(seed), range(8, 9))) for seed in range(20)]
    visits = [it for it in visits if not coder.engine.answer([coder.facts(it)])[0].alternatives]
    margins_of(coder, visits[0])
    ours = sorted(common.median(partial(margins_of, coder, it), 3) for it in visits)
    say(f"{len(visits)} determined visits, warm: median", ms(ours[len(ours) // 2]))
    say("the slowest of them", ms(ours[-1]))
    begin = common.Clock.now()
    found, solved = every_minute(coder, visits[0])
    seconds = common.Clock.now() - begin
    told = {(it.place, it.way): it.minutes for it in margins_of(coder, visits[0]).settled[0].margins}
    same = "the same margins" if found == told else "OTHER MARGINS"
    say("the first of them by the first engine alone", f"{seconds:.1f} s")
    print(f"    {solved} charts solved, each minute either way up to the first other claim: {same}")
    ours = [common.median(partial(margins_of, coder, visits[0]), 3)]
    say("the first of them by ivproof margins", ms(ours[0]))


def missing(_: int) -> None:
    """What a chart with missing stops does not say, and a missing stop gone through by the first engine alone."""
    coder = common.coder()
    for name in ("10-missing-stop-times.yaml", "13-what-to-ask.yaml"):
        chart = next(it.encounter for it in read([EXAMPLES / name]) if it.encounter is not None)
        report = missing_facts(coder, chart)
        say(f"{name}, warm", ms(common.median(partial(missing_facts, coder, chart), 3)))
        print(
            f"    {len(report.facts)} missing facts, {report.combinations} combinations, {len(report.ask)} to ask for"
        )
    stop = next(it for it in chart.administrations if it.stop is None)
    start = chart.administrations.index(stop)
    supposed = Time("", start, "stop")
    charts = [supposed.put(chart, shifted(chart, stop.start, n)) for n in range(24 * 60)] if stop.start else []
    solving = common.seconds(lambda: [claims_of(coder, some) for some in common.chunks(charts)])
    say("one stop of it by the first engine alone", f"{solving:.1f} s")
    print(f"    {len(charts)} charts solved, one for each minute of a day")


def every_minute(coder: Coder, chart: Encounter) -> tuple[dict[tuple[str, str], int | None], int]:
    """Solve a chart again for each minute by which each of its times can move, until the claim is another one."""
    held = claims_of(coder, [chart])[0]
    found: dict[tuple[str, str], int | None] = {}
    solved = 0
    for moment in charted(chart):
        for way, sign, bound in (("earlier", -1, moment.earlier), ("later", 1, moment.later)):
            found[moment.place, way] = None
            minutes = range(1, bound.minutes + 1)
            for some in common.chunks(minutes, 50):
                claims = claims_of(coder, [moment.moved(chart, sign * minute) for minute in some])
                solved += len(some)
                changed = [minute for minute, claim in zip(some, claims, strict=True) if claim != held]
                if changed:
                    found[moment.place, way] = changed[0]
                    break
    return found, solved


def claims_of(coder: Coder, charts: Sequence[Encounter]) -> list[set[str]]:
    """Solve charts: the claim of each, or its rival claims, with the drug lines."""
    answers = coder.engine.answer([coder.facts(it) for it in charts])
    return [
        {str([it.atoms.get(name) for name in (*CLAIM, *DRUG_LINES)]) for it in answer.alternatives or (answer,)}
        for answer in answers
    ]


def others(_: int) -> None:
    """One unit of one visit, explained by ivproof, by xclingo and by clingexplaid from the same ground program."""
    beside.run()


def readings(_: int) -> None:
    """Visits of eight administrations with all questions open, and single ways of settling what touches them."""
    coder = common.coder()
    explorer = Explorer(coder.policy)
    visits = [coder.facts(generate.encounter(generate.visit(random.Random(seed), range(8, 9)))) for seed in range(12)]
    explorer.explore(visits[:1])
    ours, found = [], []
    for facts in visits:
        begin = common.Clock.now()
        found += explorer.explore([facts])
        ours.append(common.Clock.now() - begin)
    options = {key: len(question.options) for key, question in coder.policy.questions.items()}
    ways = sorted(prod(options[key] for key in it.touched) for it in found)
    alone = common.median(partial(coder.engine.plain, visits), 3) / len(visits)
    ordered = sorted(ours)
    say(f"{len(visits)} visits, warm: median", ms(ordered[len(ours) // 2]))
    say("the fastest and the slowest", f"{ms(ordered[0])}, {ms(ordered[-1])}")
    claims = sorted(len(it.claims) for it in found)
    print(f"    {claims[len(claims) // 2]} claims each (median), at most {claims[-1]}")
    say("one way of settling them, solved with the others of its kind", ms(alone))
    print(f"    of which there are {ways[len(ways) // 2]:,} (median): {alone * ways[len(ways) // 2]:,.0f} s one by one")


def summary(count: int) -> None:
    """Counting over visits what each question decides by itself, and only coding them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "visits.jsonl"
        common.write_visits(path, count)
        for what, arguments in (
            ("all questions", ["readings", str(path), "--summary"]),
            ("questions without a default", ["readings", str(path), "--summary", "--unresolved"]),
            ("missing facts", ["missing", str(path), "--summary"]),
            ("coding without assumptions", ["code", str(path), "--no-assumptions", "--recheck", "none"]),
        ):
            begin = time.perf_counter()
            subprocess.run(
                [common.command(), *arguments, "--format", "json", "--jobs", str(JOBS)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            seconds = time.perf_counter() - begin
            say(f"{count} visits, {what}", f"{seconds:.1f} s, {count / seconds:.0f} a second")


def edits(_: int) -> None:
    """Edits of the law over every chart to two administrations, in seconds of the processor after loading."""
    for what, seconds, came in lab.measured():
        tell(what, f"{seconds:.2f} s", came)


BENCHMARKS: dict[str, Callable[[int], None]] = {
    "throughput": throughput,
    "tables": tables,
    "parts": parts,
    "single": single,
    "start": start,
    "growth": growth,
    "record": record,
    "readings": readings,
    "summary": summary,
    "margins": margins,
    "missing": missing,
    "memory": memory,
    "beside": others,
    "edits": edits,
}
ON_REQUEST = ("tables", "memory", "beside", "edits")
"""Benchmarks that take long, or install something."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Measure ivproof beside bare clingo.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--long", action="store_true", help="also measure memory over 100,000 charts")
    parser.add_argument("--charts", type=int, help="how many charts, where there are many")
    parser.add_argument("--cpu", action="store_true", help="take the processor's time where one process works alone")
    chosen = parser.parse_args()
    if chosen.cpu:
        common.Clock.by_processor()
    if unknown := set(chosen.names) - BENCHMARKS.keys():
        parser.error(f"found {', '.join(sorted(unknown))}, expected some of {', '.join(BENCHMARKS)}")
    names = chosen.names or [
        name for name in BENCHMARKS if name not in ON_REQUEST or (name == "memory" and chosen.long)
    ]
    machine = f"Python {platform.python_version()}, clingo {clingo.__version__}, {os.cpu_count()} cores"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}", flush=True)
    for name in names:
        print(f"{name}: {BENCHMARKS[name].__doc__}")
        BENCHMARKS[name](chosen.charts or (100_000 if name == "memory" else 4_000))


if __name__ == "__main__":
    main()
