"""Text files of somebody else: read only where they are files, of a size that can be, and text."""

from __future__ import annotations

import stat
from pathlib import Path

LARGEST = 4_000_000
"""Bytes of a file of a policy or of a drug list."""


class FileError(ValueError):
    """A file that is no text file, or too large; the text says where and what was found."""


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
