"""What the shell completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = "examples/01-ed-dehydration.yaml"
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("typed", "expected", "not_expected"),
    [
        (f"why {EXAMPLE} 9637", {"96374", "96375", "96376"}, {"96365"}),
        (f"why {EXAMPLE} 96375 --rather-than 9637", {"96376"}, {"96365"}),
        (f"whynot {EXAMPLE} 96375 --for mor", {"morphine-1", "morphine-3"}, {"saline-1"}),
        (f"why {EXAMPLE} 96375 --encounter ED", {"ED-2041"}, set()),
        ("policy show push-", {"push-counts-after-reported"}, {"initial-takes"}),
        ("policy show R5", {"R5", "R53"}, {"R6"}),
        (f"code {EXAMPLE} --reading A9=", {"A9=longest", "A9=open"}, set()),
        (f"audit {EXAMPLE} --fail-on overcoded,under", {"overcoded,undercoded"}, {"overcoded,overcoded"}),
        ("why no-such-file.yaml 96375 --for ", set(), {"morphine-1"}),
    ],
)
def test_what_can_stand_there_is_completed(typed: str, expected: set[str], not_expected: set[str]) -> None:
    words = f"ivproof {typed}"
    asked = {
        **os.environ,
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - (not words.endswith(" "))),
        "_IVPROOF_COMPLETE": "complete_bash",
    }
    ivproof = Path(sys.executable).with_name("ivproof")
    done = subprocess.run([ivproof], cwd=ROOT, env=asked, capture_output=True, text=True, check=False)
    found = set(done.stdout.split())
    assert expected <= found and not found & not_expected, (done.stdout, done.stderr)
    assert not done.stderr
