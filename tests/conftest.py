"""Settings of all tests."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from ivproof.law.policy import Policy, law_folder

# The suite decides whether a change lands, so the same commit must always get the same answer.
# IVPROOF_TEST_RANDOM=1 looks further, as tests/tools/differential.py does.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("random" if os.environ.get("IVPROOF_TEST_RANDOM") else "repeatable")


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Policy]:
    """Makes a copy of the law with texts replaced: file, what stands there, what is to stand there."""

    def make(*edits: tuple[str, str, str]) -> Policy:
        folder = tmp_path / "asp"
        shutil.copytree(law_folder(), folder, dirs_exist_ok=True)
        for file, old, new in edits:
            text = (folder / file).read_text("utf-8")
            assert text.count(old) == 1, (file, old)
            (folder / file).write_text(text.replace(old, new), "utf-8")
        return Policy.load(folder / "out001")

    return make
