"""AWS::CloudWatch::Dashboard. Ref is the name."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, exists, names, refuse_existing

_MISSING = ("ResourceNotFound", "ResourceNotFoundException", "DashboardNotFoundError")


def _put(request: Request, name: str) -> None:
    request.client("cloudwatch").put_dashboard(DashboardName=name, **request.pick("DashboardBody", "Tags"))


def _create(request: Request) -> Made:
    cloudwatch, name = request.client("cloudwatch"), request.name
    refuse_existing(name, found=exists(lambda: cloudwatch.get_dashboard(DashboardName=name), *_MISSING))
    _put(request, name)
    request.identify(name)
    return Made(name)


def _update(request: Request) -> Made:
    _put(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("cloudwatch").delete_dashboards(DashboardNames=[request.physical_id])


ADAPTER = Adapter(
    type="AWS::CloudWatch::Dashboard",
    properties=names("DashboardBody DashboardName Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("DashboardName", 255),
    gone=frozenset(_MISSING),
)
