"""Compares captured traffic with what the approved version registered: the same statistics, checks and limits.

The data family of checks is asked, each with the severity that the policy gives it, else as a warning: drift of every
column and of the predictions, completeness, and the constraints of the version's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from lockgate_checks.bundle import from_mapping
from lockgate_checks.check import Check
from lockgate_checks.compute.cells import Chunk
from lockgate_checks.compute.constraints import suggest_constraints
from lockgate_checks.compute.drift import features_by_name
from lockgate_checks.compute.statistics import StatisticsCounter, statistics
from lockgate_checks.errors import CheckError, EvidenceError
from lockgate_checks.evaluate import evaluate
from lockgate_checks.findings import Court, findings_of
from lockgate_checks.policy.layers import severity_of
from lockgate_checks.policy.model import Policy
from lockgate_checks.registry import BUILT_IN
from lockgate_checks.values import Finding, Outcome, Severity
from lockgate_checks.waiving import grants
from lockgate_checks.watch.captured import Captured, Row

PREDICTION = "prediction"
"""The name of the model's answers among the columns."""

FAMILY = "data"
_ROWS = 1 << 14


@dataclass(frozen=True)
class Watched:
    """What was seen: rows, records that could not be read by reason, findings, and the statistics of the traffic.

    `statistics` is None where no row could be read.
    """

    rows: int
    records: int
    unread: Mapping[str, int]
    findings: tuple[Finding, ...]
    statistics: Mapping[str, Any] | None

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Return the findings that failed and are not waived."""
        return tuple(f for f in self.findings if f.outcome is Outcome.FAIL and f.waived_by is None)

    def metrics(self) -> dict[str, float]:
        """Return numbers for a dashboard: counts, and the largest drift of any column (0 to 1), if one is known."""
        drifts = [f.value for f in self.findings if f.check == "data.drift" and f.value is not None]
        found = {
            "Rows": float(self.rows),
            "UnreadRecords": float(sum(self.unread.values())),
            "FailingChecks": float(len(self.failing)),
        }
        return found | ({"LargestDrift": max(drifts)} if drifts else {})


def watch(
    captured: Captured,
    baseline: Mapping[str, Any],
    policy: Policy,
    now: datetime,
    model_package_arn: str = "",
    checks: Sequence[Check] = BUILT_IN,
) -> Watched:
    """Measure captured traffic against `baseline`: the documents `data_quality` and `data_constraints` by these names.

    Raises:
        CheckError: `now` has no time zone.
        EvidenceError: the baseline lacks a document, or a document a feature of the requests.
    """
    if now.tzinfo is None:
        raise CheckError("The time of the watch has no time zone; pass it in UTC.")
    if missing := sorted({"data_quality", "data_constraints"} - baseline.keys()):
        raise EvidenceError(f"The baseline lacks {' and '.join(missing)}; the traffic cannot be compared.")
    columns = (*captured.features, PREDICTION)
    counter = StatisticsCounter()
    for chunk in _chunks(captured.rows(), columns):
        counter.add(chunk)
    seen = counter.document() if counter.rows else None
    documents = {f"baseline_{name}": _only(columns, document, name) for name, document in baseline.items()}
    documents |= {"data_quality": seen} if seen is not None else {}
    court = Court(policy, grants(policy, now.date(), model_package_arn))
    findings = (*_traffic(captured, counter.rows), *(_findings(documents, court, checks) if seen is not None else ()))
    return Watched(counter.rows, captured.records, dict(captured.unread), findings, seen)


def baseline_with_predictions(documents: Mapping[str, Any], predictions: Iterable[str]) -> dict[str, Any]:
    """Return the baseline's documents with the predictions on the evaluation data as one more column of each.

    Raises:
        EvidenceError: there are no predictions, or a document has no list of features.
    """
    answers = statistics(_chunks(((answer,) for answer in predictions), (PREDICTION,)))
    more = {"data_quality": answers, "data_constraints": suggest_constraints(answers)}
    found = dict(documents)
    for name in more.keys() & documents.keys():
        features = [*features_by_name(documents[name], f"the baseline's {name}").values(), *more[name]["features"]]
        found[name] = {**documents[name], "features": features}
    return found


def _only(columns: Sequence[str], document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the document without the columns that no request holds, such as the label."""
    known = features_by_name(document, f"the baseline's {name}")
    kept = [feature for column, feature in known.items() if column in columns]
    if absent := sorted(set(columns) - {feature["name"] for feature in kept} - {PREDICTION}):
        raise EvidenceError(f"The baseline's {name} lacks the feature(s) {', '.join(absent)} of the requests.")
    return {**document, "features": kept}


def _findings(documents: Mapping[str, Any], court: Court, checks: Sequence[Check]) -> Iterator[Finding]:
    bundle = from_mapping(documents)
    for check in checks:
        if check.family == FAMILY:
            severity = severity_of(court.policy, check) or Severity.WARN
            yield from findings_of(evaluate(check, bundle, {}), severity, court)


def _traffic(captured: Captured, rows: int) -> Iterator[Finding]:
    """Say whether there was anything to watch, and whether all of it could be read."""
    if not rows:
        reason = "No captured request could be read." if captured.records else "There is no captured traffic."
        outcome = Outcome.FAIL if captured.records else Outcome.SKIP
        yield Finding("watch.traffic", "watch", "rows", outcome, Severity.WARN, 0.0, reason=reason)
    for reason, number in sorted(captured.unread.items()):
        told = f"{number} of {captured.records} captured records could not be read: {reason}."
        yield Finding("watch.readable", "watch", reason, Outcome.FAIL, Severity.WARN, float(number), reason=told)


def _chunks(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[Chunk]:
    rows = iter(rows)
    while block := list(islice(rows, _ROWS)):
        cells = list(zip(*block, strict=True))
        yield {name: _column(values) for name, values in zip(columns, cells, strict=True)}


def _column(values: Sequence[str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
