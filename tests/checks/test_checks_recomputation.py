"""Declared numbers held against those of the registered model itself."""

from __future__ import annotations

from typing import Any

import pytest
from lockgate_checks.recomputation import CHECK, DOCUMENT, comparison
from lockgate_checks.values import Finding, Outcome, Severity, Verdict

from tests.checks.complete_evidence import decided, evidence, put

REQUIRED = "schema: 1\nname: acme\ninclude: baseline\nrecompute: required\n"
DECLARED = "schema: 1\nname: acme\ninclude: baseline\nrecompute: declared\n"


def document(path: str = "", value: Any = None) -> dict[str, Any]:
    """The document about evidence whose declaration differs in one place from what was found."""
    declared = evidence() if not path else put(evidence(), path, value)
    return {"scores": "model", "tolerance": 0.001, "metrics": comparison(declared, evidence())}


def finding(documents: dict[str, Any], policy: str = REQUIRED) -> Finding:
    """The one finding about the declaration."""
    (found,) = [f for f in decided(documents, policy).findings if f.check == CHECK]
    return found


def test_a_true_declaration_passes() -> None:
    """Equal numbers agree, and the version is approved as before."""
    documents = evidence() | {DOCUMENT: document()}
    assert finding(documents).outcome is Outcome.PASS
    assert decided(documents, REQUIRED).verdict is Verdict.APPROVE


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("model_quality/binary_classification_metrics/auc/value", 0.76, "auc"),
        ("model_quality/dataset/item_count", 1400, "rows"),
        ("bias/post_training_bias_metrics/facets/colour/0/metrics/1/value", 0.99, "DI@colour=Black"),
        ("bias/post_training_bias_metrics/facets/colour/0/metrics/0/value", 0.0, "AD@colour=Black"),
    ],
)
def test_a_number_that_looks_better_than_the_models_own_is_rejected(path: str, value: float, name: str) -> None:
    """Both numbers are named."""
    documents = evidence() | {DOCUMENT: document(path, value)}
    assert finding(documents).subject == name
    assert str(value) in finding(documents).reason
    assert decided(documents, REQUIRED).verdict is Verdict.REJECT


def test_a_number_that_looks_worse_is_no_failure() -> None:
    """Nobody gains by it: the numbers found are the ones that are judged."""
    worse = document("model_quality/binary_classification_metrics/auc/value", 0.6)
    assert finding(evidence() | {DOCUMENT: worse}).outcome is Outcome.PASS


def test_a_facet_that_the_model_was_not_measured_for_is_rejected() -> None:
    """A declared number without one beside it cannot be believed."""
    rows = [{"name": "DI@sex=f", "declared": 1.0, "recomputed": None, "gain": None}]
    assert finding(evidence() | {DOCUMENT: document() | {"metrics": rows}}).subject == "DI@sex=f"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"scores": "mine"},
        {"scores": "model"},
        {"scores": "model", "tolerance": "NaN", "metrics": [{}]},
        {"scores": "model", "tolerance": 0.001, "metrics": [None]},
        {"scores": "model", "error": "the model needs a pickle"},
    ],
)
def test_a_document_that_shows_nothing_is_rejected(wrong: dict[str, Any]) -> None:
    """Unknown forms, missing comparisons and the examination's own failure never pass."""
    assert decided(evidence() | {DOCUMENT: wrong}, REQUIRED).verdict is Verdict.REJECT


def test_a_policy_that_requires_the_models_own_scores_rejects_without_them() -> None:
    """Neither a missing document nor declared scores will do."""
    assert decided(evidence(), REQUIRED).verdict is Verdict.REJECT
    assert decided(evidence() | {DOCUMENT: {"scores": "declared"}}, REQUIRED).verdict is Verdict.REJECT


def test_declared_scores_are_said_to_be_declared() -> None:
    """A policy may take them; the decision shows it and does not block."""
    found = finding(evidence() | {DOCUMENT: {"scores": "declared"}}, DECLARED)
    assert (found.outcome, found.severity) == (Outcome.SKIP, Severity.WARN)
    assert decided(evidence() | {DOCUMENT: {"scores": "declared"}}, DECLARED).verdict is Verdict.APPROVE
