"""What the endpoint runs: CSV rows of raw features in, one score per row out.

The functions model_fn, input_fn, predict_fn and output_fn are the contract of SageMaker's XGBoost image in
script mode. train.py uses the same encoder and evaluate.py the copy inside the model archive, so all three
see the same numbers.

Encoding (kept in encoder.json beside the model): features come in training order, without header and without
label. A numeric cell is a number, or empty for missing (XGBoost learns where missing values go). A
categorical feature becomes one column per value seen in training, 1 where it matches; a value never seen, or
an empty cell, matches none.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xgboost

MODEL_FILE = "xgboost-model.json"
ENCODER_FILE = "encoder.json"

Rows = list[list[str]]


class Refusal(NamedTuple):
    """An answer instead of a prediction: the request cannot be served, and why.

    It travels as a value because sagemaker-containers turns every exception of these functions into an HTTP
    500 (its _functions.error_wrapper), and a bad request is the caller's mistake, not the server's.
    """

    status: int
    sentence: str


class BadRowsError(ValueError):
    """Rows that do not fit the model; the text says which and why."""


class Model(NamedTuple):
    """A trained booster with the encoder it was trained with."""

    booster: xgboost.Booster
    encoder: dict[str, Any]


def encode(rows: Sequence[Sequence[str]], encoder: dict[str, Any]) -> np.ndarray:
    """Rows of text as the matrix the booster was trained on.

    Raises:
        BadRowsError: a row has the wrong number of cells, or a numeric cell is not a number.
    """
    features = encoder["features"]
    names = ", ".join(feature["name"] for feature in features)
    encoded = []
    for number, row in enumerate(rows, start=1):
        if len(row) != len(features):
            raise BadRowsError(
                f"row {number} has {len(row)} cells but the model takes {len(features)}: {names}"
            )
        cells: list[float] = []
        for feature, cell in zip(features, row, strict=True):
            cells += _encode_cell(feature, cell.strip(), number)
        encoded.append(cells)
    return np.array(encoded, dtype=np.float32)


def encoded_columns(encoder: dict[str, Any]) -> list[str]:
    """For each column of the matrix the name of the feature it is of."""
    widths = ((feature["name"], len(feature.get("values", [None]))) for feature in encoder["features"])
    return [name for name, width in widths for _ in range(width)]


def _encode_cell(feature: dict[str, Any], cell: str, number: int) -> list[float]:
    if feature["kind"] == "categorical":
        return [float(cell == value) for value in feature["values"]]
    try:
        value = float(cell) if cell else math.nan
    except ValueError:
        raise BadRowsError(f"row {number}: {feature['name']} must be a number, not {cell!r}") from None
    if math.isinf(value):
        raise BadRowsError(f"row {number}: {feature['name']} must be a finite number, not {cell!r}")
    return [value]


def score(rows: Sequence[Sequence[str]], model: Model) -> list[float]:
    """The predicted probability of the positive label for each row."""
    matrix = xgboost.DMatrix(encode(rows, model.encoder))
    return [float(value) for value in model.booster.predict(matrix)]


def model_fn(model_dir: str) -> Model:
    """Load the booster and its encoder from the extracted model archive."""
    folder = Path(model_dir)
    booster = xgboost.Booster()
    booster.load_model(folder / MODEL_FILE)
    return Model(booster, json.loads((folder / ENCODER_FILE).read_text(encoding="utf-8")))


def input_fn(body: str | bytes, content_type: str) -> Rows | Refusal:
    """Parse a request; the image hands over text or bytes depending on the content type."""
    if content_type.split(";")[0].strip().lower() != "text/csv":
        return Refusal(415, f"the content type must be text/csv, not {content_type}")
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        return Refusal(400, "the request is not UTF-8 text")
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    return rows or Refusal(400, "the request has no rows")


def predict_fn(data: Rows | Refusal, model: Model) -> list[float] | Refusal:
    """Score the rows of one request."""
    if isinstance(data, Refusal):
        return data
    try:
        return score(data, model)
    except BadRowsError as error:
        return Refusal(400, str(error))


def output_fn(prediction: list[float] | Refusal, accept: str) -> Any:
    """Write scores as CSV lines or, when asked, as JSON; nine digits give back the same 32-bit number."""
    if isinstance(prediction, Refusal):
        return _response(prediction)
    if "application/json" in accept:
        return json.dumps({"scores": prediction}), "application/json"
    return "".join(f"{value:.9g}\n" for value in prediction), "text/csv"


def _response(refusal: Refusal) -> Any:
    """A complete HTTP response: the image passes werkzeug's Response through as it is."""
    from werkzeug.wrappers import Response

    return Response(
        json.dumps({"error": refusal.sentence}), status=refusal.status, mimetype="application/json"
    )
