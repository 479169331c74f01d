"""Poisoned evaluation data and declarations: how often the organization's policy notices them, and false alarms.

Each corruption is drawn with seeds, so that the shares below are facts and not hopes. What blocks is told from what
is only reported: the shipped policy reports what data and explanations say, and leaves blocking to an organization.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lockgate_checks.compute.explainability import Scoring, permutation_importance
from lockgate_checks.compute.lineage import overlap
from lockgate_checks.compute.model_quality import Setup, binary_report
from lockgate_checks.compute.statistics import statistics
from lockgate_checks.policy import Policy, load_policy
from lockgate_checks.recomputation import DOCUMENT, comparison
from lockgate_checks.values import Decision, Outcome, Verdict

from tests.checks.complete_evidence import decided, first_version

SEEDS = range(20)
ROWS = 600
Documents = dict[str, Any]
Poison = Callable[[np.random.Generator], Documents]


@cache
def policy() -> Policy:
    """The organization's policy as it is published."""
    return load_policy(Path(__file__).parents[2] / "catalog" / "policy.yaml")


def table(draw: np.random.Generator, rows: int = ROWS) -> tuple[Any, Any, Any]:
    """Two features, a label and the scores of a fair model of it."""
    features = draw.normal(size=(rows, 2)).round(6)
    sums = features @ np.array([0.8, 1.2])
    labels = (sums + draw.normal(size=rows) > 0).astype(int)
    return features, labels, 1 / (1 + np.exp(-sums))


def quality(labels: Any, scores: Any) -> Documents:
    """The model-quality report of these scores."""
    return binary_report([str(label) for label in labels], [float(score) for score in scores], Setup(positive="1"))


def shared(training: Any, evaluation: Any) -> Documents:
    """What the lineage says about rows in common."""
    return overlap(map(tuple, training.tolist()), map(tuple, evaluation.tolist())).document()


def whole(draw: np.random.Generator, rows: int = ROWS) -> Documents:
    """True evidence of a fair model: what every poison starts from."""
    (training, *_), (features, labels, scores) = table(draw, 2 * rows), table(draw, rows)
    found, report = first_version(), quality(labels, scores)
    found["lineage"] = found["lineage"] | {"overlap": shared(training, features)}
    known = {
        "scores": "model",
        "tolerance": 0.001,
        "metrics": comparison({"model_quality": report}, {"model_quality": report}),
    }
    return found | {"model_quality": report, DOCUMENT: known}


def copied(share: float) -> Poison:
    """Evaluation rows of which this share also stands among the training rows."""

    def poison(draw: np.random.Generator) -> Documents:
        found, (training, *_), (fresh, *_) = whole(draw), table(draw, 2 * ROWS), table(draw)
        count = int(share * ROWS)
        found["lineage"]["overlap"] = shared(training, np.vstack([training[:count], fresh[count:]]))
        return found

    return poison


def same_data(draw: np.random.Generator) -> Documents:
    """Training and evaluation data are one file."""
    found = whole(draw)
    found["lineage"]["evaluation_data_digest"] = found["lineage"]["data_digest"]
    return found


def tiny(rows: int) -> Poison:
    """Few evaluation rows."""
    return lambda draw: whole(draw, rows)


def another_models_scores(draw: np.random.Generator) -> Documents:
    """Declared are a good model's numbers; the registered one has others."""
    found, (features, labels, scores) = whole(draw), table(draw)
    poor = quality(labels, 1 / (1 + np.exp(-features @ np.array([0.9, 0.2]))))
    metrics = comparison({"model_quality": quality(labels, scores)}, {"model_quality": poor})
    return found | {"model_quality": poor, DOCUMENT: found[DOCUMENT] | {"metrics": metrics}}


def favourable(gain: float) -> Poison:
    """The declared area under the curve is better than the true one by this much."""

    def poison(draw: np.random.Generator) -> Documents:
        found = whole(draw)
        report = found["model_quality"]
        metrics = dict(report["binary_classification_metrics"])
        metrics["auc"] = metrics["auc"] | {"value": metrics["auc"]["value"] + gain}
        stated = report | {"binary_classification_metrics": metrics}
        compared = comparison({"model_quality": stated}, {"model_quality": report})
        return found | {DOCUMENT: found[DOCUMENT] | {"metrics": compared}}

    return poison


def other_order(draw: np.random.Generator) -> Documents:
    """The declared scores are the model's, but of other rows."""
    found, (_, _, scores) = whole(draw), table(draw)
    difference = float(np.abs(scores - draw.permutation(scores)).max())
    return found | {DOCUMENT: found[DOCUMENT] | {"largest_difference": difference}}


def leaking(draw: np.random.Generator) -> Documents:
    """One feature is the label, and the model rests on it."""
    found, (features, labels, _) = whole(draw), table(draw)
    leaky = np.column_stack([features, labels])

    def score(rows: Any) -> Any:
        return 1 / (1 + np.exp(-(np.asarray(rows, dtype=float) @ np.array([0.1, 0.1, 6.0]) - 3)))

    def accuracy(truth: Any, answered: Any) -> float:
        return float(np.mean((np.asarray(answered) >= 0.5) == (np.asarray(truth) == 1)))

    importance = permutation_importance(Scoring(score, accuracy), leaky, labels, ["age", "income", "paid_back"])
    found["bias"]["explanations"] = importance.explanations()
    return found


def missing_cells(share: float) -> Poison:
    """A column that lacks this share of its values."""

    def poison(draw: np.random.Generator) -> Documents:
        features, *_ = table(draw)
        column = features[:, 0].astype(object)
        column[draw.random(ROWS) < share] = None
        return whole(draw) | {"data_quality": statistics([{"age": column}])}

    return poison


def rejected(decision: Decision) -> bool:
    """Whether the version is kept from being approved."""
    return decision.verdict is not Verdict.APPROVE


def reported(metric: str) -> Callable[[Decision], bool]:
    """Whether a failing finding names the metric."""
    return lambda decision: any(
        f.outcome is not Outcome.PASS and f.subject.partition("@")[0] == metric and f.limit for f in decision.findings
    )


def rate(poison: Poison, noticed: Callable[[Decision], bool]) -> float:
    """The share of seeds for which the policy notices the poison."""
    return float(np.mean([noticed(decided(poison(np.random.default_rng(seed)), policy())) for seed in SEEDS]))


def test_true_evidence_raises_no_alarm() -> None:
    """Of twenty honest versions none is kept back."""
    assert rate(whole, rejected) == 0.0


@pytest.mark.parametrize(
    ("poison", "least"),
    [
        (same_data, 1.0),
        (copied(1.0), 1.0),
        (copied(0.1), 1.0),
        (copied(0.05), 1.0),
        (tiny(40), 1.0),
        (tiny(150), 1.0),
        (another_models_scores, 1.0),
        (favourable(0.01), 1.0),
        (favourable(0.002), 1.0),
        (other_order, 1.0),
    ],
    ids=[
        "training data as evaluation data",
        "all rows copied",
        "a tenth copied",
        "a twentieth copied",
        "40 rows",
        "150 rows",
        "another model's scores",
        "a declared hundredth too much",
        "a declared five-hundredth too much",
        "scores of other rows",
    ],
)
def test_poison_that_blocks(poison: Poison, least: float) -> None:
    """Found for every seed."""
    assert rate(poison, rejected) >= least


@pytest.mark.parametrize(
    ("poison", "metric"),
    [(missing_cells(0.1), "completeness"), (leaking, "importance_share")],
    ids=["a tenth of a column is missing", "the label is a feature"],
)
def test_poison_that_is_reported(poison: Poison, metric: str) -> None:
    """Found for every seed; by the shipped policy it warns."""
    assert rate(poison, reported(metric)) == 1.0


def test_a_declaration_within_the_tolerance_is_no_alarm() -> None:
    """Scores written with nine digits and sums in another order differ by less."""
    assert rate(favourable(0.0005), rejected) == 0.0
