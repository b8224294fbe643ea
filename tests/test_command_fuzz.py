"""Whatever commands are given, they end with a known status and without a traceback: a few inputs of each kind.

Some 1,450, quick ones often and slow ones seldom; as many as one likes with ``python tests/tools/command_fuzz.py``.
"""

from __future__ import annotations

import random

import pytest
from case_files import WHOLE
from command_fuzz import COMMANDS, OFTEN, once

EACH = 300 if WHOLE else 10


@pytest.mark.parametrize("name", COMMANDS)
def test_a_broken_input_gets_a_known_end(name: str) -> None:
    rng = random.Random(name)
    for _ in range(max(1, round(EACH * OFTEN.get(name, 1)))):
        problem, _ = once(rng, name)
        assert problem == ""
