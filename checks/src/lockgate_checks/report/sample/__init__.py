"""A decision and its evidence to look at: real documents of the build seed's model, stored beside this file.

The model predicts releases after arrests; the policy is chosen so that the page shows every outcome. It is data to
look at, not a decision about anything.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lockgate_checks.bundle import from_mapping
from lockgate_checks.decide import decide
from lockgate_checks.integrity import Subject
from lockgate_checks.policy.load import parse_policy
from lockgate_checks.values import Decision

_HERE = Path(__file__).parent
_ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/arrests-p-idy6c3e1fiqj/7"
_DECIDED = datetime(2026, 11, 20, 14, 3, 27, tzinfo=UTC)


def bundle() -> dict[str, Any]:
    """Return the evidence documents by name."""
    return {name: json.loads(content) for name, content in _stored().items()}


@cache
def decision() -> Decision:
    """Return what the sample's policy says about these documents."""
    policy = parse_policy((_HERE / "policy.yaml").read_text(encoding="utf-8"))
    documents = from_mapping(_stored())
    known = Subject(
        _ARN, evidence=documents.digests, lineage={"model_digest": documents.documents["lineage"]["model_digest"]}
    )
    return decide(documents, policy, _DECIDED, known)


def _stored() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(_HERE.glob("*.json"))}
