"""Bias by facet value against its limits: a dot for the measured value, a band for the range the policy allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_checks.report import numerals
from lockgate_checks.report.bias_plot import Measured, panel
from lockgate_checks.report.layout import Column, Section, key, missing, paragraph, table
from lockgate_checks.report.markup import Markup, element, join
from lockgate_checks.report.reading import at, items, mapping, number, text
from lockgate_checks.report.subjects import of_bias
from lockgate_checks.values import Decision, Finding

_HEADING = "Bias"
_STAGES = (("post_training", "the model's answers"), ("pre_training", "the labels"))
_MOST_ROWS = 30


@dataclass(frozen=True)
class _Stage:
    name: str
    about: str
    rows: list[Measured]


def bias(decision: Decision, bundle: Mapping[str, Any]) -> Section:
    """Return a plot for every metric that has a limit, and a table of all metrics by facet value."""
    document = bundle.get("bias")
    if document is None:
        return Section("bias", _HEADING, missing("The document bias is missing: nobody knows how groups are treated."))
    stages = [
        _Stage(name, about, list(_measured(name, document, bundle.get("baseline_bias"), decision.findings)))
        for name, about in _STAGES
    ]
    if not any(stage.rows for stage in stages):
        return Section("bias", _HEADING, missing("The document bias holds no bias metrics."))
    return Section("bias", _HEADING, join(_legend(), *(_stage(stage) for stage in stages)))


def _legend() -> Markup:
    return paragraph(
        key("band", "allowed by the policy"),
        key("dot", "inside"),
        key("diamond", "outside"),
        key("dot hollow", "baseline"),
        key("reference", "equal treatment"),
        class_="legend",
    )


def _measured(stage: str, document: Any, baseline: Any, findings: Sequence[Finding]) -> Iterator[Measured]:
    before = {(row[0], row[1], row[2]): row[4] for row in _entries(stage, baseline)}
    for facet, value, metric, description, amount in _entries(stage, document):
        judged = of_bias(findings, facet, value, metric)
        yield Measured(facet, value, metric, description, amount, before.get((facet, value, metric)), judged)


def _entries(stage: str, document: Any) -> Iterator[tuple[str, str, str, str, float | None]]:
    facets = mapping(at(document, f"{stage}_bias_metrics", "facets"))
    for facet in sorted(facets):
        for entry in items(facets[facet]):
            for metric in items(at(entry, "metrics")):
                value, name = text(at(entry, "value_or_threshold")), text(at(metric, "name"))
                yield facet, value, name, text(at(metric, "description")), number(at(metric, "value"))


def _stage(stage: _Stage) -> Markup:
    if not stage.rows:
        return missing(f"The document bias has no {stage.name.replace('_', '-')} metrics, about {stage.about}.")
    judged = [row.metric for row in stage.rows if row.finding is not None]
    title = element("h3", f"Bias of {stage.about} ({stage.name.replace('_', '-')})")
    panels = [
        panel(
            f"plot-bias-{stage.name.replace('_', '-')}-{index}",
            [r for r in stage.rows if r.metric == metric][:_MOST_ROWS],
        )
        for index, metric in enumerate(dict.fromkeys(judged), start=1)
    ]
    plots = (
        element("div", *panels, class_="figures bias")
        if panels
        else missing("The policy sets no limit for these metrics.")
    )
    return join(title, plots, _table(stage))


def _table(stage: _Stage) -> Markup:
    metrics = sorted({row.metric for row in stage.rows})
    groups = list(dict.fromkeys((row.facet, row.facet_value) for row in stage.rows))
    amounts = {(row.facet, row.facet_value, row.metric): row.value for row in stage.rows}
    rows = [
        [f"{facet} = {value}", *(numerals.figure(amounts.get((facet, value, metric)), 3) for metric in metrics)]
        for facet, value in groups
    ]
    return table(
        "All metrics by facet value",
        [Column("Facet value"), *(Column(m, numeric=True) for m in metrics)],
        rows,
        "dense",
    )
