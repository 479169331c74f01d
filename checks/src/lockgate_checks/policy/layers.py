"""A policy and its bases as one: each layer's limits hold, so that a layer on top can tighten but never loosen."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate_checks.check import Check
from lockgate_checks.policy.model import FirstVersion, Policy, Recompute, Threshold
from lockgate_checks.values import Mode, Severity

FIRST_VERSIONS = (FirstVersion.APPROVE, FirstVersion.HUMAN, FirstVersion.REJECT)  # from lenient to strict


def matches(pattern: str, text: str) -> bool:
    """Say whether the text follows the pattern, in which `*` stands for any text and nothing else is special."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    at, last = len(first), rest.pop()
    for piece in rest:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - len(last) >= at and text.endswith(last)


def threshold_for(layer: Policy, subject: str) -> Threshold | None:
    """Return a layer's most specific limit of a subject: its own, else the longest pattern, else its metric's."""
    if subject in layer.limits:
        return layer.limits[subject]
    metric = subject.partition("@")[0]
    keys = [key for key in layer.keys_by_metric.get(metric, ()) if key == metric or matches(key, subject)]
    return layer.limits[max(keys, key=lambda key: (len(key), key))] if keys else None


def strictest(severities: Iterable[Severity | None]) -> Severity | None:
    """Return block where anything blocks, warn where anything warns, else None."""
    found = set(severities)
    return Severity.BLOCK if Severity.BLOCK in found else Severity.WARN if Severity.WARN in found else None


def severity_in(layer: Policy, check: Check) -> Severity | None:
    """Return what a failure of the check does by this layer alone; None where the layer does not ask for it."""
    return layer.checks[check.id] if check.id in layer.checks else layer.packs.get(check.family)


def severity_of(policy: Policy, check: Check) -> Severity | None:
    """Return what a failure of the check does; None where no layer asks for the check."""
    return strictest(severity_in(layer, check) for layer in policy.layers)


def height_of(policy: Policy, check: Check) -> int:
    """Return the height of the lowest layer that asks for the check: 0 is the organization's own."""
    return next(height for height, layer in enumerate(policy.layers) if severity_in(layer, check) is not None)


def mode_of(policy: Policy) -> Mode:
    """Return recommend where any layer says so; else enforce."""
    return Mode.RECOMMEND if any(layer.mode is Mode.RECOMMEND for layer in policy.layers) else Mode.ENFORCE


def recompute_of(policy: Policy) -> Recompute:
    """Return whose scores count: the project's own only where a layer says so and none asks for the model's."""
    found = {layer.recompute for layer in policy.layers}
    declared = Recompute.DECLARED in found and Recompute.REQUIRED not in found
    return Recompute.DECLARED if declared else Recompute.REQUIRED


def first_version_of(policy: Policy) -> FirstVersion:
    """Return the strictest rule for versions without a predecessor; a person decides where no layer has one."""
    found = [layer.first_version for layer in policy.layers if layer.first_version is not None]
    return max(found, key=FIRST_VERSIONS.index, default=FirstVersion.HUMAN)


def champion_metric_of(policy: Policy) -> str | None:
    """Return the metric by which versions are compared: the lowest layer's that names one."""
    return next((layer.champion_metric for layer in policy.layers if layer.champion_metric is not None), None)
