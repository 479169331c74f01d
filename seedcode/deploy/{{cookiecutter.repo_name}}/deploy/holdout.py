"""The held-out rows a model was evaluated with offline: features, labels and the scores it gave."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from deploy.errors import RefusedError


@dataclass(frozen=True)
class Holdout:
    """Rows as a caller would send them, with what is known about each."""

    rows: tuple[tuple[str, ...], ...]
    labels: tuple[int, ...]
    scores: tuple[float, ...]


def parse_holdout(text: str, plan: str | None = None) -> Holdout:
    """Read holdout.csv by its header: label (0 or 1), offline score, and the features in serving order.

    Which columns are features is said by evaluation_plan.json, as facets stand among them too; of a version
    without a plan every other column is one.

    Raises:
        RefusedError: the plan names a feature that the file lacks.
    """
    header, *lines = csv.reader(io.StringIO(text))
    others = [name for name in header if name not in ("label", "score")]
    features = json.loads(plan)["features"] if plan is not None else others
    missing = [name for name in (*features, "label", "score") if name not in header]
    if missing:
        raise RefusedError(
            f"holdout.csv lacks {', '.join(missing)}, so the endpoint cannot be tested with it."
        )
    places = [header.index(name) for name in features]
    label, score = header.index("label"), header.index("score")
    return Holdout(
        rows=tuple(tuple(line[place] for place in places) for line in lines),
        labels=tuple(int(line[label]) for line in lines),
        scores=tuple(float(line[score]) for line in lines),
    )


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Rows as the body of a request."""
    body = io.StringIO()
    csv.writer(body, lineterminator="\n").writerows(rows)
    return body.getvalue()


def area_under_curve(labels: Sequence[int], scores: Sequence[float]) -> float:
    """AUC: the share of (positive, negative) pairs the scores order correctly, a tie counting one half.

    By rank sums: with R the sum of the positives' mid-ranks, AUC = (R - p(p + 1)/2) / (p * n).
    """
    ordered = sorted(zip(scores, labels, strict=True))
    rank_sum, seen = 0.0, 0
    for _, group in groupby(ordered, key=lambda pair: pair[0]):
        members = [label for _, label in group]
        rank_sum += sum(members) * (seen + (len(members) + 1) / 2)
        seen += len(members)
    positives = sum(labels)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))
