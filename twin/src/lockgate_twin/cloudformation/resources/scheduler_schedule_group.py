"""AWS::Scheduler::ScheduleGroup. Ref is the name; deleting waits until the group and its schedules are gone."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import (
    Adapter,
    Made,
    Request,
    exists,
    names,
    refusing_taken,
    settled,
)

_MISSING = "ResourceNotFoundException"
_TIMEOUT = 300.0


def _attributes(request: Request, name: str) -> dict[str, Any]:
    found = request.client("scheduler").get_schedule_group(Name=name)
    stamps = {key: found[key].isoformat() for key in ("CreationDate", "LastModificationDate") if key in found}
    return {"Arn": found["Arn"], "State": found["State"], **stamps}


def _create(request: Request) -> Made:
    values = request.pick("Tags")
    with refusing_taken("ConflictException"):
        request.client("scheduler").create_schedule_group(Name=request.name, ClientToken=request.token, **values)
    request.identify(request.name)
    return Made(request.name, _attributes(request, request.name))


def _update(request: Request) -> Made:
    added, removed = request.tag_changes
    if added:
        request.client("scheduler").tag_resource(ResourceArn=request.attributes["Arn"], Tags=added)
    if removed:
        request.client("scheduler").untag_resource(ResourceArn=request.attributes["Arn"], TagKeys=removed)
    return Made(request.physical_id, _attributes(request, request.physical_id))


def _delete(request: Request) -> None:
    scheduler, name = request.client("scheduler"), request.physical_id
    scheduler.delete_schedule_group(Name=name, ClientToken=request.token)
    settled(
        lambda: exists(lambda: scheduler.get_schedule_group(Name=name), _MISSING), lambda found: not found, _TIMEOUT
    )


ADAPTER = Adapter(
    type="AWS::Scheduler::ScheduleGroup",
    properties=names("Name Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 64),
    gone=names(_MISSING),
)
