"""A figure with its budget, and a process's memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measure:
    """One figure with its budget."""

    name: str
    value: float
    budget: float
    unit: str

    def __str__(self) -> str:
        mark = "ok  " if self.value <= self.budget else "OVER"
        return f"{mark} {self.name:<58} {self.value:9.2f} {self.unit:<3} (budget {self.budget:g})"


def resident(pid: int) -> float:
    """Return a process's resident memory in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024
