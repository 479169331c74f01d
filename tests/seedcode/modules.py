"""Importing a module of a rendered repository for one look, without leaving it behind for the next test."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def load(repository: Path, name: str) -> ModuleType:
    """Import a module from a repository; neither it nor its siblings stay importable."""
    before = set(sys.modules)
    sys.path.insert(0, str(repository))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(repository))
        sys.dont_write_bytecode = writes
        package = name.partition(".")[0]
        for new in [new for new in set(sys.modules) - before if new.partition(".")[0] == package]:
            del sys.modules[new]
