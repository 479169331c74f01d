"""The library's exceptions.

ChecksError
├── EvidenceError   a report cannot be used as evidence
├── CheckError      a check is written or installed wrongly
├── PolicyError     a policy file has mistakes; carries all of them
└── RecordError     the record of decisions is altered, or its replay differs
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ChecksError(Exception):
    """Root of everything the library raises on purpose."""


class EvidenceError(ChecksError):
    """A report cannot be used as evidence; the message names the report, the place in it and what is wrong."""


class CheckError(ChecksError):
    """A check is written or installed wrongly: the message names the check and how to correct it."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a policy file: the file, its line (from 1), the path of keys to it, and what is wrong."""

    source: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        where = f", {self.path}" if self.path else ""
        return f"{self.source}, line {self.line}{where}: {self.text}"


class PolicyError(ChecksError):
    """A policy has mistakes; `mistakes` holds all of them, in the order of their lines."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.source, mistake.line, mistake.path)))
        super().__init__(*self.mistakes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.mistakes))


class RecordError(ChecksError):
    """The record of decisions was altered, or deciding again ends differently; the message names the first place."""
