"""The user's inference functions, called as AWS's script-mode containers call them.

Source: the public sagemaker-inference toolkit (`Transformer`) and the XGBoost container's handler: functions that the
module does not define have defaults, except model_fn; text/csv and application/json bodies are passed as str. This
module runs inside the model server's process and needs nothing but the standard library until a default is used.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

TEXT_TYPES = ("text/csv", "application/json")
ANY = "*/*"
XGBOOST = "sagemaker-xgboost"


class UnsupportedFormatError(Exception):
    """A content type that the default functions cannot read or write."""

    status_code = 415


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A serialized prediction."""

    body: bytes
    content_type: str


class Handlers:
    """The functions of one user module over one loaded model."""

    def __init__(self, module: ModuleType, framework: str, model_dir: str) -> None:
        self._functions = {name: getattr(module, f"{name}_fn", None) for name in ("input", "predict", "output")}
        self._transform: Callable[..., Any] | None = getattr(module, "transform_fn", None)
        if self._transform and any(self._functions.values()):
            raise ValueError("transform_fn cannot be combined with input_fn, predict_fn or output_fn.")
        if not hasattr(module, "model_fn"):
            raise NotImplementedError(f"{module.__name__} must define model_fn(model_dir).")
        self._framework = framework
        self._model = module.model_fn(model_dir)

    def answer(self, body: bytes, content_type: str, accept: str | None) -> Answer:
        """Return the prediction for one request; whatever the user's functions raise passes through."""
        if not accept or accept == ANY:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        data: bytes | str = body.decode() if content_type in TEXT_TYPES else body
        result = self._transformed(data, content_type, accept)
        answer, kind = result if isinstance(result, tuple) else (result, accept)
        return Answer(body=_bytes(answer), content_type=str(kind))

    def _transformed(self, data: bytes | str, content_type: str, accept: str) -> Any:
        if self._transform:
            return self._transform(self._model, data, content_type, accept)
        decode = self._functions["input"] or self._default_input
        predict = self._functions["predict"] or self._default_predict
        encode = self._functions["output"] or default_output
        return encode(predict(decode(data, content_type), self._model), accept)

    def _default_input(self, data: bytes | str, content_type: str) -> Any:
        array = decoded_array(data, content_type)
        if self._framework != XGBOOST:
            return array
        return importlib.import_module("xgboost").DMatrix(array)

    def _default_predict(self, data: Any, model: Any) -> Any:
        options = {"validate_features": False} if self._framework == XGBOOST else {}
        return model.predict(data, **options)


def load(environment: Mapping[str, str], model_dir: str, framework: str) -> Handlers:
    """Import SAGEMAKER_PROGRAM from SAGEMAKER_SUBMIT_DIRECTORY and load its model."""
    program = environment["SAGEMAKER_PROGRAM"]
    directory = environment.get("SAGEMAKER_SUBMIT_DIRECTORY") or f"{model_dir}/code"
    sys.path.insert(0, directory)
    module = importlib.import_module(program.removesuffix(".py"))
    return Handlers(module, framework, model_dir)


def decoded_array(data: bytes | str, content_type: str) -> Any:
    """Read CSV, JSON or npy into an array, as the containers' default input_fn."""
    numpy = importlib.import_module("numpy")
    if content_type == "text/csv":
        return numpy.genfromtxt(io.StringIO(str(data)), delimiter=",", ndmin=2)
    if content_type == "application/json":
        return numpy.array(json.loads(data))
    if content_type == "application/x-npy" and isinstance(data, bytes):
        return numpy.load(io.BytesIO(data), allow_pickle=False)
    raise UnsupportedFormatError(f"Content type {content_type!r} is not supported by the default input_fn.")


def default_output(prediction: Any, accept: str) -> str | bytes:
    """Write an array as CSV, JSON or npy, as the containers' default output_fn."""
    numpy = importlib.import_module("numpy")
    array = numpy.asarray(prediction)
    if accept == "application/json":
        return json.dumps(array.tolist())
    if accept == "text/csv":
        stream = io.StringIO()
        numpy.savetxt(stream, array, delimiter=",", fmt="%s")
        return stream.getvalue()
    if accept == "application/x-npy":
        buffer = io.BytesIO()
        numpy.save(buffer, array)
        return buffer.getvalue()
    raise UnsupportedFormatError(f"Accept {accept!r} is not supported by the default output_fn.")


def _bytes(answer: Any) -> bytes:
    if isinstance(answer, bytes | bytearray):
        return bytes(answer)
    return answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
