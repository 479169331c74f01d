"""Tests whose programs use /opt/ml by its name need mount namespaces; without them jobs run by SM_* variables only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from lockgate_twin.jobs.sandbox import detect

NEEDS_NAMESPACES = pytest.mark.skipif(
    not detect(Path(sys.executable)).isolated, reason="mount namespaces are not to be had here"
)
