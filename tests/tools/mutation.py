"""Changes the law one rule and one number at a time, and tells which changes no case notices.

    python tests/tools/mutation.py [--jobs 2] [--only sequence.lp] [--rule shares-time --rule contested]

Every rule of the law is deleted, every number in a table or beside a comparison is moved by one (a date by a day, a
rank past its neighbour, since ranks only order), and all cases under tests/cases are judged by the changed law. A
change that no case notices is a hole in the cases, unless asp/out001/mutants.toml explains why it changes nothing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence

from case_files import FAILING, Case, departures, options, worked
from mutation_judge import Judge

from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy
from ivproof.suites.mutants import Mutant, Notes, Operator, mutants

OPERATORS = (Operator.DELETED, Operator.NUMBER)


_JUDGES: list[Judge] = []


def _judge(mutant: Mutant) -> str | None:
    return _JUDGES[0].noticed(mutant)


def cases() -> list[Case]:
    """Give all cases of the law that are answered rightly."""
    found = [*worked("law"), *worked("published"), *options()]
    return [case for case in found if (case.file, case.name) not in FAILING]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when every change is noticed or explained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--only", default="", help="only rules of files whose name ends so")
    parser.add_argument("--rule", action="append", default=[], metavar="ID", help="only this rule (may be repeated)")
    parser.add_argument("--killers", action="store_true", help="say which case notices each change")
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    policy = Policy.load("out001")
    notes = Notes.of(policy)
    judge = Judge(Coder(policy), cases(), departures)
    if failing := judge.failing():
        print("these cases fail by the law as it stands:", *failing, sep="\n")
        return 2
    _JUDGES.append(judge)
    listed = [
        it
        for it in mutants(judge.program, notes, OPERATORS)
        if it.rule.file.endswith(chosen.only) and (not chosen.rule or it.rule.id in chosen.rule)
    ]
    if unknown := set(chosen.rule) - {rule.id for rule in judge.program.rules}:
        parser.error(f"no such rule: {', '.join(sorted(unknown))}")
    known = notes.explained
    survivors, alive = [], 0
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        for mutant, case in zip(listed, pool.imap(_judge, listed, chunksize=4), strict=True):
            survivors += [mutant] if case is None else []
            alive += case is None and mutant.key not in known
            if chosen.killers or (case is None and mutant.key not in known):
                said = f": {case}" if chosen.killers else ""
                print(
                    f"{mutant.rule.place:32} [{mutant.rule.id}] clause {mutant.rule.clause}, {mutant.change}{said}",
                    flush=True,
                )
    noticed = known.keys() - {mutant.key for mutant in survivors}
    idle = [] if chosen.only or chosen.rule else sorted(noticed)
    for rule, clause, change in idle:
        print(f"mutants.toml explains [{rule}] clause {clause}, {change}, which a case notices or which is not there")
    print(
        f"{len(listed)} mutants, {len(listed) - len(survivors)} killed, {len(survivors) - alive} explained, "
        f"{alive} alive ({time.monotonic() - begun:.0f} s)"
    )
    return 1 if alive or idle else 0


if __name__ == "__main__":
    sys.exit(main())
