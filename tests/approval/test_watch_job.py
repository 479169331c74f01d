"""The watch as SageMaker runs it: folders in, watch.json out, from the packed archive."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lockgate_checks.compute.constraints import suggest_constraints
from lockgate_checks.compute.statistics import statistics

from catalog.cloud_archives import jobs_archive

ROOT = Path(__file__).parents[2]
ENDPOINT = "credit-p-1-prod"
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/credit-p-1/3"
POLICY = """schema: 1
name: acme
packs: {data: warn}
limits:
  drift: {maximum: 0.1}
  completeness: {minimum: 0.95}
"""
PLAN = {"problem": "binary", "features": ["age", "income"], "label": "label", "score": "score", "facets": []}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jobs' archive as it is published."""
    place = tmp_path_factory.mktemp("code") / "lockgate-checks.pyz"
    place.write_bytes(jobs_archive(ROOT).content)
    return place


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The root of a job, with the decision about the served version and the organization's policy."""
    decision = tmp_path / "input" / "decision"
    (decision / "evidence").mkdir(parents=True)
    data = people(1, 800)
    columns = {
        name: np.array(values, dtype=object)
        for name, values in zip(("age", "income"), zip(*data, strict=True), strict=True)
    }
    document = statistics([{**columns, "label": np.array(["0"] * 800, dtype=object)}])
    write(decision / "evidence" / "data_quality.json", document)
    write(decision / "evidence" / "data_constraints.json", suggest_constraints(document))
    write(decision / "evaluation_plan.json", PLAN)
    scores = "\n".join(["challenger", *(score(row) for row in data)])
    (decision / "predictions.csv").write_text(scores + "\n", encoding="utf-8")
    (tmp_path / "input" / "policy").mkdir()
    (tmp_path / "input" / "policy" / "policy-1.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "input" / "captured").mkdir()
    return tmp_path


def people(seed: int, number: int, older: int = 0) -> list[tuple[str, str]]:
    """Rows of two features."""
    draw = random.Random(seed)  # noqa: S311 - test data
    return [(str(draw.randint(18, 60) + older), f"{draw.gauss(0, 1):.4f}") for _ in range(number)]


def score(row: tuple[str, str]) -> str:
    """What the model answers."""
    return f"{float(row[0]) / 100:.3f}"


def capture(job: Path, rows: list[tuple[str, str]]) -> None:
    """Captured traffic in two files of two hours."""
    for hour, part in (("09", rows[::2]), ("10", rows[1::2])):
        lines = []
        for number, row in enumerate(part):
            sides = {
                "endpointInput": {"observedContentType": "text/csv", "encoding": "CSV", "data": ",".join(row)},
                "endpointOutput": {"observedContentType": "text/csv", "encoding": "CSV", "data": score(row)},
            }
            event = {"eventId": f"{hour}-{number}", "inferenceTime": "2026-05-03T10:00:00Z"}
            lines.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        place = job / "input" / "captured" / hour / "00-00.jsonl"
        place.parent.mkdir()
        place.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write(place: Path, document: Any) -> None:
    """Write a JSON document."""
    place.write_text(json.dumps(document), encoding="utf-8")


def run(archive: Path, job: Path) -> subprocess.CompletedProcess[str]:
    """Run the job."""
    command = [sys.executable, str(archive), "watch", "--endpoint", ENDPOINT, "--arn", ARN, "--root", str(job)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=job)


def result(job: Path) -> dict[str, Any]:
    """What the job wrote."""
    document: dict[str, Any] = json.loads((job / "output" / "watch" / "watch.json").read_text(encoding="utf-8"))
    return document


def test_traffic_like_the_models_data_passes(archive: Path, job: Path) -> None:
    """No check fails, and the counts are those of the traffic."""
    capture(job, people(2, 400))
    finished = run(archive, job)
    assert finished.returncode == 0, finished.stderr
    seen = result(job)
    assert (seen["endpoint"], seen["rows"], seen["metrics"]["FailingChecks"]) == (ENDPOINT, 400, 0)
    outcomes = {finding["check"]: finding["outcome"] for finding in seen["findings"]}
    assert {outcomes["data.drift"], outcomes["data.constraints"], outcomes["data.completeness"]} == {"pass"}


def test_drifted_traffic_fails_with_the_columns_named(archive: Path, job: Path) -> None:
    """Older people drift in age and in what is predicted; income is as it was."""
    capture(job, people(3, 400, older=30))
    assert run(archive, job).returncode == 0
    failing = {f["subject"] for f in result(job)["findings"] if f["outcome"] == "fail"}
    assert failing == {"drift@age", "drift@prediction"}
    assert result(job)["metrics"]["FailingChecks"] == 2


def test_a_decision_without_its_data_ends_the_job_with_the_reason(archive: Path, job: Path) -> None:
    """Nothing to compare with is no success."""
    capture(job, people(2, 10))
    (job / "input" / "decision" / "evidence" / "data_quality.json").unlink()
    finished = run(archive, job)
    assert finished.returncode == 1
    assert "lacks data_quality.json" in finished.stderr
    assert not (job / "output" / "watch" / "watch.json").exists()


def test_traffic_that_cannot_be_read_is_no_success(archive: Path, job: Path) -> None:
    """Lines that are no captured records are counted and fail the watch."""
    (job / "input" / "captured" / "junk.jsonl").write_text("{\n[1]\n", encoding="utf-8")
    assert run(archive, job).returncode == 0
    assert result(job)["metrics"] == {"FailingChecks": 3, "Rows": 0, "UnreadRecords": 2}
