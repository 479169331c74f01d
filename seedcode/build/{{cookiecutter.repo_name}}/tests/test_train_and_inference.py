from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import inference
import train
from conftest import options

ROW = "2000,21,3,Male,Yes,No"


def test_training_twice_gives_the_same_model(
    prepared: Path, trained: train.Trained, table: dict[str, Any]
) -> None:
    """The seed makes training repeatable; a different depth is a different model."""
    channels = [train.read_channel(prepared / name, table) for name in ("train", "validation")]
    again = train.fit(*channels, trained.encoder, options())
    deeper = train.fit(*channels, trained.encoder, options(max_depth=1))
    assert (
        again.booster.save_raw("json") == trained.booster.save_raw("json") != deeper.booster.save_raw("json")
    )


def test_the_model_learned_something(trained: train.Trained) -> None:
    """On rows it has not seen it orders clearly better than chance."""
    assert trained.auc["validation"] > 0.6


def test_the_archive_holds_model_encoder_and_code(trained: train.Trained, tmp_path: Path) -> None:
    """Exactly the files that serving needs."""
    train.save(trained, tmp_path)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["code/inference.py", "encoder.json", "xgboost-model.json"]


def test_an_unknown_category_and_a_missing_number_are_served(trained: train.Trained) -> None:
    """Neither is an error: the one matches no column, the other is left to XGBoost."""
    (row,) = inference.encode([["", "21", "3", "Unknown", "Yes", "No"]], trained.encoder)
    assert math.isnan(row[0])
    assert row[3:5].tolist() == [0.0, 0.0]
    assert 0 < answer(trained, ",21,3,Unknown,Yes,No")[0] < 1


def test_scores_survive_being_written_as_text(trained: train.Trained) -> None:
    """CSV and JSON carry the very numbers the model gave."""
    scores = answer(trained, f"{ROW}\n{ROW}\n")
    body, kind = inference.output_fn(scores, "text/csv")
    assert kind == "text/csv"
    assert [float(line) for line in body.split()] == pytest.approx(scores, rel=1e-8)
    body, kind = inference.output_fn(scores, "application/json")
    assert (json.loads(body)["scores"], kind) == (scores, "application/json")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (ROW, "application/json", 415, "the content type must be text/csv, not application/json"),
        ("", "text/csv", 400, "the request has no rows"),
        (b"\xff", "text/csv", 400, "the request is not UTF-8 text"),
        (
            "1,2",
            "text/csv",
            400,
            "row 1 has 2 cells but the model takes 6: year, age, checks, sex, employed, citizen",
        ),
        (f"{ROW}\n2000,old,3,Male,Yes,No", "text/csv", 400, "row 2: age must be a number, not 'old'"),
    ],
)
def test_a_bad_request_is_answered_as_the_callers_mistake(
    trained: train.Trained, body: str | bytes, content_type: str, status: int, sentence: str
) -> None:
    """The response has a 4xx status and says what is wrong."""
    data = inference.input_fn(body, content_type)
    refusal = inference.predict_fn(data, inference.Model(trained.booster, trained.encoder))
    assert refusal == inference.Refusal(status, sentence)
    response = inference.output_fn(refusal, "text/csv")
    assert (response.status_code, response.get_json()) == (status, {"error": sentence})


def answer(trained: train.Trained, body: str) -> list[float]:
    scores = inference.predict_fn(
        inference.input_fn(body, "text/csv; charset=utf-8"), inference.Model(trained.booster, trained.encoder)
    )
    assert isinstance(scores, list)
    return scores
