"""Compare a day of captured traffic with what was decided about the version that the endpoint serves.

The same statistics, checks and limits as at the approval. What cannot be compared ends the job with its reason: a
watch that saw nothing must not look like one that found nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockgate_checks.bundle import parse
from lockgate_checks.canonical import canonical
from lockgate_checks.errors import ChecksError, EvidenceError
from lockgate_checks.policy.load import load_policy
from lockgate_checks.policy.model import Policy
from lockgate_checks.values import Finding
from lockgate_checks.watch import Watched, baseline_with_predictions, read_captured, watch

from lockgate_jobs.case import CHALLENGER, ROOT
from lockgate_jobs.holdout import read_plan

MESSAGE_BYTES = 1024  # what SageMaker shows of /opt/ml/output/message as the job's ExitMessage
MESSAGE = Path("/opt/ml/output/message")
BASELINE = ("data_quality", "data_constraints")


@dataclass(frozen=True)
class Task:
    """The endpoint, the version it serves, and the job's folders."""

    endpoint: str
    model_package_arn: str
    inputs: Path
    output: Path


def main(arguments: Sequence[str]) -> int:
    """Run the job; a watch that cannot be made becomes the job's exit message."""
    task = read_task(arguments)
    try:
        seen = watched(task, datetime.now(UTC).replace(microsecond=0))
    except ChecksError as error:
        print(error, file=sys.stderr)
        if MESSAGE.parent.is_dir():
            MESSAGE.write_bytes(str(error).encode()[:MESSAGE_BYTES])
        return 1
    for finding in seen.failing:
        print(finding.reason)
    print(json.dumps(seen.metrics()))
    return 0


def read_task(arguments: Sequence[str]) -> Task:
    """Read the job's arguments."""
    parser = argparse.ArgumentParser(prog="lockgate-checks")
    for name in ("endpoint", "arn"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--root", type=Path, default=ROOT)
    given = parser.parse_args(arguments)
    return Task(given.endpoint, given.arn, given.root / "input", given.root / "output" / "watch")


def watched(task: Task, now: datetime) -> Watched:
    """Compare, and write watch.json and the traffic's statistics.

    Raises:
        ChecksError: the decision about the version, or a policy, is not usable.
    """
    decided = task.inputs / "decision"
    plan = read_plan(decided / "evaluation_plan.json")
    documents = {name: _document(decided / "evidence" / f"{name}.json") for name in BASELINE}
    baseline = baseline_with_predictions(documents, _answers(decided / "predictions.csv"))
    captured = read_captured(_lines(task.inputs / "captured"), plan.features)
    seen = watch(captured, baseline, _policy(task.inputs), now, task.model_package_arn)
    task.output.mkdir(parents=True, exist_ok=True)
    (task.output / "watch.json").write_bytes(canonical(document(seen, task, now)))
    if seen.statistics is not None:
        (task.output / "statistics.json").write_bytes(canonical(seen.statistics))
    return seen


def document(seen: Watched, task: Task, now: datetime) -> dict[str, Any]:
    """Return watch.json."""
    return {
        "endpoint": task.endpoint,
        "model_package_arn": task.model_package_arn,
        "watched_at": now.isoformat(),
        "rows": seen.rows,
        "records": seen.records,
        "unread": dict(seen.unread),
        "metrics": seen.metrics(),
        "findings": [_finding(finding) for finding in seen.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "subject": finding.subject,
        "outcome": finding.outcome,
        "severity": finding.severity,
        "value": finding.value,
        "limit": str(finding.limit) if finding.limit else None,
        "reason": finding.reason,
        "waived_by": finding.waived_by,
    }


def _policy(inputs: Path) -> Policy:
    (file,) = (inputs / "policy").glob("*.yaml")
    organization, own = load_policy(file), inputs / "decision" / "project-policy.yaml"
    return load_policy(own, organization) if own.is_file() else organization


def _document(file: Path) -> Any:
    try:
        return parse(file.read_bytes())
    except OSError as error:
        raise EvidenceError(f"The decision about the served version lacks {file.name}: {error.strerror}.") from None


def _answers(file: Path) -> list[str]:
    """The scores of the approved version on its evaluation data."""
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            return [row[CHALLENGER] for row in csv.DictReader(stream)]
    except (OSError, KeyError, csv.Error):
        raise EvidenceError("The decision about the served version lacks its scores (predictions.csv).") from None


def _lines(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.rglob("*.jsonl")):
        with file.open("rb") as stream:
            yield from stream
