from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

import evaluate


@pytest.fixture(scope="session")
def evidence(archive: Path, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder Evaluate wrote for the archive of the slice."""
    folder = tmp_path_factory.mktemp("evidence")
    evaluate.evaluate(archive, prepared / "test", folder)
    return folder


def test_the_summary_pins_the_bytes_it_measured(evidence: Path, archive: Path, prepared: Path) -> None:
    """evaluation.json has the archive's sha256, the data's digest and an AUC inside its interval."""
    summary = load(evidence / "evaluation.json")
    assert summary["model_digest"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert summary["data_digest"] == load(prepared / "test" / "table.json")["data_digest"]
    assert summary["auc_lower"] < summary["auc"] < summary["auc_upper"]
    assert summary["rows"] == 450


def test_all_evidence_agrees(evidence: Path) -> None:
    """Statistics, constraints and summary give the same AUC; the bias report names the facet."""
    auc = load(evidence / "statistics.json")["binary_classification_metrics"]["auc"]["value"]
    assert load(evidence / "evaluation.json")["auc"] == pytest.approx(auc, abs=1e-6)
    assert load(evidence / "constraints.json")["binary_classification_constraints"]["auc"]["threshold"] == auc
    after = load(evidence / "analysis.json")["post_training_bias_metrics"]
    assert [metric["name"] for metric in after["facets"]["colour"][0]["metrics"]] == ["AD", "DI", "DPPL"]


def test_the_held_out_rows_can_be_scored_again(evidence: Path, archive: Path) -> None:
    """holdout.csv has features in serving order, label and score; serving them gives the same scores."""
    with (evidence / "holdout.csv").open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["year", "age", "checks", "sex", "employed", "citizen", "label", "score"]
    again = evaluate.score_rows(archive, [row[:-2] for row in rows[:40]])
    assert again == [float(row[-1]) for row in rows[:40]]


@pytest.mark.parametrize("kind", ["link", "outside", "truncated", "missing", "without code"])
def test_an_archive_that_cannot_be_trusted_is_refused(kind: str, archive: Path, tmp_path: Path) -> None:
    """Links, paths that leave the folder, broken files and archives without code are errors with a reason."""
    bad = tmp_path / "model.tar.gz"
    if kind == "truncated":
        bad.write_bytes(archive.read_bytes()[:200])
    elif kind != "missing":
        with tarfile.open(bad, "w:gz") as tar:
            entry = tarfile.TarInfo({"outside": "../outside"}.get(kind, "inside"))
            entry.type, entry.linkname = (
                (tarfile.SYMTYPE, "/etc") if kind == "link" else (tarfile.REGTYPE, "")
            )
            tar.addfile(entry, io.BytesIO())
    with pytest.raises(evaluate.EvaluationError, match=r"^model\.tar\.gz "):
        evaluate.score_rows(bad, [["1"]])
    assert not (tmp_path.parent / "outside").exists()


def test_a_failure_becomes_the_jobs_exit_message(prepared: Path, tmp_path: Path) -> None:
    """The reason is written where SageMaker looks for it."""
    shutil.copytree(prepared / "test", tmp_path / "test")
    paths = {"model-dir": "none", "test-dir": "test", "output-dir": "out", "message-file": "output/message"}
    code = evaluate.main(
        [part for name, path in paths.items() for part in (f"--{name}", str(tmp_path / path))]
    )
    assert code == 1
    assert (
        (tmp_path / "output" / "message")
        .read_text(encoding="utf-8")
        .startswith("model.tar.gz cannot be opened")
    )


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
