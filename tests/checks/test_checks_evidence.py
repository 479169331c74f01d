"""Reading the reports of a build as evidence."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_checks import EvidenceError, Metric, read_bias, read_model_quality


def statistics(**metrics: Any) -> dict[str, Any]:
    """Return a model-quality report with these metrics."""
    return {"version": 0.0, "dataset": {"item_count": 500}, "binary_classification_metrics": metrics}


def analysis(value: Any) -> dict[str, Any]:
    """Return a bias report with one metric."""
    metrics = [{"name": "DPL", "description": "Difference in Positive Proportions in Labels (DPL)", "value": value}]
    facets = {"colour": [{"value_or_threshold": "Black", "metrics": metrics}]}
    return {"version": "1.0", "pre_training_bias_metrics": {"label": "released", "facets": facets}}


def test_a_model_quality_report_is_read_by_metric_name() -> None:
    """Each scalar metric is found under its own name, with its deviation."""
    report = statistics(auc={"value": 0.73, "standard_deviation": 0.01}, confusion_matrix={"0": {"0": 3}})
    quality = read_model_quality(report)
    assert quality.problem_type == "binary_classification"
    assert quality.item_count == 500
    assert quality.metrics == {"auc": Metric(0.73, 0.01)}


def test_a_deviation_of_too_few_rows_is_unknown_rather_than_a_number() -> None:
    """Model Monitor writes the text "NaN" below 200 rows; that is no deviation."""
    quality = read_model_quality(statistics(auc={"value": 0.7, "standard_deviation": "NaN"}))
    assert quality.metrics["auc"].standard_deviation is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "0.7", None, True])
def test_a_metric_that_is_no_finite_number_is_refused(value: Any) -> None:
    """Nothing but a finite number counts as a value."""
    with pytest.raises(EvidenceError, match=r"auc\.value is .* not a finite number"):
        read_model_quality(statistics(auc={"value": value}))
    with pytest.raises(EvidenceError, match=r"DPL is .* not a finite number"):
        read_bias(analysis(value))


@pytest.mark.parametrize("rows", [0, -1, None, "500", True])
def test_a_report_about_no_rows_is_refused(rows: Any) -> None:
    """A quality measured on nothing is no evidence."""
    with pytest.raises(EvidenceError, match="item_count"):
        read_model_quality({**statistics(), "dataset": {"item_count": rows}})


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_anything_that_is_no_report_is_refused_by_name(document: Any) -> None:
    """No document of another shape gets through, and none causes another kind of error."""
    with pytest.raises(EvidenceError, match=r"statistics\.json"):
        read_model_quality(document)
    with pytest.raises(EvidenceError, match=r"analysis\.json"):
        read_bias(document)


def test_a_bias_report_is_read_by_facet_and_name() -> None:
    """A metric carries its stage, facet, facet value and name."""
    (metric,) = read_bias(analysis(0.098))
    assert (metric.stage, metric.facet, metric.facet_value, metric.name) == ("pre_training", "colour", "Black", "DPL")
    assert metric.value == pytest.approx(0.098)
