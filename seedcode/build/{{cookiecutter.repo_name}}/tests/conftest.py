"""A slice of the real table, prepared and trained once for all tests."""

from __future__ import annotations

import argparse
import csv
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

import prepare as prepare_step
import train as train_step

ROOT = Path(__file__).resolve().parent.parent
sys.path.extend(str(wheel) for wheel in (ROOT / "vendor").glob("*.whl"))  # as evaluate.py does in its job
TABLE: dict[str, Any] = {
    "label": "released",
    "positive_label": "Yes",
    "numeric_features": ["year", "age", "checks"],
    "categorical_features": ["sex", "employed", "citizen"],
    "facets": {"colour": ["Black"]},
    "validation_fraction": 0.2,
    "test_fraction": 0.3,
    "seed": 20,
}
SLICE = 1500


@pytest.fixture(scope="session")
def table() -> dict[str, Any]:
    """What the columns of the slice mean."""
    return TABLE


@pytest.fixture(scope="session")
def rows() -> list[dict[str, str]]:
    """The first rows of the real table."""
    with (ROOT / "data" / "arrests.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))[:SLICE]


@pytest.fixture(scope="session")
def prepared(rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder Prepare wrote for the slice."""
    folder = tmp_path_factory.mktemp("prepared")
    write_csv(folder / "input" / "slice.csv", rows)
    prepare_step.prepare(TABLE, folder / "input", folder)
    return folder


@pytest.fixture(scope="session")
def trained(prepared: Path) -> train_step.Trained:
    """A small model of the slice."""
    train, validation = (train_step.read_channel(prepared / name, TABLE) for name in ("train", "validation"))
    return train_step.fit(train, validation, train_step.learn_encoder(TABLE, train.rows), options())


@pytest.fixture(scope="session")
def archive(trained: train_step.Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.tar.gz as SageMaker makes it from the model folder."""
    folder = tmp_path_factory.mktemp("model")
    train_step.save(trained, folder / "content")
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        for path in sorted((folder / "content").iterdir()):
            tar.add(path, path.name)
    return folder / "model.tar.gz"


def options(**changes: Any) -> argparse.Namespace:
    """Training options: the defaults with few rounds."""
    return argparse.Namespace(
        **{**vars(train_step.parse(["--num_boost_round", "8", "--nthread", "1"])), **changes}
    )


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows with their header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
