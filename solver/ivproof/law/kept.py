"""What is worked out once for a law and kept between runs: rewritings, and what its rules say of themselves.

Reading the law through the solver's parser takes longer than coding a chart. What comes of it depends on nothing but
the law's text and this version of the package, so it is kept under the digest of both, in the user's cache folder
(``IVPROOF_CACHE`` names another; empty, nothing is kept). A folder that cannot be written is no error.

Nothing that is kept is believed, and none of it is code. A folder or file that is not the user's own, or that others
can write, is not used. A file that is not as it was written is made anew, and so is what has another shape, or holds
anything but rules where rules belong. The second engine keeps its rules here too, compared with the law's text.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

MOST_FILES = 400
MOST_BYTES = 100_000_000
"""What the folder may hold; beyond it, what was written first goes first."""

LAWS = 8
"""Of so many laws the values stay in memory."""

UNFINISHED = 3600
"""Seconds after which a file that was never finished is somebody's who will not finish it."""

T = TypeVar("T")

_NAME = re.compile(r"[0-9a-f]{32}-[a-z0-9_-]+\.json|tmp\w+\.part")
_WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


def cache_folder() -> Path | None:
    """Give the folder in which things are kept, or None where nothing is to be kept."""
    named = os.environ.get("IVPROOF_CACHE")
    if named is not None:
        return Path(named) if named else None
    from platformdirs import user_cache_path  # noqa: PLC0415  (only where nobody names a folder)

    try:
        found = user_cache_path("ivproof", appauthor=False)
    except RuntimeError:
        return None
    return found if found.is_absolute() else None  # a user without a home, as in a container


def why_unused(folder: Path) -> str:
    """Say why what is in a folder is not used: it is another's, or others can write in it; "" where it is used."""
    try:
        found = folder.stat()
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder"
    return _not_own(found)


def _not_own(found: os.stat_result) -> str:
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return "it belongs to another user"
    return "others can write in it" if os.name == "posix" and found.st_mode & 0o022 else ""


def kept_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Give the files of a folder that were written here, the last one first. Raises OSError."""
    found = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another run has just finished or removed it
            if _NAME.fullmatch(path.name) and stat.S_ISREG((it := path.lstat()).st_mode):
                found.append((path, it))
    yield from sorted(found, key=lambda it: (-it[1].st_mtime_ns, it[0].name))


class Kept:
    """Values of one law, by name: plain data that JSON can hold, and what is read of it."""

    def __init__(self, digest: str) -> None:
        self.key = hashlib.sha256(f"{digest} {_code_digest()}".encode()).hexdigest()[:32]
        self._values: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[], Any], read: Callable[[Any], T]) -> T:
        """Give the value of that name: `read` makes it of the plain data that are kept, `make` makes these data.

        What `read` raises ValueError or TypeError for, or fails to find something in, is made anew.
        """
        if name not in self._values:
            self._values[name] = self._value(name, make, read)
        value: T = self._values[name]
        return value

    def held(self, name: str, make: Callable[[], T]) -> T:
        """Give the value of that name, made where it is not in memory; it is not kept between runs."""
        if name not in self._values:
            self._values[name] = make()
        value: T = self._values[name]
        return value

    def _value(self, name: str, make: Callable[[], Any], read: Callable[[Any], T]) -> T:
        folder = cache_folder()
        if folder is not None and why_unused(folder):
            folder = None
        path = None if folder is None else folder / f"{self.key}-{name}.json"
        if path is not None:
            try:
                return read(json.loads(_content(path)))
            except (OSError, *_WRONG):
                pass
        plain = make()
        if path is not None:
            _write(path, json.dumps(plain).encode())
        return read(plain)


@lru_cache(maxsize=LAWS)
def kept_of(digest: str) -> Kept:
    """The values of the law with that digest, which are one for all who load it in a process."""
    return Kept(digest)


_BEGIN, _MIDDLE, _END = b'{"sha256": "', b'", "value":\n', b"\n}\n"


def _content(path: Path) -> bytes:
    """The data of a file, if it is the user's own and as it was written. Raises OSError or ValueError."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(number, "rb") as file:  # noqa: PTH123  (the number of an open file)
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or _not_own(found):
            raise ValueError("a file that others can write")
        if found.st_size > MOST_BYTES:
            raise ValueError("a file larger than all that is kept")
        data = file.read()
    begin, _, rest = data.partition(_MIDDLE)
    content = rest.removesuffix(_END)
    if begin != _BEGIN + hashlib.sha256(content).hexdigest().encode() or content == rest:
        raise ValueError("a file that is not as it was written")
    return content


def _write(path: Path, content: bytes) -> None:
    """Write beside and rename, so that nobody ever reads half a file; what cannot be written leaves nothing."""
    digest = hashlib.sha256(content).hexdigest().encode()
    unfinished: Path | None = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if why_unused(path.parent):
            return
        with NamedTemporaryFile("wb", dir=path.parent, prefix="tmp", suffix=".part", delete=False) as file:
            unfinished = Path(file.name)
            file.write(_BEGIN + digest + _MIDDLE + content + _END)
        unfinished.replace(path)
        unfinished = None
        prune(path.parent)
    except OSError:
        return
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


def prune(folder: Path) -> None:
    """Remove what was written first where there is too much, and what was never finished. Raises OSError."""
    total = 0
    for number, (path, found) in enumerate(kept_files(folder), 1):
        total += found.st_size
        given_up = path.suffix == ".part" and time.time() - found.st_mtime > UNFINISHED
        if given_up or number > MOST_FILES or total > MOST_BYTES:
            path.unlink(missing_ok=True)


# --- what may be kept


_RULES = re.compile(
    r"""(?: [^"#@%&`]++ | "(?:[^"\\\n]|\\["\\n])*" | \#(?:count|sum|min|max|inf|sup|show|external)\b )*+""", re.VERBOSE
)


def rules(value: object) -> Any:
    """The value, if no text in it is anything but rules: no script, no file to be read, no function to be called.

    Raises ValueError.
    """
    waiting = [value]
    texts = []
    while waiting:
        it = waiting.pop()
        if isinstance(it, str):
            texts.append(it)
        elif isinstance(it, dict):
            waiting += [*it, *it.values()]
        elif isinstance(it, list | tuple):
            waiting += it
    # nothing that a text may hold goes on in a next line: together they are rules just where each is
    if not _RULES.fullmatch("\n".join(texts)):
        raise ValueError("text that is no rule")
    return value


def shaped(value: Any, shape: Any) -> Any:
    """The value, if it has the shape: a type, ``[shape]`` a list, a tuple a list of just these, ``{str: shape}``.

    Raises ValueError.

    >>> shaped([["a", 1], ["b", 2]], [(str, int)])
    [['a', 1], ['b', 2]]
    """
    if not _test(shape)(value):
        raise ValueError("data of another shape")
    return value


def _test(shape: Any) -> Callable[[Any], bool]:
    """Whether a value has a shape."""
    match shape:
        case list():
            fits = _test(shape[0])
            return lambda value: isinstance(value, _LISTS) and all(map(fits, value))
        case tuple():
            parts = tuple(map(_test, shape))
            number = len(parts)
            return lambda value: (
                isinstance(value, _LISTS)
                and len(value) == number
                and all(fits(it) for fits, it in zip(parts, value, strict=True))
            )
        case dict():
            fits = _test(shape[str])
            return lambda value: isinstance(value, dict) and all(map(fits, value.values()))
    if shape is int:
        return lambda value: type(value) is int
    return lambda value: isinstance(value, shape)


_LISTS = (list, tuple)


def _code_digest() -> str:
    """Identify the code that makes the values: the version, and in a checkout the text of the modules concerned."""
    folder = Path(__file__).parents[1]
    total = hashlib.sha256(version("ivproof").encode())
    concerned = (
        "checks/*.py",
        "law/*.py",
        "engine/rooms.py",
        "recheck/grammar.lark",
        "recheck/*.py",
    )
    for file in (path for pattern in concerned for path in sorted(folder.glob(pattern))):
        total.update(file.read_bytes())
    return total.hexdigest()
