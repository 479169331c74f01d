"""What the containers do in place of the inference functions that a user's module does not define.

Assumption: only comma-separated CSV is read for XGBoost (the image also guesses other separators).
"""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

XGBOOST = "sagemaker-xgboost"


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """A framework's default input_fn and predict_fn."""

    decode: Callable[[Any, str], Any]
    predict: Callable[[Any, Any], Any]


def defaults(framework: str) -> Defaults:
    """Return the default functions of a framework's image."""
    if framework == XGBOOST:
        return Defaults(decode=_dmatrix, predict=lambda data, model: model.predict(data, validate_features=False))
    return Defaults(decode=decoded_array, predict=lambda data, model: model.predict(data))


def _dmatrix(data: str | bytes, content_type: str) -> Any:
    """Read CSV as the XGBoost container does: an empty cell is missing; a trailing newline is an error."""
    kind = content_type.partition(";")[0].strip()
    if kind != "text/csv":
        raise ValueError(f"Content type {content_type!r} is not read by the twin's default input_fn for XGBoost.")
    text = data.decode() if isinstance(data, bytes) else data
    rows = [[cell or "nan" for cell in line.split(",")] for line in text.split("\n")]
    array = importlib.import_module("numpy").array(rows, dtype=float)
    return importlib.import_module("xgboost").DMatrix(array)


def decoded_array(data: str | bytes, content_type: str) -> Any:
    """Read CSV, JSON or npy as sagemaker-containers does; one CSV row becomes a one-dimensional array."""
    numpy = importlib.import_module("numpy")
    if content_type == "text/csv":
        rows = list(csv.reader(io.StringIO(str(data)), strict=True))
        return numpy.array(rows).squeeze().astype(numpy.float32)
    if content_type == "application/json":
        return numpy.array(json.loads(data)).astype(numpy.float32)
    if content_type == "application/x-npy" and isinstance(data, bytes):
        return numpy.load(io.BytesIO(data), allow_pickle=False)
    raise ValueError(f"Content type {content_type!r} is not supported by the default input_fn.")


def default_output(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Write an array as CSV, JSON or npy."""
    numpy = importlib.import_module("numpy")
    array = numpy.asarray(prediction)
    if accept == "application/json":
        return json.dumps(array.tolist()), accept
    if accept == "text/csv":
        stream = io.StringIO()
        rows = array.reshape(-1, 1) if array.ndim == 1 else array
        csv.writer(stream, lineterminator="\n").writerows(rows.tolist())
        return stream.getvalue(), accept
    if accept == "application/x-npy":
        buffer = io.BytesIO()
        numpy.save(buffer, array)
        return buffer.getvalue(), accept
    raise ValueError(f"Accept {accept!r} is not supported by the default output_fn.")
