"""What the model looks at: global feature importance beside the baseline's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.layout import Section, figure_of, key, missing
from lockgate_checks.report.markup import Markup, join, shorten
from lockgate_checks.report.plots import Frame, image, line, rectangle, text
from lockgate_checks.report.reading import at, mapping, number
from lockgate_checks.report.scales import Scale, label

MOST_FEATURES = 25
_HEADING = "Feature importance"
_WIDTH, _ROW, _LEFT, _RIGHT = 920.0, 30.0, 190.0, 120.0


def importance(bundle: Mapping[str, Any]) -> Section:
    """Return the mean absolute contribution of each feature, the most important first."""
    now, before = _values(bundle.get("bias")), _values(bundle.get("baseline_bias"))
    if not now:
        why = "The document bias holds no importance of features: what drives the answers is not known."
        return Section("importance", _HEADING, missing(why))
    ranked = sorted(now, key=lambda name: (-now[name], name))
    return Section("importance", _HEADING, _figure(ranked, now, before))


def _values(document: Any) -> dict[str, float]:
    """Return the importance by feature, the mean over the labels where there are several; below zero counts as none."""
    explained = mapping(at(document, "explanations"))
    labels = mapping(explained.get("kernel_shap")) or mapping(explained.get("permutation_importance"))
    found: dict[str, list[float]] = {}
    for label_values in labels.values():
        values = mapping(at(label_values, "global_shap_values")) or mapping(
            at(label_values, "global_importance_values")
        )
        for name, value in values.items():
            known = number(value)
            if known is not None:
                found.setdefault(name, []).append(max(known, 0.0))
    return {name: sum(values) / len(values) for name, values in found.items()}


def _figure(ranked: list[str], now: dict[str, float], before: dict[str, float]) -> Markup:
    shown = ranked[:MOST_FEATURES]
    top = max([*(now[name] for name in shown), *(before.get(name, 0.0) for name in shown)])
    scale = Scale(0, top or 1.0, _LEFT, _WIDTH - _RIGHT)
    old_ranks = {name: rank for rank, name in enumerate(sorted(before, key=lambda n: (-before[n], n)), start=1)}
    rows = (
        _row(scale, rank, (name, now[name], before.get(name)), old_ranks) for rank, name in enumerate(shown, start=1)
    )
    height = _ROW * len(shown) + 28
    described = "; ".join(f"{name} {numerals.figure(now[name], 3)}" for name in shown)
    plot = image(
        Frame("plot-importance", "Feature importance", described, _WIDTH, height), _ground(scale, height), *rows
    )
    rest = (
        f" {numerals.plural(len(ranked) - len(shown), 'less important feature')} not shown."
        if len(ranked) > len(shown)
        else ""
    )
    legend = join(key("model", "this version"), key("baseline", "baseline") if before else "no baseline")
    return figure_of(plot, "Importance by feature", legend, rest, class_="wide")


def _ground(scale: Scale, height: float) -> Markup:
    bottom = height - 24
    return join(
        *(
            join(
                line((scale(t), 0), (scale(t), bottom), "grid"), text(scale(t), bottom + 16, label(t), "tick", "middle")
            )
            for t in scale.ticks(6)
        )
    )


def _row(scale: Scale, rank: int, feature: tuple[str, float, float | None], old_ranks: Mapping[str, int]) -> Markup:
    name, now, before = feature
    top = _ROW * (rank - 1)
    old = Markup("")
    if before is not None:
        old = rectangle((_LEFT, top + 18), (scale(before) - _LEFT, 5), "bar-baseline")
    return join(
        text(_LEFT - 10, top + 18, shorten(name, 26), "row-name", "end"),
        rectangle((_LEFT, top + 6), (scale(now) - _LEFT, 11), "bar-model"),
        old,
        text(scale(now) + 8, top + 16, numerals.figure(now, 3), "value"),
        text(
            _WIDTH - 4,
            top + 16,
            _moved(rank, old_ranks.get(name)) if old_ranks and (now or before) else "",
            "side",
            "end",
        ),
    )


def _moved(rank: int, old: int | None) -> str:
    if old is None:
        return "new"
    return "same rank" if old == rank else f"rank {old} → {rank}"
