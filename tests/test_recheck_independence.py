"""The second engine stands alone: no clingo, nothing else of ivproof, and no parser before a law is read."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import ivproof.recheck

FOLDER = Path(ivproof.recheck.__file__).parent
USE = """
law = recheck.Program(recheck.parse("p(X) :- q(X), #count { Y : r(X, Y) } > 1."))
assert recheck.show(*law.derive(recheck.parse_facts("q(a). r(a,1). r(a,2).")).of("p", 1)) == "p(a)"
"""


def run(script: str, path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(path)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_imports_are_of_the_standard_library_of_lark_and_of_itself() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1, file
                assert (FOLDER / f"{node.module}.py").exists(), (file, node.module)
            else:
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                for module in modules:
                    assert module.split(".")[0] in {*sys.stdlib_module_names, "lark"}, (file, module)
            if isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                assert name not in {"__import__", "import_module", "eval"}, (file, name)


def test_works_where_the_rest_of_ivproof_is_not() -> None:
    script = "import sys\nimport ivproof.recheck as recheck\nassert 'lark' not in sys.modules\n" + USE
    script += (
        "loaded = {name for name in sys.modules if name.split('.')[0] in ('ivproof', 'clingo', 'networkx')}\n"
        "assert all(name == 'ivproof' or name.startswith('ivproof.recheck') for name in loaded), loaded"
    )
    run(script, FOLDER.parent.parent)


def test_the_folder_alone_is_enough(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "recheck", ignore=shutil.ignore_patterns("__pycache__"))
    run("import sys\nsys.modules['ivproof'] = sys.modules['clingo'] = None\nimport recheck\n" + USE, tmp_path)
