"""The held-out rows a model was evaluated with offline: features, labels and the scores it gave."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Holdout:
    """Rows as a caller would send them, with what is known about each."""

    rows: tuple[tuple[str, ...], ...]
    labels: tuple[int, ...]
    scores: tuple[float, ...]


def parse_holdout(text: str) -> Holdout:
    """Read holdout.csv: a header; then features in serving order, label (0 or 1) and offline score."""
    _, *lines = csv.reader(io.StringIO(text))
    return Holdout(
        rows=tuple(tuple(line[:-2]) for line in lines),
        labels=tuple(int(line[-2]) for line in lines),
        scores=tuple(float(line[-1]) for line in lines),
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
