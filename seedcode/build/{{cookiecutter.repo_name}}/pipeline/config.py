"""config.toml, parsed once into frozen values; every unknown key and wrong value is reported."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import ConfigurationError

COLUMN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .\-]*")
INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9\-]+\.[a-z0-9]+")

Section = TypeVar("Section")


@dataclass(frozen=True)
class Data:
    """The training table: where it is and what its columns mean."""

    location: str
    label: str
    positive_label: str
    numeric_features: tuple[str, ...]
    categorical_features: tuple[str, ...]
    facets: Mapping[str, tuple[str, ...]]

    @property
    def is_remote(self) -> bool:
        """Whether the table lives outside this repository, where it can change unseen."""
        return self.location.startswith("s3://")


@dataclass(frozen=True)
class Split:
    """How rows are shared out: fractions of the whole table, and the seed that makes it repeatable."""

    validation_fraction: float
    test_fraction: float
    seed: int


@dataclass(frozen=True)
class Training:
    """XGBoost's hyperparameters, under XGBoost's own names."""

    num_boost_round: int
    max_depth: int
    eta: float
    subsample: float
    min_child_weight: float
    nthread: int
    seed: int


@dataclass(frozen=True)
class Quality:
    """The smallest AUC on held-out rows to register with, and the score from which the answer is yes."""

    auc_threshold: float
    cutoff: float


@dataclass(frozen=True)
class Instances:
    """SageMaker instance types of the jobs."""

    processing: str
    training: str


@dataclass(frozen=True)
class Config:
    """Everything config.toml says."""

    data: Data
    split: Split
    training: Training
    quality: Quality
    instances: Instances


def load_config(path: Path) -> Config:
    """Read and check the file.

    Raises:
        ConfigurationError: listing every mistake of the file at once.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(path.name, ["the file is missing"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(path.name, [f"it is not valid TOML: {error}"]) from None
    mistakes: list[str] = []
    known = {"data": Data, "split": Split, "training": Training, "quality": Quality, "instances": Instances}
    mistakes += [f"[{name}] is not a known section" for name in document if name not in known]
    sections: dict[str, Any] = {
        name: _section(document, name, kind, mistakes) for name, kind in known.items()
    }
    if not mistakes:
        mistakes += _impossible(Config(**sections))
    if mistakes:
        raise ConfigurationError(path.name, mistakes)
    return Config(**sections)


def _section(
    document: Mapping[str, Any], name: str, kind: type[Section], mistakes: list[str]
) -> Section | None:
    values = document.get(name)
    if not isinstance(values, dict):
        mistakes.append(f"section [{name}] is missing")
        return None
    wanted = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    found = len(mistakes)
    mistakes += [f"{name}.{key} is not a known key" for key in values if key not in wanted]
    mistakes += [f"{name}.{key} is missing" for key in wanted if key not in values]
    parsed = {key: _READERS[wanted[key]](value) for key, value in values.items() if key in wanted}
    mistakes += [
        f"{name}.{key} must be {_MEANING[wanted[key]]}" for key, value in parsed.items() if value is None
    ]
    return kind(**parsed) if len(mistakes) == found else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _names(value: Any) -> tuple[str, ...] | None:
    good = isinstance(value, list) and all(_text(item) for item in value)
    return tuple(value) if good else None


def _facets(value: Any) -> dict[str, tuple[str, ...]] | None:
    read = {name: _names(values) for name, values in value.items()} if isinstance(value, dict) else {}
    found = {name: values for name, values in read.items() if values}
    return found if found and len(found) == len(read) else None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _whole,
    "float": _number,
    "tuple[str, ...]": _names,
    "Mapping[str, tuple[str, ...]]": _facets,
}
_MEANING = {
    "str": "a text that is not empty",
    "int": "a whole number",
    "float": "a number",
    "tuple[str, ...]": "a list of column names",
    "Mapping[str, tuple[str, ...]]": 'columns with lists of values, as { colour = ["Black"] }',
}


def _impossible(config: Config) -> list[str]:
    """Values of the right type that cannot work."""
    split, training = config.split, config.training
    shares = {"validation_fraction": split.validation_fraction, "test_fraction": split.test_fraction}
    rules = [(0 < share < 1, f"split.{name} must lie between 0 and 1") for name, share in shares.items()]
    rules += [
        (
            sum(shares.values()) < 1,
            "split.validation_fraction and split.test_fraction together leave no training rows",
        ),
        (training.num_boost_round >= 1, "training.num_boost_round must be at least 1"),
        (training.max_depth >= 1, "training.max_depth must be at least 1"),
        (0 < training.eta <= 1, "training.eta must be above 0 and at most 1"),
        (0 < training.subsample <= 1, "training.subsample must be above 0 and at most 1"),
        (training.min_child_weight >= 0, "training.min_child_weight must not be negative"),
        (training.nthread >= 1, "training.nthread must be at least 1"),
        (0.5 <= config.quality.auc_threshold < 1, "quality.auc_threshold must be at least 0.5 and below 1"),
        (0 < config.quality.cutoff < 1, "quality.cutoff must lie between 0 and 1"),
    ]
    for name in ("processing", "training"):
        kind = getattr(config.instances, name)
        rules.append(
            (bool(INSTANCE_TYPE.fullmatch(kind)), f"instances.{name} is no SageMaker instance type: {kind!r}")
        )
    return [mistake for holds, mistake in rules if not holds] + _impossible_columns(config.data)


def _impossible_columns(data: Data) -> list[str]:
    features = data.numeric_features + data.categorical_features
    mistakes = [
        f"data: {name!r} cannot be a column name"
        for name in (*features, data.label, *data.facets)
        if not COLUMN_NAME.fullmatch(name)
    ]
    mistakes += [
        f"data: feature {name!r} is listed twice"
        for name in sorted(set(features))
        if features.count(name) > 1
    ]
    if not (data.is_remote or (data.location.endswith(".csv") and not data.location.startswith(("/", "..")))):
        mistakes.append("data.location must be a .csv file of this repository or an s3:// address")
    reserved = {"label", "score"} & {*features, *data.facets}  # columns of holdout.csv
    mistakes += [f"data: no feature or facet may be called {name!r}" for name in sorted(reserved)]
    if not features:
        mistakes.append("data names no feature: fill numeric_features or categorical_features")
    if data.label in features:
        mistakes.append(f"data.label {data.label!r} is also listed as a feature, which would leak the answer")
    if data.label in data.facets:
        mistakes.append(f"data.label {data.label!r} is also listed as a facet")
    return mistakes
