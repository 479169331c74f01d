"""The envelope around an event's detail (EventBridge User Guide, "Events in Amazon EventBridge")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockgate_twin.ports import Event

_MAX_ENTRY_BYTES = 1_048_576


def envelope(event: Event, at: datetime) -> dict[str, Any]:
    """Wrap a service's event."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": event.detail_type,
        "source": event.source,
        "account": event.account,
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": event.region,
        "resources": list(event.resources),
        "detail": dict(event.detail),
    }


def entry_error(entry: Mapping[str, Any], detail: Any) -> tuple[str, str] | None:
    """Return (code, message) if PutEvents refuses an entry, with EventBridge's wording (botocore, PutEvents)."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
    if str(entry["Source"]).startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    if not isinstance(detail, dict):
        return "MalformedDetail", "Detail is malformed."
    if _size(entry) > _MAX_ENTRY_BYTES:
        return "InvalidArgument", "Total size of the entry is larger than 1 MB."
    return None


def _size(entry: Mapping[str, Any]) -> int:
    texts = [entry["Source"], entry["DetailType"], entry["Detail"], *(entry.get("Resources") or [])]
    return sum(len(str(text).encode()) for text in texts)
