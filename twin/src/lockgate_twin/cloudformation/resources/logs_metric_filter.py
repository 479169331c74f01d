"""AWS::Logs::MetricFilter. Ref is the filter's name. The twin keeps the filter; no metric comes of it."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, exists, names, refuse_existing
from lockgate_twin.cloudformation.resources.api_shapes import request_members

_VALUES = ("FilterPattern", "LogGroupName", "MetricTransformations")


def _put(request: Request, name: str) -> None:
    values = {**request.pick(*_VALUES), "FilterName": name}
    values["MetricTransformations"] = [_transformation(item) for item in values["MetricTransformations"]]
    request.client("logs").put_metric_filter(**request_members(request.client("logs"), "PutMetricFilter", values))


def _transformation(given: dict[str, Any]) -> dict[str, Any]:
    dimensions = {item["Key"]: item["Value"] for item in given.get("Dimensions", [])}
    return {**given, "Dimensions": dimensions} if dimensions else given


def _create(request: Request) -> Made:
    logs, group = request.client("logs"), request.properties["LogGroupName"]
    asked = {"logGroupName": group, "filterNamePrefix": request.name}
    filters = logs.describe_metric_filters(**asked)["metricFilters"]
    refuse_existing(request.name, found=any(item["filterName"] == request.name for item in filters))
    _put(request, request.name)
    request.identify(request.name)
    return Made(request.name)


def _update(request: Request) -> Made:
    _put(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    logs, group = request.client("logs"), request.properties["LogGroupName"]
    if exists(lambda: logs.describe_metric_filters(logGroupName=group), "ResourceNotFoundException"):
        logs.delete_metric_filter(logGroupName=group, filterName=request.physical_id)


ADAPTER = Adapter(
    type="AWS::Logs::MetricFilter",
    properties=names("FilterName") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("FilterName", 512),
    gone=names("ResourceNotFoundException"),
)
