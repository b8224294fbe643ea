"""A small policy in a folder of its own, for the tests of what a policy of somebody else may be."""

from __future__ import annotations

import shutil
from pathlib import Path

from ivproof.law.policy import law_folder

HEADER = "% [{}] R30 (III.B)\n% Something is added.\n"
LAW = (
    f"{HEADER.format('none')}total(Code, 1) :- unit(A, B, Code, C, D).\n\n"
    f"{HEADER.format('unit')}unit(A, a, b, c, d) :- drug(A, I).\n"
)


def small_policy(above: Path) -> Path:
    """Write it, with an empty file more.lp for more rules; give its folder."""
    found = above / "small"
    found.mkdir()
    shutil.copy(law_folder() / "vocabulary.lp", above)
    files = '["../vocabulary.lp", "law.lp", "more.lp"]'
    (found / "policy.toml").write_text(f'id = "small"\ntitle = "Small"\nedition = "1"\nfiles = {files}\n', "utf-8")
    (found / "law.lp").write_text(LAW, "utf-8")
    (found / "more.lp").write_text("\n", "utf-8")
    return found
