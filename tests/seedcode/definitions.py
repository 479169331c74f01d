"""Pipeline definitions made by processes of their own, as builds make them."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.seedcode import processes

PROGRAM = Path(__file__).with_name("describe_pipeline.py")


@dataclass(frozen=True)
class Described:
    """What one process made of one checkout; `objects` are the S3 keys it wrote, one for each write."""

    definition: str
    again: str
    with_another_hyperparameter: str
    without_caching: str
    objects: tuple[str, ...]

    def steps(self) -> dict[str, dict[str, Any]]:
        """Every step by name, those of the condition's branches included."""
        return {step["Name"]: step for step in _walk(json.loads(self.definition)["Steps"])}


def describe_twice(first: Path, second: Path) -> tuple[Described, Described]:
    """Describe two checkouts at the same time, each in a process with its own order of hashes."""
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(_describe, (first, second), ("1", "2"))
    return one, two


def _describe(checkout: Path, seed: str) -> Described:
    environment = {**processes.project("p-idy6c3e1fiqj"), "PYTHONHASHSEED": seed}
    finished = processes.run([sys.executable, str(PROGRAM), str(checkout)], checkout, environment)
    assert finished.returncode == 0, finished.stderr
    answer = json.loads(finished.stdout.splitlines()[-1])
    return Described(**{**answer, "objects": tuple(answer["objects"])})


def _walk(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        found.append(step)
        if step["Type"] == "Condition":
            found += _walk(step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"])
    return found
