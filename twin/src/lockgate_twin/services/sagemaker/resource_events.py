"""The events of models and endpoint configurations, which are told when one is created or deleted.

Source: "SageMaker model state change" (Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge"),
and the list in "Amazon SageMaker AI events" (EventBridge Events Reference).
Assumption: neither page shows a detail; the twin's has the members of the Describe operation and the tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.sagemaker.event_json import milliseconds
from lockgate_twin.services.sagemaker.names import Named


def state_change(kind: str, key: Named, arn: str, described: Mapping[str, Any], tags: Mapping[str, str]) -> Event:
    """Return the event of a resource; `kind` is "Model" or "Endpoint Config"."""
    return Event(
        source="aws.sagemaker",
        detail_type=f"SageMaker {kind} State Change",
        detail={**milliseconds(dict(described)), "Tags": dict(tags)},
        account=key.place.account,
        region=key.place.region,
        resources=[arn],
    )
