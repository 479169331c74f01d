"""The declared evaluation data: holdout.csv by evaluation_plan.json."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_checks.errors import EvidenceError

PROBLEMS = ("binary", "multiclass", "regression")
MOST_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Plan:
    """How the evaluation data are to be read. `facets` are columns with the values that are watched."""

    problem: str
    features: tuple[str, ...]
    label: str
    score: str
    cutoff: float
    facets: Mapping[str, tuple[str, ...]]
    content_type: str


@dataclass(frozen=True)
class Holdout:
    """The rows, by column; cells are texts."""

    plan: Plan
    columns: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.columns[self.plan.label])

    def features(self) -> list[list[str]]:
        """Return the rows with the model's features alone, in their order."""
        return self.rows_of(self.plan.features)

    def features_of(self, other: Plan) -> list[list[str]]:
        """Return the rows with the features of another model, which is to predict the same.

        Raises:
            EvidenceError: the rows lack one of them, or it is what is to be predicted here.
        """
        if other.problem != self.plan.problem:
            raise EvidenceError(f"its problem is {other.problem}, that of these evaluation data {self.plan.problem}")
        missing = sorted({*other.features} - {*self.columns})
        if missing:
            raise EvidenceError(f"the evaluation data lack its feature {', '.join(missing)[:200]}")
        told = sorted({*other.features} & {self.plan.label, self.plan.score})
        if told:
            raise EvidenceError(f"its feature {told[0]} is the label or the score of these evaluation data")
        return self.rows_of(other.features)

    def rows_of(self, names: Sequence[str]) -> list[list[str]]:
        """Return the rows with these columns alone, in this order."""
        return [list(row) for row in zip(*(self.columns[name] for name in names), strict=True)]


def read_plan(file: Path) -> Plan:
    """Read the plan.

    Raises:
        EvidenceError: a part is missing or of another form.
    """
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        plan = Plan(
            problem=str(given["problem"]),
            features=_names(given["features"]),
            label=_name(given["label"]),
            score=_name(given["score"]),
            cutoff=float(given.get("cutoff", 0.5)),
            facets={_name(facet["name"]): _names(facet.get("values", [])) for facet in given.get("facets", [])},
            content_type=str(given.get("content_type", "text/csv")),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EvidenceError(f"evaluation_plan.json cannot be read: {error!r}") from None
    mistakes = [
        *([] if plan.problem in PROBLEMS else [f"problem is {plan.problem!r}, none of {', '.join(PROBLEMS)}"]),
        *([] if plan.features else ["features are none"]),
        *([] if math.isfinite(plan.cutoff) else ["cutoff is no finite number"]),
        *([] if plan.content_type == "text/csv" else [f"content_type is {plan.content_type!r}, not text/csv"]),
        *(
            [
                f"{name} is both a feature and what is to be predicted"
                for name in {plan.label, plan.score} & {*plan.features}
            ]
        ),
    ]
    if mistakes:
        raise EvidenceError(f"evaluation_plan.json: {'; '.join(mistakes)}")
    return plan


def read_holdout(folder: Path) -> Holdout:
    """Read plan and rows of an evidence folder.

    Raises:
        EvidenceError: one of them is missing, lacks a column or has no rows.
    """
    plan, file = read_plan(folder / "evaluation_plan.json"), folder / "holdout.csv"
    try:
        if file.stat().st_size > MOST_BYTES:
            raise EvidenceError(f"holdout.csv has more than {MOST_BYTES} bytes")
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header, rows = next(reader, []), [row for row in reader if row]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise EvidenceError(f"holdout.csv cannot be read: {error}") from None
    needed = (*plan.features, plan.label, plan.score, *plan.facets)
    missing = sorted({name for name in needed if name not in header})
    if missing or len(set(header)) != len(header):
        raise EvidenceError(f"holdout.csv lacks columns or names one twice: {', '.join(missing) or header}")
    if not rows or any(len(row) != len(header) for row in rows):
        raise EvidenceError("holdout.csv has no rows, or rows that do not fit its header")
    return Holdout(plan, dict(zip(header, zip(*rows, strict=True), strict=True)))


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no column's name")
    return value


def _names(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
