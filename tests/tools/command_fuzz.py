"""Mutates what commands read, and runs the commands: no traceback, no hang, no growth.

    python tests/tools/command_fuzz.py 200000 --seed 7

Every command that reads what somebody wrote, but for the service and those that search long, runs on mutated
charts, records, proofs, policies, tables, settings and arguments, with a low limit on work. It has to end with a known
status, within the time that the limit allows, with nothing on standard error that speaks of an error of the program.
The first that does not is printed with its input, and the status is 1.

The solver gives no term back that it has met (some 70 bytes each, a hundred or more of a chart that is new), so a
process that has run so many commands makes way for a new one, as those of a batch do; each is told with its memory.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import chart_fuzz
import generate
import typer
import typer.testing
from typer.testing import CliRunner, Result

from ivproof.cli import app
from ivproof.law.policy import law_folder
from ivproof.serve.log import DecisionLog

LIMIT = "2"
"""Millions of atoms that a chart may take."""

LONGEST = 120.0
"""Seconds of this process's own time that no command may take."""

STEP = 500
"""So many commands does one process run."""

GROWN = 600
"""Megabytes that no process may come to in them."""

STATUS = {0, 1, 2, 3}
CODES = ["96365", "96366", "96374", "96413", "99999", "", "J0696", "\x00", "９６３６５"]
READINGS = ["A9=longest", "A13=B", "A26=open", "A31=per_run", "nonsense", "A9=", "=", "A999=A", "tie_break=first"]

BYTES = [b"\x00", b"\xff\xfe", b"{", b"]", b"&a [*a]", b"\n---\n", b"1e999", b"\xef\xbb\xbf"]
CELLS = ["E1", "ceftriaxone", "IV", "2021-05-04 09:00", "09:30", "", '"', "=1+1", "Given", "1 g"]

Words = list[str]

COMMAND = typer.main.get_command(app)
"""Made once: to make it takes longer than most commands."""

HERE = Path(__file__).parents[1]
ROOT = HERE.parent


def invoke(words: Words) -> Result:
    """Run a command in this process."""
    with patch.object(typer.testing, "_get_command", lambda _: COMMAND):
        return CliRunner().invoke(app, words)


def charts(rng: random.Random, folder: Path) -> str:
    """A file of one to three charts, most of them mutated; sometimes its bytes are, too."""
    found = []
    for n in range(rng.choice([1, 1, 1, 2, 3])):
        visit = generate.visit(rng, range(1, 5), f"E{n}")
        if rng.random() < 0.5:
            visit["billed"] = [{"code": rng.choice(CODES[:4]), "units": rng.choice([1, 2])}]
        if rng.random() < 0.2:
            visit["payer"] = "aetna"
        found.append(chart_fuzz.mutate(rng, visit) if rng.random() < 0.5 else visit)
    whole = len(found) == 1 or rng.random() < 0.3
    text = json.dumps(found if len(found) > 1 else found[0]) if whole else "\n".join(map(json.dumps, found))
    return _file(rng, folder, text.encode(), [".json", ".yaml", ".yaml", ".txt"] if whole else [".jsonl"] * 5 + [""])


def _file(rng: random.Random, folder: Path, content: bytes, endings: Words) -> str:
    path = folder / f"input{rng.choice(endings)}"
    path.write_bytes(_bytes(rng, content) if rng.random() < 0.2 else content)
    return str(path)


def _bytes(rng: random.Random, content: bytes) -> bytes:
    """Bytes with some changed, taken out, doubled or put in."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(found) + 1)
        match rng.randrange(4):
            case 0:
                found[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del found[at : at + rng.choice([1, 3, 30])]
            case 2:
                found[at:at] = found[at : at + rng.choice([1, 10, 100])]
            case 3:
                found[at:at] = rng.choice(BYTES)
    return bytes(found)


def _code(rng: random.Random) -> str:
    return rng.choice(CODES)


def _options(rng: random.Random, folder: Path) -> Words:
    found: Words = []
    if rng.random() < 0.2:
        found += ["--reading", rng.choice(READINGS)]
    if rng.random() < 0.1:
        found += ["--encounter", rng.choice(["E0", "E1", "A", "", "\udc00", "x" * 300])]
    if rng.random() < 0.2:
        found += ["--format", rng.choice(["json", "table", "text", "csv", "dot", "graphml"])]
    return found


def _policy(rng: random.Random, folder: Path) -> str:
    """A copy of the policy of which one file is changed."""
    copy = folder / "policy"
    shutil.copytree(law_folder(), copy)
    files = sorted(it for it in copy.rglob("*") if it.suffix in {".lp", ".toml"} and "edits" not in it.parts)
    path = rng.choice(files)
    path.write_bytes(_bytes(rng, path.read_bytes()))
    return str(copy / "out001")


RECORDS = HERE / "records"
PRESETS = [("epic-mar", "epic-mar.csv"), ("cerner", "cerner-clif-mar.csv"), ("clif", "actions.csv")]


def _mutated(rng: random.Random, folder: Path, path: Path) -> str:
    """A copy of a file, mostly with some bytes changed."""
    found = folder / f"mutated{path.suffix}"
    content = path.read_bytes()
    found.write_bytes(_bytes(rng, content) if rng.random() < 0.5 else content)
    return str(found)


def _written(rng: random.Random, folder: Path, name: str) -> Words:
    """Where a command writes: mostly a file of the folder."""
    return ["-o", rng.choice([str(folder / name)] * 8 + ["/dev/full", str(folder / "none" / name), str(folder)])]


def _events(rng: random.Random, folder: Path) -> Words:
    """A table of events and the options for it."""
    preset, name = rng.choice(PRESETS)
    if rng.random() < 0.2:
        rows = [",".join(rng.choice(CELLS) for _ in range(9)) for _ in range(rng.randrange(6))]
        path = _file(rng, folder, "\n".join(rows).encode(), [".csv", ".parquet", ""])
    else:
        path = _mutated(rng, folder, RECORDS / name)
    mapped = ["--preset", preset]
    if rng.random() < 0.2:
        (folder / "map").mkdir()
        mapped = ["--map", _mutated(rng, folder / "map", RECORDS / rng.choice(["epic.toml", "cerner-clif.toml"]))]
    place = rng.choice(["22", "22", "22", "11", "x"])
    return ["import", "mar", path, *mapped, "--place-of-service", place, *_imported(rng, folder)]


def _resources(rng: random.Random, folder: Path) -> Words:
    """FHIR resources, mutated."""
    path = rng.choice(sorted(it for it in (RECORDS / "fhir").rglob("*") if it.is_file()))
    return ["import", "fhir", _mutated(rng, folder, path), "--place-of-service", "22", *_imported(rng, folder)]


def _imported(rng: random.Random, folder: Path) -> Words:
    return ["--check"] if rng.random() < 0.3 else _written(rng, folder, "imported.jsonl")


def _tables(rng: random.Random, folder: Path) -> Words:
    """Tables of encounters and of what was given, one of them mutated."""
    found = []
    broken = rng.choice(["encounters", "administrations"])
    for name in ("encounters", "administrations"):
        path = folder / f"{name}.csv"
        content = (RECORDS / "tables" / f"{name}.csv").read_bytes()
        path.write_bytes(_bytes(rng, content) if name == broken else content)
        found.append(str(path))
    return found


def _x12(rng: random.Random, folder: Path) -> str:
    """A claim or a remittance, mutated."""
    return _mutated(rng, folder, rng.choice(sorted(it for it in (RECORDS / "x12").iterdir() if it.suffix == ".txt")))


def _deidentified(rng: random.Random, folder: Path) -> Words:
    return ["deidentify", charts(rng, folder), "--key", str(folder / "key"), "--new-key"]


@cache
def _proved(number: int) -> bytes:
    """A proof that nobody changed."""
    with tempfile.TemporaryDirectory() as held:
        visit = Path(held) / "visit.json"
        visit.write_text(json.dumps(generate.visit(random.Random(number), range(1, 3))), "utf-8")
        return invoke(["prove", str(visit), "--limit", LIMIT]).stdout_bytes


def _proof(rng: random.Random, folder: Path) -> str:
    """A proof with some bytes changed, or with some of its values taken out, doubled or put elsewhere."""
    proof = _proved(rng.randrange(3))
    if rng.random() < 0.5:
        return _file(rng, folder, _bytes(rng, proof), [".json"])
    return _file(rng, folder, json.dumps(_shaken(rng, json.loads(proof))).encode(), [".json"])


def _shaken(rng: random.Random, value: Any) -> Any:
    """A document in which one value, somewhere, is another."""
    part = value
    while isinstance(part, dict | list) and part:
        keys = [*part] if isinstance(part, dict) else [*range(len(part))]
        key = rng.choice(keys)
        if not isinstance(part[key], dict | list) or not part[key] or rng.random() < 0.2:
            part[key] = rng.choice([*chart_fuzz.ODD, *chart_fuzz.TEXTS, part[rng.choice(keys)]])
            break
        part = part[key]
    return value


def _checked(rng: random.Random, folder: Path) -> Words:
    words = ["check", _proof(rng, folder), "--limit", LIMIT]
    words += rng.choice(
        [[], [], ["--published"], ["--embedded"], ["--claim", rng.choice(["96365=1", "96374", "=", "x=y"])]]
    )
    return words + (["--format", "json"] if rng.random() < 0.3 else [])


def _log(rng: random.Random, folder: Path) -> Words:
    """A log of decisions, mutated."""
    lines: list[bytes] = []
    log = DecisionLog(lines.append, clock=lambda: "2026-01-02T03:04:05+00:00")
    for n in range(rng.randrange(5)):
        log.add({"decision": f"d{n}", "question": "code"})
    noted = ["--noted", rng.choice([log.last, "x", ""])] if rng.random() < 0.3 else []
    return ["log", "verify", _file(rng, folder, b"".join(lines), [".jsonl"]), *noted]


@cache
def _packed() -> bytes:
    """The policy of the package in one file."""
    with tempfile.TemporaryDirectory() as held:
        path = Path(held) / "packed.tar.gz"
        invoke(["policy", "bundle", "out001", "-o", str(path)])
        return path.read_bytes()


def _bundle(rng: random.Random, folder: Path) -> Words:
    return ["policy", "verify", _file(rng, folder, _bytes(rng, _packed()), [".tar.gz"])]


SHORT = 3_000
"""Files of cases of so many bytes have few: judging one takes long."""


def _cases(rng: random.Random, folder: Path) -> Words:
    """Worked cases, mutated."""
    path = rng.choice(sorted(it for it in (HERE / "cases" / "faults").glob("*.yaml") if it.stat().st_size < SHORT))
    return ["policy", "test", _mutated(rng, folder, path)]


def _edits(rng: random.Random, folder: Path) -> Words:
    """Tables of claim edits, of which one is mutated."""
    option, name = rng.choice([("--ptp", "ptp"), ("--mue", "mue-hospital"), ("--add-on", "add-on")])
    return ["code", charts(rng, folder), option, _mutated(rng, folder, law_folder() / "edits" / f"{name}.csv")]


SETTINGS = """
limit = 2
[readings]
A9 = "first"
[payers.aetna]
limits = {"96361" = 1}
[payers.aetna.readings]
A44 = "B"
"""


def _settings(rng: random.Random, folder: Path) -> Words:
    """Settings, mutated."""
    path = folder / "settings.toml"
    path.write_text(SETTINGS, "utf-8")
    return ["--settings", _mutated(rng, folder, path), "code", charts(rng, folder)]


def _packet(rng: random.Random, folder: Path) -> Words:
    name = rng.choice(["packet.html", "packet.docx", "packet.json"])
    return ["audit", charts(rng, folder), "--for", rng.choice(["payer", "internal"]), *_written(rng, folder, name)]


def _exported(rng: random.Random, folder: Path) -> Words:
    named = [
        "--patient",
        "Patient/1",
        "--provider",
        rng.choice(["Organization/1", "", "x y"]),
        "--coverage",
        "Coverage/1",
    ]
    kinds = ["--as", rng.choice(["task", "claim", "issue", "provenance"])]
    at = rng.choice(["2021-03-01T12:00:00Z"] * 5 + ["", "2021-03-01", "now"])
    return ["export", "fhir", charts(rng, folder), "--at", at, *named, *kinds]


def _priced(rng: random.Random, folder: Path) -> Words:
    """Prices and groups for a summary, mutated."""
    (folder / "prices").mkdir()
    (folder / "groups").mkdir()
    prices, groups = folder / "p.csv", folder / "g.csv"
    prices.write_text("code,price\n96365,70.5\n96374,40\n", "utf-8")
    groups.write_text("encounter,coder\nE,one\n", "utf-8")
    mutated = [
        "--prices",
        _mutated(rng, folder / "prices", prices),
        "--groups",
        _mutated(rng, folder / "groups", groups),
    ]
    return ["audit", charts(rng, folder), "--summary", "--search", "none", *mutated]


def _old_and_new(rng: random.Random, folder: Path) -> Words:
    return ["policy", "compare", "out001", _policy(rng, folder), charts(rng, folder)]


COMMANDS: dict[str, Callable[[random.Random, Path], Words]] = {
    "code": lambda rng, folder: ["code", charts(rng, folder), *_options(rng, folder)],
    "code -o": lambda rng, folder: ["code", charts(rng, folder), *_written(rng, folder, "out.jsonl")],
    "code --as-case": lambda rng, folder: ["code", charts(rng, folder), "--as-case"],
    "code of tables": lambda rng, folder: ["code", *_tables(rng, folder), *_options(rng, folder)],
    "code with edits": _edits,
    "code by a policy": lambda rng, folder: ["code", charts(rng, folder), "--policy", _policy(rng, folder)],
    "code by settings": _settings,
    "audit": lambda rng, folder: ["audit", charts(rng, folder), *_options(rng, folder)],
    "audit -o": lambda rng, folder: ["audit", charts(rng, folder), *_written(rng, folder, "out.csv")],
    "audit --claim": lambda rng, folder: ["audit", charts(rng, folder), "--claim", _x12(rng, folder)],
    "audit --summary": _priced,
    "audit, a packet": _packet,
    "readings of": lambda rng, folder: ["readings", "of", charts(rng, folder), *_options(rng, folder)],
    "readings show": lambda rng, folder: ["readings", "show", rng.choice([*READINGS, *chart_fuzz.TEXTS])],
    "missing": lambda rng, folder: ["missing", charts(rng, folder), *_options(rng, folder)],
    "margins": lambda rng, folder: ["margins", charts(rng, folder), *_options(rng, folder)],
    "why": lambda rng, folder: ["why", charts(rng, folder), _code(rng), *_options(rng, folder)],
    "whynot": lambda rng, folder: ["whynot", charts(rng, folder), _code(rng), *_options(rng, folder)],
    "explain": lambda rng, folder: ["explain", charts(rng, folder), *_options(rng, folder)],
    "report": lambda rng, folder: ["report", charts(rng, folder), *_written(rng, folder, "page.html")],
    "export fhir": _exported,
    "deidentify": _deidentified,
    "prove": lambda rng, folder: ["prove", charts(rng, folder)],
    "check": _checked,
    "check --chart": lambda rng, folder: ["check", _proof(rng, folder), "--chart", charts(rng, folder)],
    "log verify": _log,
    "import mar": _events,
    "import fhir": _resources,
    "policy lint": lambda rng, folder: ["policy", "lint", "--policy", _policy(rng, folder)],
    "policy show": lambda rng, folder: ["policy", "show", "--policy", _policy(rng, folder)],
    "policy compare": _old_and_new,
    "policy bundle": lambda rng, folder: ["policy", "bundle", _policy(rng, folder), *_written(rng, folder, "x.tar.gz")],
    "policy verify": _bundle,
    "policy test": _cases,
    "drugs find": lambda rng, folder: ["drugs", "find", rng.choice(chart_fuzz.TEXTS + generate.PRINTED)],
    "schema": lambda rng, _: ["schema", rng.choice(["encounter", "case", "tables", "", "x"])],
}
LIMITED = {"code", "audit", "readings", "missing", "margins", "why", "whynot", "explain", "report", "prove"}
UNLIMITED = {"readings show"}
OFTEN = {
    "code of tables": 8,
    "audit --summary": 2,
    "readings show": 5,
    "explain": 2,
    "deidentify": 8,
    "check": 3,
    "check --chart": 8,
    "log verify": 20,
    "import mar": 20,
    "import fhir": 20,
    "policy verify": 20,
    "drugs find": 10,
    "schema": 1,
    "code with edits": 0.4,
    "code by a policy": 0.2,
    "policy lint": 0.2,
    "policy show": 0.2,
    "policy compare": 0.2,
    "policy test": 0.2,
}
"""How often a command is run that is quick or takes long, of once for each other."""


def once(rng: random.Random, name: str) -> tuple[str, int]:
    """Run a command on something mutated; give what is wrong with how it ended, and its status."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        words = COMMANDS[name](rng, folder)
        if LIMITED.intersection(words[:3]) and name not in UNLIMITED:
            words += ["--limit", LIMIT]
        begin = time.process_time()
        done = invoke(words)
        taken = time.process_time() - begin
        problems = []
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            problems.append(f"raised {type(done.exception).__name__}: {done.exception}")
        if done.exit_code not in STATUS:
            problems.append(f"status {done.exit_code}")
        problems += [it for it in ("internal error", "Traceback") if it in done.stderr]
        if taken > LONGEST:
            problems.append(f"took {taken:.0f} s")
        if not problems:
            return "", done.exit_code
        shown = {it.name: it.read_bytes()[:4000] for it in folder.iterdir() if it.is_file()}
        return f"{words}: {'; '.join(problems)}\n{done.stderr[-2000:]}\n{shown}", done.exit_code


def runs(rng: random.Random, count: int) -> Counter[tuple[str, int]]:
    """Run so many commands; give how often each ended with each status. Raises AssertionError at the first problem."""
    found: Counter[tuple[str, int]] = Counter()
    names = [*COMMANDS]
    weights = [OFTEN.get(name, 1) for name in names]
    for _ in range(count):
        [name] = rng.choices(names, weights)
        problem, status = once(rng, name)
        if problem:
            raise AssertionError(problem)
        found[name, status] += 1
    return found


def held() -> int:
    """The most memory that this process has held, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 2**20 if sys.platform == "darwin" else most // 1024


def main() -> int:
    """Run as the command line says; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    total: Counter[tuple[str, int]] = Counter()
    seeds = [f"{given.seed} {at}" for at in range(0, given.count, STEP)]
    with ProcessPoolExecutor(1, max_tasks_per_child=1) as pool:
        for found, problem, grown in pool.map(_step, seeds, [STEP] * len(seeds)):
            total += found
            if problem or grown > GROWN:
                print(problem or f"a process grew to {grown} MB")
                return 1
            ends = Counter(dict.fromkeys(STATUS, 0))
            for (_, status), count in total.items():
                ends[status] += count
            told = ", ".join(f"{count} with status {status}" for status, count in sorted(ends.items()))
            print(f"{total.total()} commands run: {told}; no traceback; {grown} MB", flush=True)
    print("\n".join(f"{count} {name}: {status}" for (name, status), count in sorted(total.items())))
    return 0


def _step(seed: str, count: int) -> tuple[Counter[tuple[str, int]], str, int]:
    """Run so many commands; give how they ended, the first problem, and the megabytes that the process has held."""
    try:
        return runs(random.Random(seed), count), "", held()
    except AssertionError as error:
        return Counter(), str(error), held()


if __name__ == "__main__":
    sys.exit(main())
