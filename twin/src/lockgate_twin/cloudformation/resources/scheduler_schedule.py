"""AWS::Scheduler::Schedule. Ref is the name; the type takes no tags."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names, refusing_taken
from lockgate_twin.cloudformation.resources.api_shapes import request_members

_VALUES = (
    "Description EndDate FlexibleTimeWindow GroupName KmsKeyArn ScheduleExpression ScheduleExpressionTimezone StartDate"
    " State Target"
)


def _members(request: Request, operation: str, name: str) -> dict[str, Any]:
    values = {**request.pick(*_VALUES.split()), "Name": name, "ClientToken": request.token}
    return dict(request_members(request.client("scheduler"), operation, values))


def _create(request: Request) -> Made:
    values = _members(request, "CreateSchedule", request.name)
    with refusing_taken("ConflictException"):
        arn = request.client("scheduler").create_schedule(**values)["ScheduleArn"]
    request.identify(request.name, {"Arn": arn})
    return Made(request.name, {"Arn": arn})


def _update(request: Request) -> Made:
    """UpdateSchedule sets every parameter anew; what is not given gets its default (API reference)."""
    values = _members(request, "UpdateSchedule", request.physical_id)
    arn = request.client("scheduler").update_schedule(**values)["ScheduleArn"]
    return Made(request.physical_id, {"Arn": arn})


def _delete(request: Request) -> None:
    group = request.pick("GroupName")
    request.client("scheduler").delete_schedule(Name=request.physical_id, ClientToken=request.token, **group)


ADAPTER = Adapter(
    type="AWS::Scheduler::Schedule",
    properties=names(f"Name {_VALUES}"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 64),
    gone=names("ResourceNotFoundException"),
)
