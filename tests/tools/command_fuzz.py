"""Mutates what commands read, and runs the commands: no traceback, no hang, no growth.

    python tests/tools/command_fuzz.py 200000 --seed 7

Every command runs in this process, on mutated charts, records, proofs, policies and arguments, with a low limit on
work. It has to end with a known status, within the time that the limit allows, with nothing on standard error that
speaks of an error of the program. The first that does not is printed with its input, and the status is 1.
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
from pathlib import Path

import chart_fuzz
import generate
from typer.testing import CliRunner

from ivproof.cli import app
from ivproof.law.policy import law_folder

LIMIT = "2"
"""Millions of atoms that a chart may take."""

LONGEST = 120.0
"""Seconds of this process's own time that no command may take."""

GROWN = 600
"""Megabytes beyond which a process that runs all this does not grow: some of it is what the solver has met."""

STATUS = {0, 1, 2, 3}
CODES = ["96365", "96366", "96374", "96413", "99999", "", "J0696", "\x00", "９６３６５"]
READINGS = ["A9=longest", "A13=B", "A26=open", "A31=per_run", "nonsense", "A9=", "=", "A999=A", "tie_break=first"]

BYTES = [b"\x00", b"\xff\xfe", b"{", b"]", b"&a [*a]", b"\n---\n", b"1e999", b"\xef\xbb\xbf"]
CELLS = ["E1", "ceftriaxone", "IV", "2021-05-04 09:00", "09:30", "", '"', "=1+1", "Given", "1 g"]

Words = list[str]


def charts(rng: random.Random, folder: Path) -> str:
    """A file of one to three charts, most of them mutated; sometimes its bytes are, too."""
    found = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        visit = generate.visit(rng, range(1, 5))
        found.append(chart_fuzz.mutate(rng, visit) if rng.random() < 0.5 else visit)
    text = "\n".join(json.dumps(it) for it in found).encode("utf-8", "surrogatepass")
    return _file(rng, folder, text, [".json", ".jsonl", ".yaml", ".txt", ""])


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
                found[at:at] = rng.choice(
                    [b"\x00", b"\xff\xfe", b"{", b"]", b"&a [*a]", b"\n---\n", b"1e999", b"\xef\xbb\xbf"]
                )
    return bytes(found)


def _code(rng: random.Random) -> str:
    return rng.choice(CODES)


def _options(rng: random.Random, folder: Path) -> Words:
    found: Words = []
    if rng.random() < 0.2:
        found += ["--reading", rng.choice(READINGS)]
    if rng.random() < 0.1:
        found += ["--encounter", rng.choice(["E", "A", "", "\udc00", "x" * 300])]
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


RECORDS = Path(__file__).parents[1] / "records"
PRESETS = [("epic-mar", "epic-mar.csv"), ("cerner", "cerner-clif-mar.csv"), ("clif", "actions.csv")]


def _events(rng: random.Random, folder: Path) -> Words:
    """A table of events and the options for it."""
    preset, name = rng.choice(
        [("epic-mar", "epic-mar.csv"), ("cerner", "cerner-clif-mar.csv"), ("clif", "actions.csv")]
    )
    table = RECORDS / name
    if rng.random() < 0.2:
        rows = [",".join(rng.choice(CELLS) for _ in range(9)) for _ in range(rng.randrange(6))]
        path = _file(rng, folder, "\n".join(rows).encode(), [".csv", ".parquet", ""])
    else:
        path = _file(rng, folder, _bytes(rng, table.read_bytes()), [".csv"])
    return [path, "--preset", preset, "--place-of-service", rng.choice(["22", "11", "x"])]


def _resources(rng: random.Random, folder: Path) -> Words:
    """FHIR resources, mutated."""
    path = rng.choice(sorted(it for it in (RECORDS / "fhir").rglob("*") if it.is_file()))
    return [_file(rng, folder, _bytes(rng, path.read_bytes()), [path.suffix])]


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
    path = rng.choice(sorted(it for it in (RECORDS / "x12").iterdir() if it.suffix == ".txt"))
    return _file(rng, folder, _bytes(rng, path.read_bytes()), [path.suffix])


def _deidentified(rng: random.Random, folder: Path) -> Words:
    return ["deidentify", charts(rng, folder), "--key", str(folder / "key"), "--new-key"]


def _proof(rng: random.Random, folder: Path) -> str:
    visit = folder / "visit.json"
    visit.write_text(json.dumps(generate.visit(random.Random(rng.randrange(3)), range(1, 3))), "utf-8")
    done = CliRunner().invoke(app, ["prove", str(visit), "--limit", LIMIT])
    return _file(rng, folder, _bytes(rng, done.stdout.encode()), [".json"])


COMMANDS: dict[str, Callable[[random.Random, Path], Words]] = {
    "code": lambda rng, folder: ["code", charts(rng, folder), *_options(rng, folder)],
    "audit": lambda rng, folder: ["audit", charts(rng, folder), *_options(rng, folder)],
    "readings": lambda rng, folder: ["readings", charts(rng, folder), *_options(rng, folder)],
    "missing": lambda rng, folder: ["missing", charts(rng, folder), *_options(rng, folder)],
    "margins": lambda rng, folder: ["margins", charts(rng, folder), *_options(rng, folder)],
    "why": lambda rng, folder: ["why", charts(rng, folder), _code(rng), *_options(rng, folder)],
    "whynot": lambda rng, folder: ["whynot", charts(rng, folder), _code(rng), *_options(rng, folder)],
    "explain": lambda rng, folder: ["explain", charts(rng, folder), *_options(rng, folder)],
    "report": lambda rng, folder: ["report", charts(rng, folder), "-o", str(folder / "page.html"), "--force-nothing"][
        :4
    ],
    "code of tables": lambda rng, folder: ["code", *_tables(rng, folder), *_options(rng, folder)],
    "audit --claim": lambda rng, folder: ["audit", charts(rng, folder), "--claim", _x12(rng, folder)],
    "export fhir": lambda rng, folder: ["export", "fhir", charts(rng, folder), "--at", "2021-03-01T12:00:00Z"],
    "deidentify": _deidentified,
    "prove": lambda rng, folder: ["prove", charts(rng, folder)],
    "check": lambda rng, folder: ["check", _proof(rng, folder), "--limit", LIMIT],
    "import mar": lambda rng, folder: ["import", "mar", *_events(rng, folder)],
    "import fhir": lambda rng, folder: ["import", "fhir", *_resources(rng, folder)],
    "policy lint": lambda rng, folder: ["policy", "lint", "--policy", _policy(rng, folder)],
    "policy show": lambda rng, folder: ["policy", "show", "--policy", _policy(rng, folder)],
    "code by a policy": lambda rng, folder: ["code", charts(rng, folder), "--policy", _policy(rng, folder)],
    "drugs": lambda rng, folder: ["drugs", "find", rng.choice(chart_fuzz.TEXTS)],
}
LIMITED = {"code", "audit", "readings", "missing", "margins", "why", "whynot", "explain", "report", "prove"}
RARE = {
    "check": 0.1,
    "code of tables": 0.5,
    "audit --claim": 0.5,
    "export fhir": 0.5,
    "deidentify": 0.5,
    "policy lint": 0.05,
    "policy show": 0.05,
    "code by a policy": 0.05,
}
"""How often a command is run that takes long, of once for each other."""


def once(rng: random.Random, name: str) -> tuple[str, int]:
    """Run a command on something mutated; give what is wrong with how it ended, and its status."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        words = COMMANDS[name](rng, folder)
        if words[0] in LIMITED:
            words += ["--limit", LIMIT]
        begin = time.process_time()
        done = CliRunner().invoke(app, words)
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
    weights = [RARE.get(name, 1.0) for name in names]
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
    rng = random.Random(given.seed)
    total: Counter[tuple[str, int]] = Counter()
    step = 500
    for done in range(0, given.count, step):
        try:
            total += runs(rng, min(step, given.count - done))
        except AssertionError as error:
            print(error)
            return 1
        by_status = Counter(dict.fromkeys(STATUS, 0))
        for (_, status), count in total.items():
            by_status[status] += count
        ends = ", ".join(f"{count} with status {status}" for status, count in sorted(by_status.items()))
        print(f"{total.total()} commands run: {ends}; no traceback; {held()} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
