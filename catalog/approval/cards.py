"""Model cards about a decision: the one inside the model package, and a version of the group's own card.

The package's card has a strict schema (Developer Guide, "Model package model card schema"): it refuses other members.
"""

from __future__ import annotations

import json
import math
from typing import Any

from .arns import Version
from .case import Case, failing, named

Json = dict[str, Any]
MOST_METRICS = 200
EVALUATION = "Lockgate approval"
STATUS = {"approve": "Approved", "reject": "Draft", "human": "PendingReview"}
"""Of a card, by verdict; an archived card could not be updated by the group's next version."""


def package_card(case: Case, package: Json, report: str) -> str:
    """Return the content of the package's card: what it had, with this decision as its evaluation."""
    content = _existing(package.get("ModelCard", {}).get("ModelCardContent"))
    others = [kept for kept in content.get("evaluation_details", []) if kept.get("name") != EVALUATION]
    content["evaluation_details"] = [*others, evaluation(case, report)]
    content.setdefault("model_overview", _overview(package))
    return json.dumps(content, sort_keys=True)


def group_card(case: Case, version: Version, package: Json, report: str) -> str:
    """Return the content of the standalone card named after the group, as of this version.

    Source: Developer Guide, "Model card JSON schema": unlike the package's card it names the model it is about.
    """
    overview = {
        "model_id": version.arn,
        "model_name": version.group,
        "model_version": version.number,
        **_overview(package),
    }
    details = {
        "model_package_arn": version.arn,
        "model_package_group_name": version.group,
        "model_package_version": version.number,
        "model_approval_status": {"approve": "Approved", "reject": "Rejected"}.get(
            case.verdict, "PendingManualApproval"
        ),
    }
    content = {
        "model_overview": overview,
        "model_package_details": details,
        "evaluation_details": [evaluation(case, report)],
    }
    return json.dumps(content, sort_keys=True)


def evaluation(case: Case, report: str) -> Json:
    """Return the decision as one entry of evaluation_details."""
    decision = case.decision
    wrong = failing(decision)
    told = f"Verdict {case.verdict}. " + (f"In the way: {'; '.join(wrong)}." if wrong else "Nothing is in the way.")
    return {
        "name": EVALUATION,
        "evaluation_observation": told[:2096],
        "datasets": [],
        "metadata": {
            "verdict": case.verdict,
            "report": report,
            "decision_sha256": case.digest,
            "policy_sha256": str(decision["policy_digest"]),
            "decided_at": str(decision["decided_at"]),
        },
        "metric_groups": _groups(decision["findings"]),
    }


def _groups(findings: list[Json]) -> list[Json]:
    numbers = [f for f in findings if _is_number(f["value"])][:MOST_METRICS]
    families = sorted({str(finding["family"]) for finding in numbers})
    return [
        {"name": family[:63], "metric_data": [_metric(f) for f in numbers if f["family"] == family]}
        for family in families
    ]


def _metric(finding: Json) -> Json:
    notes = f"{finding['outcome']}. {finding['reason']}"
    return {"name": named(finding)[:255], "type": "number", "value": finding["value"], "notes": notes[:1024]}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _overview(package: Json) -> Json:
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    artifacts = [container["ModelDataUrl"] for container in containers if "ModelDataUrl" in container]
    return {"model_creator": "Lockgate project", "model_artifact": artifacts[:15]}


def _existing(text: str | None) -> Json:
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
