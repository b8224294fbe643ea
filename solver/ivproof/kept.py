"""What is worked out once for a law and kept between runs: rewritings, and what its rules say of themselves.

Reading the law through the solver's parser takes longer than coding a chart. What comes of it depends on nothing but
the law's text and this version of the package, so it is kept under the digest of both, in the user's cache folder
(``IVPROOF_CACHE`` names another; empty, nothing is kept). A folder that cannot be written is no error.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any


def cache_folder() -> Path | None:
    """Give the folder in which things are kept, or None where nothing is to be kept."""
    named = os.environ.get("IVPROOF_CACHE")
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "ivproof"
    except RuntimeError:  # a user without a home, as in a container
        return None


class Kept:
    """Values of one law, by name: plain data that JSON can hold."""

    def __init__(self, digest: str) -> None:
        self.key = hashlib.sha256(f"{digest} {_code_digest()}".encode()).hexdigest()[:32]
        self._values: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        """Give the value of that name; `make` makes it where it is not kept."""
        if name not in self._values:
            self._values[name] = self._read(name, make)
        return self._values[name]

    def _read(self, name: str, make: Callable[[], Any]) -> Any:
        folder = cache_folder()
        path = None if folder is None else folder / f"{self.key}-{name}.json"
        if path is not None:
            try:
                return json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                pass
        value = make()
        if path is not None:
            _write(path, value)
        return value


def _write(path: Path, value: Any) -> None:
    """Write beside and rename, so that nobody ever reads half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as file:
            json.dump(value, file)
        Path(file.name).replace(path)
    except OSError:
        return


def _code_digest() -> str:
    """Identify the code that makes the values: the version, and in a checkout the text of the modules concerned."""
    folder = Path(__file__).parent
    total = hashlib.sha256(version("ivproof").encode())
    concerned = (
        "law/*.py",
        "exploration/rooms.py",
        "recheck/grammar.lark",
        "recheck/*.py",
        "rewrite.py",
        "policy.py",
    )
    for file in (path for pattern in concerned for path in sorted(folder.glob(pattern))):
        total.update(file.read_bytes())
    return total.hexdigest()
