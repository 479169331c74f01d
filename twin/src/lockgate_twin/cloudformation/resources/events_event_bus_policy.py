"""AWS::Events::EventBusPolicy: one statement of a bus's policy, written out or as Action, Principal and Condition.

Ref is the bus's name and the statement's id, joined by a bar: the type's primary identifier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, exists, ignoring, names

_PARTS = ("Action", "Principal", "Condition")


def _bus(request: Request) -> str:
    return str(request.properties.get("EventBusName", "default"))


def _put(request: Request) -> None:
    events, bus, sid = request.client("events"), _bus(request), request.properties["StatementId"]
    statement = request.properties.get("Statement")
    if statement is None:
        events.put_permission(EventBusName=bus, StatementId=sid, **request.pick(*_PARTS))
        return
    own = {**(json.loads(statement) if isinstance(statement, str) else statement), "Sid": sid}
    others = [item for item in _statements(request, bus) if item.get("Sid") != sid]
    policy = {"Version": "2012-10-17", "Statement": [*others, own]}
    events.put_permission(EventBusName=bus, Policy=json.dumps(policy))


def _statements(request: Request, bus: str) -> list[Mapping[str, Any]]:
    policy = json.loads(request.client("events").describe_event_bus(Name=bus).get("Policy") or "{}")
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _create(request: Request) -> Made:
    physical_id = f"{_bus(request)}|{request.properties['StatementId']}"
    request.identify(physical_id)
    _put(request)
    return Made(physical_id)


def _update(request: Request) -> Made:
    _put(request)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    events, bus = request.client("events"), _bus(request)
    if exists(lambda: events.describe_event_bus(Name=bus), "ResourceNotFoundException"):
        with ignoring("ResourceNotFoundException"):
            events.remove_permission(EventBusName=bus, StatementId=request.properties["StatementId"])


ADAPTER = Adapter(
    type="AWS::Events::EventBusPolicy",
    properties=names("EventBusName Statement StatementId") | frozenset(_PARTS),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("ResourceNotFoundException"),
)
