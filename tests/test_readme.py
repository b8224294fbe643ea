"""Everything that the README and the documents show is run again and compared.

`python tests/test_readme.py [FILE...]` puts new output in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
POLICY_CHANGE = ROOT / "docs" / "policy-change.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
INSTALLS = ("pip ", "python3 -m venv")


def run(command: str) -> str:
    environment = {
        **os.environ,
        "COLUMNS": "108",
        "NO_COLOR": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return "\n".join(line.rstrip() for line in (done.stdout + done.stderr).strip("\n").splitlines())


def blocks(text: str) -> list[list[tuple[str, str]]]:
    """Each block's commands with what the README shows of them; one may need what one before it left."""
    found = []
    for block in BLOCK.findall(text):
        parts = [part.partition("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
        found.append([(command, shown.strip("\n")) for command, _, shown in parts if not command.startswith(INSTALLS)])
    return [it for it in found if it]


@pytest.mark.parametrize("block", blocks(README.read_text("utf-8")), ids=lambda block: block[0][0])
def test_the_readme_shows_what_runs(block: list[tuple[str, str]]) -> None:
    runs(block)


@pytest.mark.parametrize(
    "document", [it for it in DOCUMENTS[1:] if "```console" in it.read_text("utf-8")], ids=lambda path: path.name
)
def test_a_document_shows_what_runs(document: Path) -> None:
    """All of one document, since a block may need what one before it wrote."""
    for block in blocks(document.read_text("utf-8")):
        runs(block)


@pytest.mark.parametrize("document", sorted([*ROOT.glob("*.md"), *DOCUMENTS[1:]]), ids=lambda path: path.name)
def test_what_a_document_points_at_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
    assert [it for it in links if "://" not in it and not (document.parent / it).exists()] == []


def runs(block: list[tuple[str, str]]) -> None:
    for command, shown in block:
        assert run(command) == shown, command


def test_the_case_that_is_shown_holds(tmp_path: Path) -> None:
    [case] = re.findall(r"```yaml\n(- case: .*?)```", POLICY_CHANGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "case.yaml").write_text(case, "utf-8")
    assert run(f"ivproof policy test {tmp_path / 'case.yaml'}") == "1 case: all as expected"


def test_the_readme_shows_something() -> None:
    assert len(blocks(README.read_text("utf-8"))) >= 5


def update(only: list[str]) -> None:
    """Write what the commands print now into the README and the documents."""

    def block(match: re.Match[str]) -> str:
        parts = re.split(r"^\$ ", match[1], flags=re.MULTILINE)
        shown = []
        for part in parts[1:]:
            command = part.partition("\n")[0]
            output = part.partition("\n")[2] if command.startswith(INSTALLS) else f"{run(command)}\n\n"
            shown.append(f"$ {command}\n{output}")
        return "```console\n" + "".join(shown).rstrip("\n") + "\n```"

    for document in DOCUMENTS if not only else [Path(it).resolve() for it in only]:
        document.write_text(BLOCK.sub(block, document.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    update(sys.argv[1:])
