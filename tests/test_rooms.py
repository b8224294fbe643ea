"""The rooms of the solver, and in which direction they may import: a package knows only what stands below it.

The order is written here once. Imports within functions count, too: they may save time, never hide a circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx

SOLVER = Path(__file__).parents[1] / "solver"

ORDER = (
    {"__main__"},
    {"cli"},
    {"commands"},  # one module a command, and how a run over many charts is told
    {"serve", "pytest_plugin", "suites"},  # the desk, questions over HTTP; cases as tests; what cases hold a law to
    {"cases"},  # worked cases, judged by everything that a claim shows
    {"render", "__init__", "spark"},  # words, terminal, HTML, PDF: decides nothing; the public names; frames of Spark
    {"packet", "exports", "lab"},  # a claim reviewed; charts in the forms of others; two laws over all charts
    {"comparison", "proof", "report"},
    {"why"},  # the record of applied rules, and what is told of it
    {"audit", "whatif", "frames"},  # billed against derived; by a missing fact, a minute, a reading; frames in and out
    {"claim"},  # claim lines, determination, coder, many charts in several processes
    {"unknowns", "checks"},  # a chart with unknowns: claims over every minute and value; what a law is held to
    {"engine", "importers"},  # clingo and the cross-check; records as they are exported
    {"chart"},  # encounter, clock, files, facts
    {"law", "drugs", "edits"},  # none of these knows another
    {"formats", "recheck"},  # forms of data and of files, which know nothing of what they hold; the second engine
)
"""The rooms from the top to the ground. Two in one row do not know each other."""

ROW = {room: row for row, rooms in enumerate(reversed(ORDER)) for room in rooms}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((SOLVER / "ivproof").rglob("*.py")):
        steps = path.relative_to(SOLVER).with_suffix("").parts
        found[".".join(steps[:-1] if steps[-1] == "__init__" else steps)] = path
    return found


MODULES = modules()


def named(tree: ast.AST) -> Iterator[str]:
    """Every module of ours that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (it.name for it in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "modules are imported by their whole names"
            base = node.module or ""
            yield from (whole if (whole := f"{base}.{it.name}") in MODULES else base for it in node.names)


IMPORTS: networkx.DiGraph[str] = networkx.DiGraph(
    (module, it) for module, path in MODULES.items() for it in named(ast.parse(path.read_text())) if it in MODULES
)


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_every_package_has_its_place_in_the_order() -> None:
    assert {room(module) for module in MODULES} == set(ROW)


def test_no_module_imports_from_beside_or_above_its_room() -> None:
    upwards = [
        f"{module} imports {it}"
        for module, it in IMPORTS.edges
        if room(it) != room(module) and ROW[room(it)] >= ROW[room(module)]
    ]
    assert not upwards


def test_no_modules_import_each_other_in_a_circle() -> None:
    circles = [sorted(it) for it in networkx.strongly_connected_components(IMPORTS) if len(it) > 1]
    assert not circles
