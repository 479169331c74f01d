"""Train: learn the encoder's vocabulary and an XGBoost model, and write the archive's content for serving.

Runs in a SageMaker training job in script mode: hyperparameters arrive as arguments, folders as SM_*
variables.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xgboost

import inference


class Channel(NamedTuple):
    """Rows of one data channel: raw feature cells in order, and labels as 0.0 or 1.0."""

    rows: list[list[str]]
    labels: list[float]


class Trained(NamedTuple):
    """A model with its encoder, and its AUC on both channels after the last round."""

    booster: xgboost.Booster
    encoder: dict[str, Any]
    auc: dict[str, float]


def read_channel(folder: Path, table: dict[str, Any]) -> Channel:
    """Read the CSV files that Prepare wrote to a channel."""
    features = [*table["numeric_features"], *table["categorical_features"]]
    rows: list[list[str]] = []
    labels: list[float] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                rows.append([row[name] for name in features])
                labels.append(float(row[table["label"]]))
    return Channel(rows, labels)


def learn_encoder(table: dict[str, Any], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The vocabulary of each categorical feature, from training rows only."""
    features: list[dict[str, Any]] = [{"name": name, "kind": "numeric"} for name in table["numeric_features"]]
    for position, name in enumerate(table["categorical_features"], start=len(features)):
        values = sorted({row[position] for row in rows} - {""})
        features.append({"name": name, "kind": "categorical", "values": values})
    return {"features": features, "label": table["label"], "positive_label": table["positive_label"]}


def fit(train: Channel, validation: Channel, encoder: dict[str, Any], options: argparse.Namespace) -> Trained:
    """Train the booster; the log line of each round is what SageMaker's console shows."""
    matrices = {
        name: xgboost.DMatrix(inference.encode(channel.rows, encoder), label=np.array(channel.labels))
        for name, channel in (("train", train), ("validation", validation))
    }
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "auc",
        "max_depth": options.max_depth,
        "eta": options.eta,
        "subsample": options.subsample,
        "min_child_weight": options.min_child_weight,
        "nthread": options.nthread,
        "seed": options.seed,
    }
    history: dict[str, Any] = {}
    booster = xgboost.train(
        parameters,
        matrices["train"],
        num_boost_round=options.num_boost_round,
        evals=[(matrix, name) for name, matrix in matrices.items()],
        evals_result=history,
        verbose_eval=20,
    )
    return Trained(booster, encoder, {name: round(history[name]["auc"][-1], 6) for name in matrices})


def save(trained: Trained, model_dir: Path) -> None:
    """Write what the model archive must hold: the booster, its encoder and the inference code."""
    code = model_dir / "code"
    code.mkdir(parents=True, exist_ok=True)
    trained.booster.save_model(model_dir / inference.MODEL_FILE)
    (model_dir / inference.ENCODER_FILE).write_text(json.dumps(trained.encoder, indent=1), encoding="utf-8")
    shutil.copyfile(inference.__file__, code / "inference.py")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Hyperparameters and folders; what the toolkit adds beyond them is ignored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_boost_round", type=int, default=60)
    parser.add_argument("--max_depth", type=int, default=3)
    parser.add_argument("--eta", type=float, default=0.12)
    parser.add_argument("--subsample", type=float, default=1.0)
    parser.add_argument("--min_child_weight", type=float, default=1.0)
    parser.add_argument("--nthread", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    for name, variable, default in (
        ("--train", "SM_CHANNEL_TRAIN", "/opt/ml/input/data/train"),
        ("--validation", "SM_CHANNEL_VALIDATION", "/opt/ml/input/data/validation"),
        ("--model_dir", "SM_MODEL_DIR", "/opt/ml/model"),
    ):
        parser.add_argument(name, type=Path, default=Path(os.environ.get(variable, default)))
    return parser.parse_known_args(argv)[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a training job."""
    options = parse(argv)
    table = json.loads((options.train / "table.json").read_text(encoding="utf-8"))
    train, validation = (read_channel(folder, table) for folder in (options.train, options.validation))
    trained = fit(train, validation, learn_encoder(table, train.rows), options)
    save(trained, options.model_dir)
    areas = " ".join(f"{name}-auc:{value}" for name, value in trained.auc.items())
    print(f"rows: {len(train.rows)}; {areas}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
