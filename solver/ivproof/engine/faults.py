"""What may be said of an error of this program: where it is, and nothing that stands in a chart."""

from __future__ import annotations

import traceback
from pathlib import Path

from ivproof.engine.second import DisagreementError


def place_of(error: BaseException) -> str:
    """Name an error by its kind and place in this package: its message could repeat what stands in a chart.

    That two engines differ is said in full: this message has codes, units and ids.
    """
    return str(error) if isinstance(error, DisagreementError) else bare_place_of(error)


def bare_place_of(error: BaseException) -> str:
    """Name an error by its kind and place in this package, without a word of what was being done."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(__file__).parents[1] in Path(frame.filename).parents]
    where = [f" in {Path(frame.filename).name}:{frame.lineno}" for frame in own[-1:]]
    return type(error).__name__ + "".join(where)
