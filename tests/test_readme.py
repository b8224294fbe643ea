"""Everything that the README shows is run again and compared; `python tests/test_readme.py` puts new output in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
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


def blocks(text: str) -> list[tuple[str, str]]:
    """The commands of the README with what it shows of each."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if not command.startswith(INSTALLS):
                found.append((command, shown.strip("\n")))
    return found


@pytest.mark.parametrize(("command", "shown"), blocks(README.read_text("utf-8")))
def test_the_readme_shows_what_runs(command: str, shown: str) -> None:
    assert run(command) == shown


def test_the_readme_shows_something() -> None:
    assert len(blocks(README.read_text("utf-8"))) >= 5


def update() -> None:
    """Write what the commands print now into the README."""

    def block(match: re.Match[str]) -> str:
        parts = re.split(r"^\$ ", match[1], flags=re.MULTILINE)
        shown = []
        for part in parts[1:]:
            command = part.partition("\n")[0]
            output = part.partition("\n")[2] if command.startswith(INSTALLS) else f"{run(command)}\n\n"
            shown.append(f"$ {command}\n{output}")
        return "```console\n" + "".join(shown).rstrip("\n") + "\n```"

    README.write_text(BLOCK.sub(block, README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    update()
