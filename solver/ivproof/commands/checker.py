"""``ivproof checker``: a folder with a page that checks proofs in the browser: no server, nothing to install."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.common import wrong
from ivproof.commands.output import not_opened, tell_written, whole_folder

NEEDED = ("pyodide.js", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
"""What of Pyodide's package is carried."""

LARGEST = 64_000_000
"""No file of the package is larger, in bytes."""

_WHEN = (2000, 1, 1, 0, 0, 0)


def checker(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="The folder to write; it must not be there yet."),
    ],
    pyodide: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Pyodide's package as [bold]npm pack pyodide[/] gives it (pyodide-314.0.7.tgz), or its unpacked "
            "folder.",
        ),
    ],
) -> None:
    """Write a folder with a page that checks proofs: drop a proof, and a chart, and read the verdict.

    Whoever gets the folder opens index.html in a browser, from a disk or from any server of files. The checker is the
    second engine with the installed law, run by Pyodide; both are carried, and nothing is asked of anywhere.
    """
    if output.exists():
        wrong(f"--output {output}: found something there already, expected the name of a new folder")
    parts = _package(pyodide)
    own = _engine()
    carried = {name: parts[name] for name in NEEDED if name != "pyodide.js"} | {"ivproof.zip": own}
    from ivproof.render.html import file, hashed, template

    scripts = [f"carried-{n}.js" for n in range(1, len(carried) + 1)]
    page = template("checker.html.j2").render(
        style=file("checker.css"),
        style_hash=hashed(file("checker.css")),
        scripts=["pyodide.js", *scripts, "checker.js"],
        digest=hashlib.sha256(own).hexdigest(),
    )
    files: dict[str, bytes] = {"index.html": page.encode(), "pyodide.js": parts["pyodide.js"]}
    for script, (name, content) in zip(scripts, carried.items(), strict=True):
        text = json.dumps(base64.b64encode(content).decode())
        files[script] = f"(globalThis.carried ??= {{}})[{json.dumps(name)}] = {text};\n".encode()
    files["checker.js"] = file("checker.js").encode()
    try:
        with whole_folder(output) as folder:
            for name, content in files.items():
                folder.joinpath(name).write_bytes(content)
    except OSError as error:
        not_opened(output, error)
    tell_written(output, f"{len(files)} files, to be opened by index.html", sum(map(len, files.values())))


def _package(path: Path) -> dict[str, bytes]:
    """What is carried of Pyodide; ends the command where it is not all there."""
    found: dict[str, bytes] = {}
    try:
        if path.is_dir():
            found = {name: path.joinpath(name).read_bytes() for name in NEEDED if path.joinpath(name).is_file()}
        else:
            with tarfile.open(path) as package:
                for it in package:
                    name = it.name.rpartition("/")[2]
                    stream = package.extractfile(it) if name in NEEDED and it.size <= LARGEST else None
                    if stream is not None:
                        found[name] = stream.read()
    except (OSError, tarfile.TarError) as error:
        wrong(f"--pyodide {path}: found {getattr(error, 'strerror', None) or error}, expected the package of Pyodide")
    if missing := [name for name in NEEDED if name not in found]:
        wrong(f"--pyodide {path}: found no {', '.join(missing)}, expected what `npm pack pyodide` gives")
    return found


def _engine() -> bytes:
    """The second engine, what it and charts are parsed with, and the law, as an archive that Python imports from."""
    from importlib.resources import files

    import lark
    import yaml

    from ivproof import recheck
    from ivproof.formats import yaml_as_json
    from ivproof.law.policy import law_folder

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:

        def put(name: str, content: bytes) -> None:
            packed.writestr(zipfile.ZipInfo(name, _WHEN), content, zipfile.ZIP_DEFLATED)

        put("ivproof/__init__.py", b"")
        put("ivproof/formats/__init__.py", b"")
        put("ivproof/formats/yaml_as_json.py", Path(yaml_as_json.__file__).read_bytes())
        for folder, name in ((recheck, "ivproof/recheck"), (lark, "lark"), (yaml, "yaml")):
            base = Path(str(folder.__file__)).parent
            for it in _files(base, {".py", ".lark"}):
                put(f"{name}/{it.relative_to(base).as_posix()}", it.read_bytes())
        zones = Path(str(files("tzdata")))
        for it in sorted(it for it in zones.rglob("*") if it.is_file() and "__pycache__" not in it.parts):
            put(f"tzdata/{it.relative_to(zones).as_posix()}", it.read_bytes())
        for it in _files(law_folder(), {".lp", ".toml", ".csv"}):
            put(f"ivproof/asp/{it.relative_to(law_folder()).as_posix()}", it.read_bytes())
    return archive.getvalue()


def _files(folder: Path, endings: set[str]) -> Iterator[Path]:
    """The files below a folder in a fixed order."""
    yield from sorted(it for it in folder.rglob("*") if it.suffix in endings and "__pyinstaller" not in it.parts)
