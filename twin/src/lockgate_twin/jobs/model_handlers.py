"""The user's inference functions, called as AWS's script-mode containers call them.

Source: the public XGBoost and scikit-learn containers (`serving.py`), which serve with sagemaker-containers'
`Transformer` and Flask: functions that the module does not define have defaults, except model_fn; bodies of exactly
text/csv or application/json are passed as str; every exception is an HTTP 500; a complete (werkzeug) response passes
through as it is. This module runs inside the model server's process and needs nothing but the standard library until a
default is used.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lockgate_twin.jobs import model_codecs

TEXT_TYPES = ("application/json", "text/csv")
ANY = "*/*"
OK = 200


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the container answers."""

    body: bytes
    content_type: str
    status: int = OK


class Handlers:
    """The functions of one user module over one loaded model."""

    def __init__(self, module: ModuleType, framework: str, model_dir: str) -> None:
        own = {name: getattr(module, f"{name}_fn", None) for name in ("input", "predict", "output")}
        self._transform: Callable[..., Any] | None = getattr(module, "transform_fn", None)
        if self._transform and any(own.values()):
            raise ValueError("transform_fn cannot be combined with input_fn, predict_fn or output_fn.")
        if not hasattr(module, "model_fn"):
            raise NotImplementedError(f"{module.__name__} must define model_fn(model_dir).")
        defaults = model_codecs.defaults(framework)
        self._input, self._predict = own["input"] or defaults.decode, own["predict"] or defaults.predict
        self._output = own["output"] or model_codecs.default_output
        self._model = module.model_fn(model_dir)

    def answer(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """Return the answer to one request; whatever the user's functions raise passes through."""
        if not accept or accept == ANY:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        kind = content_type or "application/json"
        data: bytes | str = body.decode(errors="replace") if kind in TEXT_TYPES else body
        if self._transform:
            return answered(self._transform(self._model, data, kind, accept))
        return answered(self._output(self._predict(self._input(data, kind), self._model), accept))


def load(environment: Mapping[str, str], model_dir: str, framework: str) -> Handlers:
    """Import SAGEMAKER_PROGRAM from SAGEMAKER_SUBMIT_DIRECTORY and load its model."""
    program = environment["SAGEMAKER_PROGRAM"]
    directory = environment.get("SAGEMAKER_SUBMIT_DIRECTORY") or f"{model_dir}/code"
    sys.path.insert(0, directory)
    module = importlib.import_module(program.removesuffix(".py"))
    return Handlers(module, framework, model_dir)


def answered(result: Any) -> Answer:
    """Return what Flask makes of a result: (body, type), a complete response, text, or a JSON value.

    Raises:
        TypeError: it is nothing that Flask can answer with.
    """
    if isinstance(result, tuple):
        body, mimetype = result
        return Answer(body=_bytes(body), content_type=_with_charset(str(mimetype)))
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        return Answer(body=result.get_data(), content_type=result.content_type, status=result.status_code)
    if isinstance(result, str | bytes | bytearray):
        return Answer(body=_bytes(result), content_type="text/html; charset=utf-8")
    if isinstance(result, dict | list):
        return Answer(body=json.dumps(result).encode(), content_type="application/json")
    raise TypeError(f"output_fn must return (body, content type), not {type(result).__name__}.")


def _with_charset(mimetype: str) -> str:
    return f"{mimetype}; charset=utf-8" if mimetype.startswith("text/") and "charset" not in mimetype else mimetype


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
