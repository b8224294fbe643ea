"""What only some need is an extra: a command without it says which, before any work is done."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command import run

from ivproof.formats import extras

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "11-lost-dispute.yaml"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No extra is installed."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("arguments", "extra", "status"),
    [
        (("report", EXAMPLE, "-o", "visit.pdf"), "pdf", 2),
        (("audit", EXAMPLE, "-o", "packet.pdf"), "pdf", 2),
        (("audit", EXAMPLE, "-o", "lines.xlsx"), "tables", 2),
        (("code", EXAMPLE, "-o", "claims.xlsx"), "tables", 2),
        (("code", EXAMPLE, "-o", "out.parquet"), "tables", 2),
        (("export", "fhir", EXAMPLE, "--at", "2021-03-01T12:00:00Z", "-o", "out.json"), "fhir", 2),
        (("audit", EXAMPLE, "--claim", ROOT / "tests/records/x12/remittance-835.txt"), "x12", 2),
        (("serve", "--port", "0"), "serve", 2),
        (("policy", "compare", "out001", "out001", "--up-to", "1"), "lab", 2),
        (("policy", "prove"), "lab", 2),
        (("policy", "suite", "-o", "cases"), "lab", 2),
        (("policy", "corpus", "-o", "corpus.jsonl"), "lab", 2),
        (("policy", "adequacy", EXAMPLE), "lab", 2),
        (("import", "mar", "e.parquet", "--preset", "clif", "--report", "r.json", "-o", "c.jsonl"), "tables", 1),
    ],
)
def test_a_command_without_its_extra_says_which(
    arguments: tuple[str | Path, ...], extra: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e.parquet").write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    done = run(*arguments)
    assert done.exit_code == status and f"pip install 'ivproof[{extra}]'" in done.stderr
    assert [it.name for it in tmp_path.iterdir()] == ["e.parquet"]


def test_every_package_is_in_its_extra_and_none_is_needed_by_all() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    for package, extra in extras.EXTRAS.items():
        assert any(it.startswith(f"{extras.DISTRIBUTIONS.get(package, package)}>") for it in optional[extra])
        assert (extra in optional["all"][0]) is (extra not in extras.APART)
        assert not any(it.startswith(package) for it in project["dependencies"])
    assert "ivproof[all]" in optional["dev"]


def test_coding_loads_no_extra_and_no_numpy() -> None:
    code = (
        "import sys; sys.argv = ['ivproof', 'code', 'examples/09-office-visit.yaml', '--no-assumptions'];"
        "from ivproof.cli import app; app(standalone_mode=False);"
        f"print([it for it in ({', '.join(map(repr, [*extras.EXTRAS, 'numpy', 'pandas']))}) if it in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout
