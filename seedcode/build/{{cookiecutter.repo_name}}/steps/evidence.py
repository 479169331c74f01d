"""The evidence about a model version: documents that an approval's checks read, computed by their library.

Shapes: Model Monitor's for model and data quality, Clarify's for bias and importance. `manifest.json` has the
sha256 of every other file, and the registry has the manifest's: what was measured here cannot change unseen.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lockgate_checks.compute import lineage, model_quality
from lockgate_checks.compute.bias import bias_report
from lockgate_checks.compute.bias_plan import BiasPlan, Facet
from lockgate_checks.compute.cells import is_missing
from lockgate_checks.compute.constraints import suggest_constraints
from lockgate_checks.compute.explainability import Attribution
from lockgate_checks.compute.statistics import statistics

Row = Mapping[str, str]
Documents = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """What made the model, as far as the build that started the pipeline knows it."""

    commit: str
    image: str
    seed_version: str
    model_digest: str


@dataclass(frozen=True)
class Examined:
    """A model's scores of the held-out rows, the rows it learned from, and how it used its features."""

    table: Mapping[str, Any]  # table.json: what the columns mean
    training: Sequence[Row]
    rows: Sequence[Row]
    scores: np.ndarray
    attribution: Attribution
    cutoff: float

    @property
    def features(self) -> list[str]:
        """The model's input columns in serving order."""
        return [*self.table["numeric_features"], *self.table["categorical_features"]]

    @property
    def labels(self) -> np.ndarray:
        """1 for the positive label, else 0."""
        return np.array([int(row[self.table["label"]]) for row in self.rows])

    def column(self, name: str) -> np.ndarray:
        """One column of the held-out rows as texts."""
        return np.array([row[name] for row in self.rows], dtype=object)


def write(examined: Examined, origin: Origin, policy: bytes, folder: Path) -> tuple[Documents, str]:
    """Write the evidence folder; returns the model-quality report and the manifest's sha256.

    Raises:
        EvidenceError: something cannot be measured on these rows; the text says what and why.
    """
    quality = measured_quality(examined)
    held_out = holdout(examined)
    documents: Documents = {
        "statistics.json": quality,
        "constraints.json": model_quality.constraints(quality),
        "analysis.json": analysis(examined),
        **data_quality(examined),
        "lineage.json": described_lineage(examined, origin, held_out),
        "evaluation_plan.json": plan(examined),
    }
    files = {name: _json(document) for name, document in documents.items()}
    files |= {"holdout.csv": held_out, "policy.yaml": policy}
    manifest = _json({"files": {name: _digest(content) for name, content in sorted(files.items())}})
    for name, content in {**files, "manifest.json": manifest}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return quality, _digest(manifest)


def measured_quality(examined: Examined) -> Documents:
    """Model quality on all held-out rows and on those of each facet value, with confidence intervals.

    A facet with empty cells, or with more values than the library takes, gives no segments.
    """
    columns = {facet: examined.column(facet) for facet in examined.table["facets"]}
    segments = {
        facet: column
        for facet, column in columns.items()
        if not any(map(is_missing, column)) and len(set(column)) <= model_quality.MOST_SEGMENTS
    }
    setup = model_quality.Setup(cutoff=examined.cutoff, segments=segments)
    return model_quality.binary_report(examined.labels, examined.scores, setup)


def analysis(examined: Examined) -> Documents:
    """Bias of the labels and of the answers for every facet value declared, and importance by feature."""
    facets, label = examined.table["facets"], examined.table["label"]
    answer = f"predicted {label}"
    chunk = {label: examined.labels, answer: (examined.scores >= examined.cutoff).astype(int)}
    chunk |= {facet: examined.column(facet) for facet in facets}
    watched = tuple(Facet(facet, tuple(values)) for facet, values in facets.items())
    report = bias_report([chunk], BiasPlan(label, watched, prediction=answer))
    return {**report, "explanations": examined.attribution.explanations()}


def data_quality(examined: Examined) -> Documents:
    """Statistics of the training data, and constraints that they meet, for the next version to compare."""
    columns = list(examined.training[0]) if examined.training else []
    cells = {name: np.array([row[name] for row in examined.training], dtype=object) for name in columns}
    found = statistics([cells])
    return {
        "data_quality/statistics.json": found,
        "data_quality/constraints.json": suggest_constraints(found),
    }


def described_lineage(examined: Examined, origin: Origin, held_out: bytes) -> Documents:
    """Where the version comes from, and how many held-out rows also stand among the training rows."""
    rows = (list(row.values()) for row in examined.rows)
    shared = lineage.overlap((list(row.values()) for row in examined.training), rows)
    return {
        **vars(origin),
        "data_digest": examined.table["data_digest"],
        "evaluation_data_digest": _digest(held_out),
        "overlap": shared.document(),
    }


def plan(examined: Examined) -> Documents:
    """What holdout.csv holds, so that others can score and measure it again."""
    facets = examined.table["facets"]
    return {
        "problem": "binary",
        "features": examined.features,
        "label": "label",
        "score": "score",
        "cutoff": examined.cutoff,
        "facets": [{"name": name, "values": list(values)} for name, values in facets.items()],
        "content_type": "text/csv",
    }


def holdout(examined: Examined) -> bytes:
    """holdout.csv: features in serving order, facets that are no features, label as 1 or 0, and score."""
    features = examined.features
    names = [*features, *(name for name in examined.table["facets"] if name not in features)]
    lines = zip(examined.rows, examined.labels, examined.scores, strict=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "label", "score"])
    writer.writerows([*(row[name] for name in names), label, f"{score:.9g}"] for row, label, score in lines)
    return text.getvalue().encode()


def _json(document: Documents) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
