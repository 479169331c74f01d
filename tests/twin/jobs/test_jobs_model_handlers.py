"""The user's inference functions and the defaults for those that are missing, as AWS's containers call them."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from lockgate_twin.jobs.model_handlers import Handlers, answered
from werkzeug.wrappers import Response


class Doubler:
    """A model with scikit-learn's interface."""

    def predict(self, rows: Any) -> Any:
        """Return twice the sum of each row."""
        return rows.sum(axis=1) * 2


def module(**functions: Any) -> ModuleType:
    """Return a user's module."""
    made = ModuleType("inference")
    made.__dict__.update({"model_fn": lambda _: Doubler(), **functions})
    return made


@pytest.mark.parametrize(
    ("accept", "body", "content_type"),
    [
        ("text/csv", b"6.0\n14.0\n", "text/csv; charset=utf-8"),
        ("application/json", b"[6.0, 14.0]", "application/json"),
        (None, b"[6.0, 14.0]", "application/json"),
    ],
)
def test_missing_functions_have_the_containers_defaults(accept: str | None, body: bytes, content_type: str) -> None:
    """With model_fn alone CSV and JSON are read and written; the default answer is JSON."""
    handlers = Handlers(module(), "sagemaker-scikit-learn", "/opt/ml/model")
    for request, kind in ((b"1,2\n3,4", "text/csv"), (b"[[1, 2], [3, 4]]", "application/json")):
        answer = handlers.answer(request, kind, accept)
        assert (answer.body, answer.content_type, answer.status) == (body, content_type, 200)


def test_content_types_nobody_reads_or_writes() -> None:
    """The defaults raise for other content types, which the server answers with 500 as the images do."""
    handlers = Handlers(module(), "sagemaker-scikit-learn", "m")
    for content_type, accept in (("image/png", "text/csv"), ("text/csv", "image/png")):
        with pytest.raises(ValueError, match="'image/png' is not supported"):
            handlers.answer(b"1,2\n3,4", content_type, accept)


def test_xgboosts_default_reads_csv_with_missing_cells() -> None:
    """The XGBoost image's default input_fn makes a DMatrix of CSV; a trailing newline is an error, as there."""
    seen: list[Any] = []

    class Booster:
        def predict(self, data: Any, *, validate_features: bool) -> list[float]:
            seen.append((data.num_row(), data.num_col(), data.num_nonmissing(), validate_features))
            return [0.5]

    handlers = Handlers(module(model_fn=lambda _: Booster()), "sagemaker-xgboost", "m")
    assert handlers.answer(b"1,,3", "text/csv", "text/csv").body == b"0.5\n"
    assert seen == [(1, 3, 2, False)]
    for body, kind in ((b"1,2\n", "text/csv"), (b"{}", "application/json")):
        with pytest.raises(ValueError, match=r"inhomogeneous|is not read by"):
            handlers.answer(body, kind, None)


def test_transform_fn_stands_for_all_three() -> None:
    """transform_fn gets model, body, content type and accept; together with the others it is refused."""

    def transform(model: Any, body: Any, content_type: str, accept: str) -> tuple[str, str]:
        return json.dumps([type(model).__name__, body, content_type]), accept

    handlers = Handlers(module(transform_fn=transform), "x", "m")
    answer = handlers.answer(b"1", "text/csv", "application/json")
    assert (answer.body, answer.content_type) == (b'["Doubler", "1", "text/csv"]', "application/json")
    with pytest.raises(ValueError, match="cannot be combined"):
        Handlers(module(transform_fn=transform, input_fn=print), "x", "m")


def test_only_plain_text_types_are_decoded() -> None:
    """Bodies of exactly text/csv or application/json are str; with a charset or another type they stay bytes."""
    seen: list[Any] = []
    functions = {"input_fn": lambda *a: seen.append(a), "predict_fn": lambda *_: "", "output_fn": lambda *_: b"ok"}
    handlers = Handlers(module(**functions), "x", "m")
    for content_type in ("application/x-npy", "text/csv", "text/csv; charset=utf-8"):
        handlers.answer(b"a", content_type, "*/*")
    assert seen == [(b"a", "application/x-npy"), ("a", "text/csv"), (b"a", "text/csv; charset=utf-8")]


def test_a_complete_response_passes_through() -> None:
    """A werkzeug Response keeps its status; that is how a user's code answers 4xx."""
    told = answered(Response('{"error": "no rows"}', status=400, mimetype="application/json"))
    assert (told.status, told.body, told.content_type) == (400, b'{"error": "no rows"}', "application/json")


@pytest.mark.parametrize(
    ("result", "body", "content_type"),
    [("x", b"x", "text/html; charset=utf-8"), ({"a": 1}, b'{"a": 1}', "application/json")],
)
def test_bare_results_are_what_flask_makes_of_them(result: Any, body: bytes, content_type: str) -> None:
    """Text without a type is HTML to Flask, objects are JSON, and None is an error."""
    told = answered(result)
    assert (told.body, told.content_type) == (body, content_type)
    with pytest.raises(TypeError, match="not NoneType"):
        answered(None)
