"""AWS::Events::Rule with its targets. Ref is the rule's name."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import (
    Adapter,
    Made,
    Request,
    document,
    exists,
    names,
    refuse_existing,
)


def _bus(request: Request) -> dict[str, Any]:
    return request.pick("EventBusName")


def _put(request: Request, name: str, **more: Any) -> str:
    values = request.pick("Description", "ScheduleExpression", "State", "RoleArn", "EventBusName")
    if "EventPattern" in request.properties:
        values["EventPattern"] = document(request.properties["EventPattern"])
    arn = request.client("events").put_rule(Name=name, **values, **more)["RuleArn"]
    return str(arn)


def _put_targets(request: Request, name: str) -> None:
    targets = request.properties.get("Targets", [])
    if not targets:
        return
    result = request.client("events").put_targets(Rule=name, Targets=targets, **_bus(request))
    if result.get("FailedEntryCount"):
        entry = result["FailedEntries"][0]
        raise HandlerFailed(f"Target {entry.get('TargetId')}: {entry.get('ErrorMessage')}", "InvalidRequest")


def _create(request: Request) -> Made:
    events, name = request.client("events"), request.name
    found = exists(lambda: events.describe_rule(Name=name, **_bus(request)), "ResourceNotFoundException")
    refuse_existing(name, found=found)
    arn = _put(request, name, **({"Tags": request.properties["Tags"]} if request.properties.get("Tags") else {}))
    request.identify(name, {"Arn": arn})
    _put_targets(request, name)
    return Made(name, {"Arn": arn, "RuleName": name})


def _update(request: Request) -> Made:
    events, name = request.client("events"), request.physical_id
    if request.changed("Description", "ScheduleExpression", "State", "RoleArn", "EventPattern"):
        _put(request, name)
    if request.changed("Targets"):
        kept = {target["Id"] for target in request.properties.get("Targets", [])}
        stale = [target["Id"] for target in request.previous.get("Targets", []) if target["Id"] not in kept]
        if stale:
            events.remove_targets(Rule=name, Ids=stale, **_bus(request))
        _put_targets(request, name)
    added, removed = request.tag_changes
    if added:
        events.tag_resource(ResourceARN=request.attributes["Arn"], Tags=added)
    if removed:
        events.untag_resource(ResourceARN=request.attributes["Arn"], TagKeys=removed)
    return Made(name)


def _delete(request: Request) -> None:
    events, name = request.client("events"), request.physical_id
    targets = events.list_targets_by_rule(Rule=name, **_bus(request))["Targets"]
    if targets:
        events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets], **_bus(request))
    events.delete_rule(Name=name, **_bus(request))


ADAPTER = Adapter(
    type="AWS::Events::Rule",
    properties=names("Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 64),
    gone=names("ResourceNotFoundException"),
)
