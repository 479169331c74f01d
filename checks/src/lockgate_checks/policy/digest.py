"""The digest of a policy: of what it says, with all it includes, not of how its files are written."""

from __future__ import annotations

from typing import Any

from lockgate_checks.canonical import canonical, sha256
from lockgate_checks.policy.model import Policy, Threshold
from lockgate_checks.values import Limit, Waiver


def policy_digest(policy: Policy) -> str:
    """Return sha256 hex of the policy's canonical JSON; comments, order and layout do not change it."""
    return sha256(canonical(policy_document(policy)))


def policy_document(policy: Policy) -> dict[str, Any]:
    """Return the policy as JSON, the policies under it first."""
    return {"schema": 1, "layers": [_layer(layer) for layer in policy.layers]}


def _layer(layer: Policy) -> dict[str, Any]:
    return {
        "name": layer.name,
        "adopts_base": layer.adopts_base,
        "mode": layer.mode,
        "recompute": layer.recompute,
        "packs": dict(layer.packs),
        "checks": dict(layer.checks),
        "limits": {subject: _threshold(threshold) for subject, threshold in layer.limits.items()},
        "champion": {"metric": layer.champion_metric, "first_version": layer.first_version},
        "waivers": [waiver_document(waiver) for waiver in layer.waivers],
    }


def _threshold(threshold: Threshold) -> dict[str, Any]:
    return {
        "limit": limit_document(threshold.limit),
        "confidence": threshold.confidence,
        "unsure": threshold.unsure,
        "severity": threshold.severity,
    }


def limit_document(limit: Limit) -> dict[str, Any]:
    """Return a limit as JSON."""
    return {"minimum": limit.minimum, "maximum": limit.maximum}


def waiver_document(waiver: Waiver) -> dict[str, Any]:
    """Return a waiver as JSON."""
    return {
        "check": waiver.check,
        "subject": waiver.subject,
        "model": waiver.model,
        "limit": limit_document(waiver.limit) if waiver.limit else None,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
    }
