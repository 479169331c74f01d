"""What to measure bias of: the label, the model's answer, the facets and the group variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_checks.compute.cells import canonical, number
from lockgate_checks.compute.coding import CategoryCodes, ThresholdCodes
from lockgate_checks.errors import EvidenceError


@dataclass(frozen=True)
class Facet:
    """A column whose values are watched: the named values, every value if none is named, or all above a threshold."""

    name: str
    values: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True)
class BiasPlan:
    """Column names and what counts as positive: label values, or everything above `label_threshold`.

    `prediction` None measures the data alone. `prediction_threshold` turns scores into answers (above it: positive).
    """

    label: str
    facets: tuple[Facet, ...]
    positive: tuple[str, ...] = ("1",)
    label_threshold: float | None = None
    prediction: str | None = None
    prediction_threshold: float | None = None
    group: str | None = None


def plan_from_clarify(config: Mapping[str, Any]) -> BiasPlan:
    """Read the bias part of a SageMaker Clarify analysis configuration.

    Source: developer guide, "Analysis Configuration Files": label, label_values_or_threshold, predicted_label,
    probability_threshold, facet[].name_or_index, facet[].value_or_threshold, group_variable.

    A single number in `value_or_threshold` or `label_values_or_threshold` is taken as a value, as for a categorical
    column; a threshold is said by `BiasPlan` or `Facet` itself. Clarify tells the two apart by the data.

    Raises:
        EvidenceError: `label` or `facet` is missing or of another form; all mistakes are named together.
    """
    facets = config.get("facet")
    mistakes = [] if isinstance(config.get("label"), str) else ["label must be a column name"]
    if not isinstance(facets, list) or not facets or not all(map(_is_facet, facets)):
        mistakes.append("facet must be a list of objects with name_or_index as a column name")
    positive = config.get("label_values_or_threshold", [1])
    if not isinstance(positive, list) or not positive:
        mistakes.append("label_values_or_threshold must be a list with at least one value")
    threshold = config.get("probability_threshold")
    if threshold is not None and number(str(threshold)) is None:
        mistakes.append("probability_threshold must be a number")
    if mistakes or not isinstance(facets, list):
        raise EvidenceError(f"The analysis configuration cannot be used: {'; '.join(mistakes)}.")
    return BiasPlan(
        label=str(config["label"]),
        facets=tuple(Facet(f["name_or_index"], _texts(f.get("value_or_threshold") or [])) for f in facets),
        positive=_texts(positive),
        prediction=config.get("predicted_label"),
        prediction_threshold=None if threshold is None else float(threshold),
        group=config.get("group_variable"),
    )


def codes_for(name: str, threshold: float | None) -> CategoryCodes | ThresholdCodes:
    """Return the coding of a column: by threshold where one is given, else by its values."""
    return CategoryCodes(name) if threshold is None else ThresholdCodes(name, threshold)


def _is_facet(entry: Any) -> bool:
    values = entry.get("value_or_threshold", []) if isinstance(entry, Mapping) else None
    return isinstance(values, list) and isinstance(entry.get("name_or_index"), str)


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(map(canonical, values))
