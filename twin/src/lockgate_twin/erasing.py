"""Empties a twin's folder: everything it keeps goes, and nothing else that may lie there."""

from __future__ import annotations

import shutil
from pathlib import Path

_TABLES = "tables"
_KEPT = (
    "access.jsonl",
    "codebuild",
    "codecommit",
    "codepipeline",
    "lambda",
    "roles.json",
    "s3",
    "sagemaker",
    "twin.json",
    # Last: while it is there, an erasure that was broken off goes on the next time.
    _TABLES,
)


def erase(state_dir: Path) -> bool:
    """Delete what a twin keeps in its folder; tell whether there was any."""
    if not (state_dir / _TABLES).is_dir():
        return False
    for name in _KEPT:
        path = state_dir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return True
