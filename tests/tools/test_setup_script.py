"""tools/setup refuses what cannot work, in one sentence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_setup(**env: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up with these variables."""
    return subprocess.run(
        [str(ROOT / "tools/setup")], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    """The version found and the version needed are both said."""
    old = tmp_path / "python3.8"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.8.10" && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = run_setup(PYTHON=str(old))
    assert done.returncode == 2
    assert done.stderr.startswith("lockgate: Python 3.8.10 is too old; Lockgate needs Python 3.11 or newer")
    assert done.stderr.count("\n") == 1


def test_a_missing_python_is_named() -> None:
    """The program that was looked for is said."""
    done = run_setup(PYTHON="/nowhere/python3")
    assert done.returncode == 2
    assert done.stderr.startswith("lockgate: /nowhere/python3 is not found; install Python 3.11")
    assert done.stderr.count("\n") == 1
