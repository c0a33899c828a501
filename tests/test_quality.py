"""Format, lint, types and layers: what the one test command sees to besides the behaviour."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize(
    "command",
    [
        [TOOLS / "ruff", "format", "--check", "."],
        [TOOLS / "ruff", "check", "."],
        [sys.executable, "-m", "mypy"],
        [TOOLS / "lint-imports"],
    ],
    ids=["format", "lint", "types", "layers"],
)
def test_the_tree_is_clean(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_is_committed_names_a_place_of_one_machine():
    """No absolute path of a home or a work folder, no package index, in any file that git tracks."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    forbidden = ("/" + "work/", "/" + "root/", "--index" + "-url", "extra-" + "index")
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".png"} or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        found = [word for word in forbidden if word in text]
        assert not found, f"{name} holds {found}"
