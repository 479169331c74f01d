"""Every check of the library: a case that passes, cases that fail, and what it says then."""

from __future__ import annotations

from typing import Any

import pytest
from lockgate_checks.check import CHAMPION_METRIC, Check, Measured, check
from lockgate_checks.errors import CheckError
from lockgate_checks.registry import BUILT_IN, GROUP, checks_of, combined, installed_checks
from lockgate_checks.values import Outcome, Verdict

from tests.checks.complete_evidence import decided, evidence, found, put

LIMITS = """
schema: 1
name: everything
packs: {quality: block, bias: block, champion: block, lineage: block, explainability: block, data: block}
champion: {metric: auc}
limits:
  auc: {minimum: 0.7}
  rows: {minimum: 1000}
  segment_auc: {minimum: 0.6}
  segment_rows: {minimum: 10}
  DPL: {minimum: -0.1, maximum: 0.1}
  DI: {minimum: 0.8, maximum: 1.25}
  completeness: {minimum: 0.9}
  data_rows: {minimum: 1000}
  drift: {maximum: 0.1}
  importance_share: {maximum: 0.6}
  ranking_ndcg: {minimum: 0.9}
  champion_difference: {minimum: -0.02, confidence: 0.95}
  champion_rows: {minimum: 1000}
  leaked_share_lower: {maximum: 0.01}
"""
SEGMENT = {"dataset": {"item_count": 90}, "binary_classification_metrics": {"auc": {"value": 0.65}}}
FACET = "bias/{}_training_bias_metrics/facets/colour/0/metrics/1/value"
SHAP = "bias/explanations/kernel_shap/label0/global_shap_values"
COMMON = "data_quality/features/0/numerical_statistics/common"
CATEGORIES = "data_quality/features/1/string_statistics/distribution/categorical/buckets"


def whole() -> dict[str, Any]:
    """Return evidence in which every check of the library has something to answer."""
    documents = put(evidence(), "model_quality/lockgate/segments", {"region": {"north": SEGMENT}})
    return put(documents, "lineage/overlap", {"leaked_share": 0.01, "leaked_share_lower": 0.0})


def test_every_check_passes_on_good_evidence() -> None:
    """Each of the library's checks gives at least one pass and nothing else."""
    decision = decided(whole(), LIMITS)
    assert decision.verdict is Verdict.APPROVE
    assert {(f.check, f.outcome) for f in decision.findings} == {(check.id, Outcome.PASS) for check in BUILT_IN}


@pytest.mark.parametrize(
    ("check_id", "subject", "path", "value", "said"),
    [
        ("quality.metrics", "auc", "model_quality/binary_classification_metrics/auc/value", 0.69, "0.69, not >= 0.7"),
        ("quality.metrics", "", "model_quality/regression_metrics", {"mae": {"value": 1}}, "exactly one of"),
        ("quality.metrics", "", "model_quality/lockgate/intervals", 7, "lockgate.intervals is missing or no object"),
        ("quality.rows", "rows", "model_quality/dataset/item_count", 999, "999, not >= 1000"),
        ("quality.rows", "", "model_quality/dataset", [], "dataset is missing or no object"),
        (
            "quality.segments",
            "segment_auc@region=north",
            "model_quality/lockgate/segments/region/north/binary_classification_metrics/auc/value",
            0.5,
            "0.5, not >= 0.6",
        ),
        (
            "quality.segments",
            "segment_rows@region=north",
            "model_quality/lockgate/segments/region/north/dataset/item_count",
            9,
            "9, not >= 10",
        ),
        (
            "quality.segments",
            "segment_auc@region=north",
            "model_quality/lockgate/segments/region/north/error",
            "one class only",
            "'one class only', not a finite number",
        ),
        ("quality.segments", "segment_auc", "model_quality/lockgate/segments", {}, "the evidence does not hold it"),
        ("bias.pre_training", "DPL@colour=Black", FACET.format("pre"), 0.11, "0.11, not in"),
        ("bias.pre_training", "", "bias/pre_training_bias_metrics", None, "facets is missing or no object"),
        ("bias.post_training", "DI@colour=Black", FACET.format("post"), 1.3, "1.3, not in"),
        ("bias.post_training", "DI@colour=Black", FACET.format("post"), None, "None, not a finite number"),
        ("bias.post_training", "", "bias/post_training_bias_metrics/facets", {}, "it answered nothing"),
        ("bias.post_training", "", "bias/post_training_bias_metrics/facets/colour", [], "no list with something in it"),
        ("bias.post_training", "", "bias/post_training_bias_metrics/facets/colour/0/metrics", [], "no list"),
        ("bias.post_training", "", "bias/post_training_bias_metrics/facets/colour/0/metrics/0", 3, "no object"),
        ("data.completeness", "completeness@age", COMMON, {"num_present": 89, "num_missing": 11}, "0.89, not >= 0.9"),
        ("data.completeness", "completeness@age", COMMON, {"num_present": 0, "num_missing": 0}, "not a finite number"),
        ("data.completeness", "completeness@age", COMMON, {"num_present": 9, "num_missing": -9}, "not a finite number"),
        (
            "data.completeness",
            "completeness@age",
            COMMON,
            {"num_present": "9", "num_missing": 0},
            "not a finite number",
        ),
        ("data.completeness", "", "data_quality/features", {}, "features is missing or no list"),
        ("data.rows", "data_rows", "data_quality/dataset/item_count", 999, "999, not >= 1000"),
        ("data.constraints", "age", "data_quality/features/0/numerical_statistics/min", -5.0, "may be negative"),
        ("data.constraints", "sex", CATEGORIES, [{"value": "x", "count": 1300}], "known ones"),
        ("data.drift", "drift@sex", CATEGORIES, [{"value": "m", "count": 1300}], "not <= 0.1"),
        ("data.drift", "drift@sex", "data_quality/features/1/name", "gender", "'the column is missing', not a finite"),
        ("explainability.importance", "importance_share@age", f"{SHAP}/age", 5.0, "not <= 0.6"),
        ("explainability.importance", "importance_share@age", f"{SHAP}/checks", "much", "'unknown', not a finite"),
        ("explainability.importance", "", "bias/explanations", {}, "hold no importances"),
        ("explainability.ranking", "ranking_ndcg", SHAP, {"age": 0.1, "checks": 0.1, "year": 9.0}, "not >= 0.9"),
        ("explainability.ranking", "", "baseline_bias/explanations", 1, "explanations is missing or no object"),
        ("champion.difference", "champion_difference", "champion/interval", [-0.03, 0.05], "not >= -0.02"),
        ("champion.difference", "champion_difference", "champion/level", 0.9, "no interval of 0.95"),
        ("champion.difference", "champion_rows", "champion/n", 10, "10, not >= 1000"),
        ("champion.difference", "", "champion/metric", "f1", "by f1; the policy compares by auc"),
        ("champion.difference", "", "champion/difference", 0.02, "0.02 is not that of 0.75 and 0.74"),
        ("champion.difference", "", "champion/better", "less", "is not that of"),
        ("champion.difference", "", "champion/challenger", None, "is no finite number"),
        ("champion.difference", "", "champion/interval", [0.1], "two bounds"),
        ("champion.difference", "", "champion/interval", 0.1, "interval is missing or no list"),
        ("lineage.complete", "", "lineage/commit", "HEAD", "commit is 'HEAD', not a full git commit"),
        ("lineage.complete", "", "lineage/image", None, "image is None"),
        ("lineage.held_out", "", "lineage/evaluation_data_digest", "c" * 64, "have one digest"),
        ("lineage.leakage", "leaked_share_lower", "lineage/overlap/leaked_share_lower", 0.02, "0.02, not <= 0.01"),
        ("lineage.leakage", "", "lineage/overlap", 1, "overlap is missing or no object"),
    ],
)
def test_a_check_fails_and_says_why(check_id: str, subject: str, path: str, value: Any, said: str) -> None:
    """The finding names the number or the place, and the check's own text says what to do."""
    decision = decided(put(whole(), path, value), LIMITS)
    finding = found(decision, check_id, subject)
    assert decision.verdict is Verdict.REJECT
    assert finding.blocks
    assert said in finding.reason
    (asked,) = [check for check in BUILT_IN if check.id == check_id]
    assert asked.failure in finding.reason


def test_metrics_beyond_model_monitors_can_be_limited() -> None:
    """Calibration, Brier score, average precision and the gain over a constant answer have names too."""
    documents = put(evidence(), "model_quality/lockgate/calibration", {"expected_calibration_error": 0.03})
    text = """
schema: 1
name: own
packs: {quality: block}
limits:
  average_precision: {minimum: 0.8}
  brier: {maximum: 0.2}
  expected_calibration_error: {maximum: 0.03}
  accuracy_over_constant: {minimum: 0.09}
  accuracy: {minimum: 0.66, confidence: 0.95}
"""
    decision = decided(documents, text)
    assert decision.verdict is Verdict.APPROVE
    assert found(decision, "quality.metrics", "accuracy_over_constant").value == pytest.approx(0.1)
    assert found(decision, "quality.metrics", "accuracy").value == 0.67
    for path in ("lockgate/brier", "lockgate/average_precision", "binary_classification_metrics/accuracy"):
        lacking = put(put(evidence(), "model_quality/lockgate/calibration", {}), f"model_quality/{path}", {})
        assert decided(lacking, text).verdict is Verdict.REJECT


def test_a_regression_where_less_is_better_is_compared_the_right_way_round() -> None:
    """The comparison's difference counts gains, whichever way the metric points."""
    better = {"metric": "mae", "champion": 2.0, "challenger": 1.5, "difference": 0.5, "better": "less"}
    documents = evidence() | {"champion": better | {"interval": [0.1, 0.9], "level": 0.95, "n": 10}}
    text = (
        "schema: 1\nname: own\npacks: {champion: block}\nlimits: {champion_difference: {minimum: 0, confidence: 0.95}}"
    )
    assert decided(documents, text).verdict is Verdict.APPROVE
    assert decided(put(documents, "champion/difference", -0.5), text).verdict is Verdict.REJECT


def test_importances_of_several_labels_are_told_apart() -> None:
    """A model of many classes has one ranking for each label."""
    several = {f"label{n}": {"global_shap_values": {"age": 1.0 + n, "year": 1.0}} for n in range(2)}
    documents = put(evidence(), "bias/explanations/kernel_shap", several)
    put(documents, "baseline_bias/explanations/kernel_shap", several)
    decision = decided(documents, LIMITS.replace("data: block", "data: warn"))
    assert found(decision, "explainability.importance", "importance_share@label1.age").value == pytest.approx(2 / 3)
    assert found(decision, "explainability.ranking", "ranking_ndcg@label0").value == 1
    nothing = put(evidence(), SHAP, {"age": 0.0, "year": 0.0})
    finding = found(decided(nothing, LIMITS), "explainability.importance", "importance_share@age")
    assert "'unknown', not a finite number" in finding.reason


def test_every_check_asks_for_documents_of_the_bundle_and_says_what_its_failure_means() -> None:
    """Ids are of the family, questions are questions, failures are whole sentences with advice."""
    names = {*evidence(), "baseline_data_quality", CHAMPION_METRIC}
    for one in BUILT_IN:
        assert set(one.evidence) <= names
        assert one.question.endswith("?")
        assert one.failure.endswith(".")
        assert ":" in one.failure
        assert one.id.startswith(f"{one.family}.")


def test_no_metric_is_measured_by_two_checks() -> None:
    """A limit by name means one number."""
    every = [metric for one in BUILT_IN for metric in one.measures]
    assert len(every) == len(set(every))


def documented(model_quality: Any) -> Measured:
    """It failed."""
    return Measured("x", model_quality)


def undocumented(model_quality: Any) -> Measured:  # noqa: D103 - that is the point
    return Measured("x", model_quality)


def nothing_asked() -> Measured:
    """It failed."""
    return Measured("x", 1)


def anything(*documents: Any) -> Measured:
    """It failed."""
    return Measured("x", documents)


@pytest.mark.parametrize(
    ("name", "function", "measures", "said"),
    [
        ("Own.x", documented, (), "family.name"),
        ("own", documented, (), "family.name"),
        ("own.x", undocumented, (), "has no docstring"),
        ("own.x", nothing_asked, (), "must name each document"),
        ("own.x", anything, (), "must name each document"),
        ("own.x", documented, ("a@b",), "measures 'a@b'"),
    ],
)
def test_a_check_written_wrongly_is_refused_at_once(name: str, function: Any, measures: Any, said: str) -> None:
    """The message names the check and how to correct it."""
    with pytest.raises(CheckError, match=said):
        check(id=name, question="?", measures=measures)(function)


def test_the_first_paragraph_of_the_docstring_is_the_failures_text() -> None:
    """Further paragraphs are for readers of the code."""

    def asked(bias: Any, lineage: Any = None) -> Measured:
        """It failed, so  do
        this.

        Source: a book.
        """  # noqa: D205 - a first paragraph of two lines
        return Measured("x", (bias, lineage))

    made = check(id="own.x", question="?")(asked).check  # type: ignore[attr-defined]
    assert (made.failure, made.evidence, made.optional) == ("It failed, so do this.", ("bias", "lineage"), {"lineage"})


def test_two_checks_cannot_have_one_id() -> None:
    """A package cannot put its own check in the place of one of the library's."""
    made: Check = check(id="quality.rows", question="?")(documented).check  # type: ignore[attr-defined]
    with pytest.raises(CheckError, match=r"two checks quality\.rows"):
        combined(BUILT_IN, [made])
    assert combined(BUILT_IN, BUILT_IN) == BUILT_IN
    assert checks_of(undocumented) == ()


def test_without_packages_the_librarys_checks_are_installed() -> None:
    """The entry point group is the library's own name."""
    assert GROUP == "lockgate_checks"
    assert installed_checks()[: len(BUILT_IN)] == BUILT_IN
