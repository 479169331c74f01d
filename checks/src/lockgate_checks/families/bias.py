"""Is anybody treated worse? Clarify's metrics (analysis.json), each for every facet value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.check import Measured, check, label
from lockgate_checks.families.reading import items, mapping, part

PRE_TRAINING = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
POST_TRAINING = (
    "AD",
    "CDDPL",
    "DAR",
    "DCA",
    "DCR",
    "DI",
    "DPPL",
    "DRR",
    "FT",
    "GE",
    "RD",
    "SD",
    "TE",
)


@check(id="bias.pre_training", question="Do the labels of the data treat every facet alike?", measures=PRE_TRAINING)
def pre_training(bias: Mapping[str, Any]) -> Iterator[Measured]:
    """The data themselves favour a group: look at how they were collected, or weigh the rows before training."""
    yield from _metrics(bias, "pre_training_bias_metrics")


@check(id="bias.post_training", question="Do the model's answers treat every facet alike?", measures=POST_TRAINING)
def post_training(bias: Mapping[str, Any]) -> Iterator[Measured]:
    """The model treats a group differently from all others: train on balanced data, or choose another cutoff."""
    yield from _metrics(bias, "post_training_bias_metrics")


def _metrics(bias: Mapping[str, Any], section: str) -> Iterator[Measured]:
    """Yield each metric of each facet value; where there is no number, the document's own reason instead."""
    for facet, values in part(bias, section, "facets").items():
        for entry in items(values, f"{section}.facets.{facet}"):
            shown = mapping(entry, f"{section}.facets.{facet}").get("value_or_threshold")
            for metric in items(entry.get("metrics"), f"{section}.facets.{facet}.metrics"):
                found = mapping(metric, f"{section}.facets.{facet}.metrics")
                value = found.get("error") if found.get("value") is None else found["value"]
                yield Measured(label(found.get("name")), value, f"{facet}={shown}")
