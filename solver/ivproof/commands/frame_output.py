"""Answers as a table in a Parquet or an Arrow file, one encounter a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ivproof.commands.output import Output
from ivproof.formats.extras import load

TOGETHER = 1_000
"""So many rows are written together."""


class FrameOutput(Output):
    """Takes rows of answers. What is written is a whole table at any end: an interrupted run leaves one up to there."""

    def __init__(self, path: Path, shape: str) -> None:
        """Begin the file. Raises OSError as `Output` does, MissingExtraError without pyarrow."""
        from ivproof.frames.coding import arrow_schema

        self._arrow = load("pyarrow", f"--format {shape}")
        super().__init__(path)
        self._schema = arrow_schema(self._arrow, "determinations")
        self._rows: list[dict[str, Any]] = []
        file = self._arrow.PythonFile(_Handed(self), mode="w")
        if shape == "parquet":
            self._writer: Any = load("pyarrow.parquet", "--format parquet").ParquetWriter(file, self._schema)
        else:
            self._writer = self._arrow.ipc.new_file(file, self._schema)

    def add(self, row: dict[str, Any]) -> bytes:
        """Take a row; nothing more has to be written of it."""
        self._rows.append(row)
        if len(self._rows) >= TOGETHER:
            self._hand_on()
        return b""

    def _hand_on(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []

    def finish(self, *, whole: bool) -> None:
        """Write what is left and the end of the table, and close."""
        self._hand_on()
        self._writer.close()
        super().finish(whole=whole)


class _Handed:
    """A file as pyarrow wants it, which hands all on to the output and leaves closing to that."""

    closed = False

    def __init__(self, output: Output) -> None:
        self._output = output

    def write(self, some: bytes) -> int:
        """Hand on."""
        self._output.write(bytes(some))
        return len(some)

    def flush(self) -> None:
        """Leave it to the output."""

    def close(self) -> None:
        """Leave it to the output."""
