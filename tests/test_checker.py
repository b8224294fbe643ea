"""The folder of `ivproof checker`: all that it needs is in it, and what it carries says what `ivproof check` says."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from command import run

from ivproof.chart.yaml12 import Read, read_documents
from ivproof.commands.checker import NEEDED
from ivproof.formats.yaml_as_json import NoYamlError, as_json

EXAMPLES = Path(__file__).parents[1] / "examples"


def package(path: Path, *, without: str = "") -> Path:
    """A stand-in for Pyodide's package: the files by name, with nothing that runs."""
    with tarfile.open(path, "w:gz") as made:
        for name in NEEDED:
            if name != without:
                info = tarfile.TarInfo(f"package/{name}")
                info.size = len(name)
                made.addfile(info, io.BytesIO(name.encode()))
    return path


def carried(folder: Path) -> dict[str, bytes]:
    """What the scripts of the folder carry."""
    found = {}
    for it in folder.glob("carried-*.js"):
        made = re.fullmatch(r'\(globalThis\.carried \?\?= \{\}\)\["(.*?)"\] = "(.*?)";\n', it.read_text("utf-8"))
        assert made is not None
        found[made[1]] = base64.b64decode(made[2])
    return found


def test_the_folder_has_all_that_its_page_names_and_is_the_same_each_time(tmp_path: Path) -> None:
    pyodide = package(tmp_path / "pyodide-1.tgz")
    for name in ("one", "two"):
        result = run("checker", "-o", tmp_path / name, "--pyodide", pyodide)
        assert result.exit_code == 0, result.stderr
    page = (tmp_path / "one" / "index.html").read_text("utf-8")
    named = re.findall(r'<script src="([^"]+)">', page)
    assert {it.name for it in (tmp_path / "one").iterdir()} == {"index.html", *named}
    assert "http" not in re.sub("http-equiv", "", page)
    assert "http" not in (tmp_path / "one" / "checker.js").read_text("utf-8")
    assert all(it.read_bytes() == (tmp_path / "two" / it.name).read_bytes() for it in (tmp_path / "one").iterdir())
    assert carried(tmp_path / "one")["pyodide.asm.wasm"] == b"pyodide.asm.wasm"


CHARTS = sorted([*EXAMPLES.glob("*.yaml"), *Path(__file__).parent.glob("cases/**/*.yaml")])


def test_the_reader_of_yaml_that_it_carries_reads_as_the_coder_does() -> None:
    read = 0
    for file in CHARTS:
        with file.open("rb") as stream:
            parts = [it for it in read_documents(stream) if isinstance(it, Read)]
        whole = [it.data for it in parts] if parts[0].item is not None else parts[0].data
        if len(parts) == 1 or parts[0].item is not None:
            assert json.loads(as_json(file.read_bytes())) == whole, file
            read += 1
    assert read > 200


@pytest.mark.parametrize(
    "text",
    ["a: 1\na: 2", "{[]: 1}", "a: !x 1", "a: [1", "a: 1\n---\nb: 2", "", "a: &a [*a]", "a: \t- b", b"a: \xff"],
)
def test_yaml_of_which_two_readers_could_make_two_things_is_refused(text: str | bytes) -> None:
    with pytest.raises(NoYamlError):
        as_json(text if isinstance(text, bytes) else text.encode())


def test_a_word_repeated_without_end_is_refused() -> None:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(NoYamlError):
        as_json(laughs.encode())


@pytest.mark.parametrize("changed", [False, True])
def test_what_it_carries_says_what_the_command_says_without_anything_else_of_ivproof(
    changed: bool, tmp_path: Path
) -> None:
    assert run("checker", "-o", tmp_path / "page", "--pyodide", package(tmp_path / "p.tgz")).exit_code == 0
    with zipfile.ZipFile(io.BytesIO(carried(tmp_path / "page")["ivproof.zip"])) as archive:
        archive.extractall(tmp_path / "engine")
    proof = tmp_path / "proof.json"
    assert run("prove", EXAMPLES / "12-won-dispute.yaml", "-o", proof).exit_code == 0
    if changed:
        proof.write_text(proof.read_text("utf-8").replace('"incompatible"', '"condition"'), "utf-8")
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from ivproof.recheck.telling import verdict_on;"
        "from ivproof.formats.yaml_as_json import as_json; import yaml; assert sys.argv[1] in yaml.__file__;"
        "assert as_json(b'a: 10:30') == b'{\"a\": \"10:30\"}';"
        "import ivproof, lark; proof = open(sys.argv[2], 'rb').read();"
        "about = json.loads(proof)['chart']['content']; assert 'clingo' not in sys.modules;"
        "other = json.dumps({**about, 'date': '2022-05-18'}).encode();"
        "word, told = verdict_on(proof, json.dumps(about).encode());"
        "print(json.dumps([word, told, verdict_on(proof, other), verdict_on(proof, b'{'), ivproof.__file__]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, tmp_path / "engine", proof], capture_output=True, text=True, check=True
    )
    word, told, other, broken, where = json.loads(done.stdout)
    assert where.startswith(str(tmp_path))
    assert word == ("rejected" if changed else "accepted")
    assert told.split() == run("check", proof).stdout.split()  # a terminal folds long lines
    assert other[0] == broken[0] == "rejected"
    assert changed or "another chart" in other[1]
    assert "cannot be read as JSON" in broken[1]


def test_what_cannot_be_used_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    short = package(tmp_path / "short.tgz", without="pyodide.asm.wasm")
    none = tmp_path / "none.tgz"
    none.write_text("no archive", "utf-8")
    for given, words in ((short, "no pyodide.asm.wasm"), (none, "none.tgz"), (tmp_path / "gone", "No such file")):
        result = run("checker", "-o", tmp_path / "page", "--pyodide", given)
        assert result.exit_code == 2
        assert words in " ".join(result.stderr.split())
        assert not (tmp_path / "page").exists()
    result = run("checker", "-o", tmp_path, "--pyodide", short)
    assert result.exit_code == 2
    assert "new folder" in result.stderr
