"""Files of a policy and of cases: read only where they are text of a size that can be, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

LARGEST = 4_000_000
"""Bytes of a file of a policy or of a drug list."""


class FileError(ValueError):
    """A file that is no text file, or too large; the text says where and what was found."""


def workbook(raw: bytes) -> str | None:
    """Say that bytes begin as a workbook does, which is no text; None where they do not."""
    if raw.startswith(b"PK\x03\x04"):
        return "an Excel workbook or another ZIP archive"
    return "an old Excel workbook" if raw.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") else None


AS_CSV = "text in UTF-8; the sheet of a workbook can be saved as CSV UTF-8"
"""What is expected in the place of a workbook."""


def read_text(file: Path, largest: int = LARGEST) -> str:
    """Give the text of a file. Raises OSError, or FileError where it is none or has more bytes than `largest`."""
    about = file.stat()
    if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for, a device never ends
        raise FileError(f"{file}: found no file, expected one")
    if about.st_size > largest:
        raise FileError(f"{file}: found {about.st_size} bytes, expected at most {largest}")
    data = file.read_bytes()
    try:
        # line ends as they are in any text file
        return data.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{file}:{line}: found a byte that is not UTF-8 at {error.start}, expected text") from error


def replace_text(file: Path, content: bytes) -> None:
    """Put a content in the place of a file, whole or not at all, with the rights that the file has. Raises OSError."""
    file = file.resolve()  # a link stays one
    written = file.with_name(f".{file.name}.{os.getpid()}.incomplete")
    number = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            written.chmod(stat.S_IMODE(file.stat().st_mode))
        written.replace(file)
    except BaseException:
        with suppress(OSError):
            written.unlink()
        raise
