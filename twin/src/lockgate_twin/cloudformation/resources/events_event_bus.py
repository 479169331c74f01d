"""AWS::Events::EventBus with its resource policy. Ref is the name."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, ignoring, names
from lockgate_twin.cloudformation.resources.api_shapes import request_members

_VALUES = ("DeadLetterConfig", "Description", "KmsKeyIdentifier", "LogConfig")


def _members(request: Request, operation: str, *properties: str) -> dict[str, Any]:
    return dict(request_members(request.client("events"), operation, request.pick(*properties)))


def _create(request: Request) -> Made:
    events, name = request.client("events"), request.name
    values = _members(request, "CreateEventBus", *_VALUES, "EventSourceName", "Tags")
    arn = events.create_event_bus(Name=name, **values)["EventBusArn"]
    request.identify(name, {"Arn": arn})
    _apply_policy(request, name)
    return Made(name, {"Arn": arn})


def _apply_policy(request: Request, name: str) -> None:
    policy = request.properties.get("Policy")
    if request.changed("Policy") and policy is None:
        with ignoring("ResourceNotFoundException"):
            request.client("events").remove_permission(EventBusName=name, RemoveAllPermissions=True)
    elif request.changed("Policy"):
        request.client("events").put_permission(EventBusName=name, Policy=document(policy))


def _update(request: Request) -> Made:
    events, name = request.client("events"), request.physical_id
    if request.changed(*_VALUES):
        events.update_event_bus(Name=name, **_members(request, "UpdateEventBus", *_VALUES))
    _apply_policy(request, name)
    added, removed = request.tag_changes
    if added:
        events.tag_resource(ResourceARN=request.attributes["Arn"], Tags=added)
    if removed:
        events.untag_resource(ResourceARN=request.attributes["Arn"], TagKeys=removed)
    return Made(name)


def _delete(request: Request) -> None:
    request.client("events").delete_event_bus(Name=request.physical_id)


ADAPTER = Adapter(
    type="AWS::Events::EventBus",
    properties=names("EventSourceName Name Policy Tags") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 256),
    gone=names("ResourceNotFoundException"),
)
