"""Evaluate: score held-out rows with the model archive exactly as it will be served, and write the evidence.

The scores come from the inference code inside the archive, and the archive's sha256 goes with them into the
registry: what is measured here, what is approved and what is deployed are the same bytes. Runs in a SageMaker
processing job.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import io
import json
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import bias
import quality

ARCHIVE = "model.tar.gz"
INFERENCE_CODE = "code/inference.py"
CUTOFF = 0.5  # a score from here on predicts the positive label
MAX_FILES = 1_000
MAX_BYTES = 2 * 1024**3
MESSAGE_BYTES = 1024  # SageMaker shows the first KB of /opt/ml/output/message as the job's ExitMessage


class EvaluationError(Exception):
    """The model cannot be evaluated; the text says why."""


def open_archive(archive: Path, folder: Path) -> None:
    """Extract a model archive that holds nothing but plain files of bearable size.

    Raises:
        EvaluationError: it is missing or no archive, leaves its folder, links, or is too large.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = tar.getmembers()
            strange = [member.name for member in members if not (member.isfile() or member.isdir())]
            if strange:
                raise EvaluationError(
                    f"{ARCHIVE} holds {strange[0]!r}, which is neither a file nor a folder."
                )
            if len(members) > MAX_FILES or sum(member.size for member in members) > MAX_BYTES:
                raise EvaluationError(f"{ARCHIVE} holds more than {MAX_FILES} files or {MAX_BYTES} bytes.")
            for member in members:
                extract(tar, member, folder)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise EvaluationError(f"{ARCHIVE} cannot be opened: {error}") from error


def extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one plain file or folder; tarfile's own filters came only with Python 3.11.4.

    Raises:
        EvaluationError: its name would leave the folder.
    """
    target = (folder / member.name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise EvaluationError(f"{ARCHIVE} holds {member.name!r}, which would leave its folder.")
    if (content := tar.extractfile(member)) is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def load_inference(folder: Path) -> ModuleType:
    """The archive's own inference code as a module."""
    spec = importlib.util.spec_from_file_location("archived_inference", folder / INFERENCE_CODE)
    if spec is None or spec.loader is None or not (folder / INFERENCE_CODE).is_file():
        raise EvaluationError(f"{ARCHIVE} lacks {INFERENCE_CODE}, so no endpoint could serve it.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score_rows(archive: Path, rows: Sequence[Sequence[str]]) -> list[float]:
    """Serve the rows from the archive, in this process: text in, text out, as over HTTP."""
    with tempfile.TemporaryDirectory() as name:
        open_archive(archive, Path(name))
        code = load_inference(Path(name))
        model = code.model_fn(name)
        body = io.StringIO()
        csv.writer(body, lineterminator="\n").writerows(rows)
        answer = code.predict_fn(code.input_fn(body.getvalue(), "text/csv"), model)
        if not isinstance(answer, list) or len(answer) != len(rows):
            raise EvaluationError(f"The model answered {answer!r} instead of {len(rows)} scores.")
        return [float(line) for line in code.output_fn(answer, "text/csv")[0].split()]


def read_test(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What Prepare wrote for the test channel: the table's description and its rows."""
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    with (folder / "test.csv").open(newline="", encoding="utf-8") as stream:
        return table, list(csv.DictReader(stream))


def evaluate(archive: Path, test_dir: Path, output_dir: Path) -> dict[str, Any]:
    """Measure the archived model and write all evidence files; returns the summary of evaluation.json."""
    table, rows = read_test(test_dir)
    names = [*table["numeric_features"], *table["categorical_features"]]
    features = [[row[name] for name in names] for row in rows]
    scores = np.array(score_rows(archive, features))
    labels = np.array([int(row[table["label"]]) for row in rows])
    in_group = np.array([row[table["facet"]] == table["facet_value"] for row in rows])
    measured = quality.statistics(labels, scores, CUTOFF)
    treatment = bias.count(labels, (scores >= CUTOFF).astype(int), in_group)
    summary = _summary(quality.area_under_curve(labels, scores), labels, archive, table)
    output_dir.mkdir(parents=True, exist_ok=True)
    _write(output_dir / "evaluation.json", summary)
    _write(output_dir / "statistics.json", measured)
    _write(output_dir / "constraints.json", quality.constraints(measured))
    _write(output_dir / "analysis.json", bias.analysis(treatment, table))
    with (output_dir / "holdout.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*names, "label", "score"])
        writer.writerows(
            [*row, label, f"{value:.9g}"] for row, label, value in zip(features, labels, scores, strict=True)
        )
    return summary


def _summary(area: quality.Auc, labels: np.ndarray, archive: Path, table: dict[str, Any]) -> dict[str, Any]:
    """evaluation.json, which the pipeline's condition and its registration step read."""
    return {
        "auc": round(area.value, 6),
        "auc_lower": round(area.lower, 6),
        "auc_upper": round(area.upper, 6),
        "rows": len(labels),
        "positives": int(labels.sum()),
        "model_digest": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "data_digest": table["data_digest"],
    }


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, sort_keys=True, allow_nan=False), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a processing job; a model that cannot be evaluated becomes the job's exit message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-dir", type=Path, default=Path("/opt/ml/processing/input/model"))
    parser.add_argument("--test-dir", type=Path, default=Path("/opt/ml/processing/input/test"))
    parser.add_argument("--output-dir", type=Path, default=Path("/opt/ml/processing/output/evaluation"))
    parser.add_argument("--message-file", type=Path, default=Path("/opt/ml/output/message"))
    options = parser.parse_args(argv)
    try:
        summary = evaluate(options.model_dir / ARCHIVE, options.test_dir, options.output_dir)
    except EvaluationError as error:
        print(error, file=sys.stderr)
        options.message_file.parent.mkdir(parents=True, exist_ok=True)
        options.message_file.write_bytes(str(error).encode()[:MESSAGE_BYTES])
        return 1
    interval = f"95 % interval {summary['auc_lower']} to {summary['auc_upper']}"
    print(f"AUC {summary['auc']} on {summary['rows']} held-out rows ({interval})")
    print(f"sha256 of {ARCHIVE}: {summary['model_digest']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
