"""Evaluate: score held-out rows with the model archive exactly as it will be served, and write the evidence.

The scores come from the inference code inside the archive, and the archive's sha256 goes with them into the
registry: what is measured here, what is approved and what is deployed are the same bytes. Runs in a SageMaker
processing job, with the checks library's wheel next to this file: Python imports from it without installing.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.extend(str(wheel) for wheel in Path(__file__).parent.glob("lockgate_checks-*.whl"))

from lockgate_checks import ChecksError
from lockgate_checks.compute.explainability import shap_of_booster

import evidence
from archived import ARCHIVE, EvaluationError, opened

MESSAGE_BYTES = 1024  # SageMaker shows the first KB of /opt/ml/output/message as the job's ExitMessage
CODE_DIR = "/opt/ml/processing/input/code"


def read_part(folder: Path, name: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What Prepare wrote for a part: the table's description and the part's rows.

    Raises:
        EvaluationError: a file or a column is missing, or there are no rows.
    """
    try:
        table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, restval="")
            rows, present = list(reader), reader.fieldnames or []
    except (OSError, ValueError, csv.Error) as error:
        raise EvaluationError(f"The {name} data cannot be read: {error}.") from error
    wanted = [table["label"], *table["facets"], *table["numeric_features"], *table["categorical_features"]]
    missing = [repr(column) for column in dict.fromkeys(wanted) if column not in present]
    if missing:
        raise EvaluationError(f"The {name} data lack the column(s) {', '.join(missing)}: run Prepare again.")
    if not rows:
        raise EvaluationError(f"The {name} data have no rows: there is nothing to evaluate with.")
    if wrong := sorted({row[table["label"]] for row in rows} - {"0", "1"}):
        raise EvaluationError(
            f"The {name} data have the label {wrong[0]!r}, neither 0 nor 1: run Prepare again."
        )
    return table, rows


def examine(options: argparse.Namespace) -> evidence.Examined:
    """Score and explain the held-out rows with the archived model.

    Raises:
        EvaluationError, ChecksError: the data or the archive cannot be used.
    """
    table, rows = read_part(options.test_dir, "test")
    _, training = read_part(options.train_dir, "train")
    names = [*table["numeric_features"], *table["categorical_features"]]
    cells = [[row[name] for name in names] for row in rows]
    with opened(options.model_dir / ARCHIVE) as archived:
        scores = np.array(archived.score(cells))
        matrix, columns = archived.encode(cells)
        attribution = shap_of_booster(archived.model.booster, matrix, columns)
    return evidence.Examined(table, training, rows, scores, attribution, options.cutoff)


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the archived model and write all evidence; returns the summary that evaluation.json holds.

    Raises:
        EvaluationError, ChecksError: the model cannot be evaluated.
    """
    examined = examine(options)
    model_digest = hashlib.sha256((options.model_dir / ARCHIVE).read_bytes()).hexdigest()
    origin = evidence.Origin(options.commit, options.image, options.seed_version, model_digest)
    policy = options.policy.read_bytes()
    quality, evidence_digest = evidence.write(examined, origin, policy, options.evidence_dir)
    sure = quality["lockgate"]["intervals"].get("auc", {})
    summary = {
        "auc": round(quality["binary_classification_metrics"]["auc"]["value"], 6),
        "auc_lower": round(sure["lower"], 6) if sure else None,
        "auc_upper": round(sure["upper"], 6) if sure else None,
        "rows": len(examined.rows),
        "positives": int(examined.labels.sum()),
        "model_digest": model_digest,
        "data_digest": examined.table["data_digest"],
        "evidence_digest": evidence_digest,
    }
    options.output_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(summary, indent=1, sort_keys=True, allow_nan=False)
    (options.output_dir / "evaluation.json").write_text(text, encoding="utf-8")
    return summary


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Folders, and what the pipeline knows about the model's origin."""
    parser = argparse.ArgumentParser(description=__doc__)
    processing = Path("/opt/ml/processing")
    for name, default in (
        ("--model-dir", processing / "input" / "model"),
        ("--train-dir", processing / "input" / "train"),
        ("--test-dir", processing / "input" / "test"),
        ("--policy", Path(CODE_DIR, "policy.yaml")),
        ("--output-dir", processing / "output" / "evaluation"),
        ("--evidence-dir", processing / "output" / "evidence"),
        ("--message-file", Path("/opt/ml/output/message")),
    ):
        parser.add_argument(name, type=Path, default=default)
    for name in ("--commit", "--image", "--seed-version"):
        parser.add_argument(name, default="not-recorded")
    parser.add_argument("--cutoff", type=float, default=0.5, help="from this score on the answer is positive")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a processing job; a model that cannot be evaluated becomes the job's exit message."""
    options = parse(argv)
    try:
        summary = evaluate(options)
    except (EvaluationError, ChecksError, OSError) as error:
        print(error, file=sys.stderr)
        options.message_file.parent.mkdir(parents=True, exist_ok=True)
        options.message_file.write_bytes(str(error).encode()[:MESSAGE_BYTES])
        return 1
    interval = f"95 % interval {summary['auc_lower']} to {summary['auc_upper']}"
    print(f"AUC {summary['auc']} on {summary['rows']} held-out rows ({interval})")
    print(f"sha256 of {ARCHIVE}: {summary['model_digest']}")
    print(f"sha256 of the evidence's manifest.json: {summary['evidence_digest']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
