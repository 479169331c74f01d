"""AWS::SageMaker::Endpoint. Ref is the ARN; create, update and delete wait until SageMaker is done.

Source: the schema's handlers: create times out after 160 minutes, update after 970; "Auto-Rollback Configuration"
of the SageMaker guide: an update that is rolled back ends InService, but on the old configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names, settled
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing, is_missing, name_of

_CREATE_TIMEOUT = 160 * 60.0
_UPDATE_TIMEOUT = 970 * 60.0
_MOVING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
_OPTIONS = (
    "DeploymentConfig",
    "ExcludeRetainedVariantProperties",
    "RetainAllVariantProperties",
    "RetainDeploymentConfig",
)


def _describe(request: Request, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.client("sagemaker").describe_endpoint(EndpointName=name)
    return found


def _stable(request: Request, name: str, timeout: float) -> None:
    """Wait for the endpoint to come to rest, and make sure that it serves the configuration asked for."""
    found = settled(lambda: _describe(request, name), lambda answer: answer["EndpointStatus"] not in _MOVING, timeout)
    status, serving = found["EndpointStatus"], found.get("EndpointConfigName")
    wanted = request.properties["EndpointConfigName"]
    if status != "InService":
        reason = found.get("FailureReason") or "no reason given"
        raise HandlerFailed(f"Endpoint {name} is {status}: {reason}", "NotStabilized")
    if serving != wanted:
        reason = found.get("FailureReason") or "the update was rolled back"
        raise HandlerFailed(f"Endpoint {name} serves {serving} instead of {wanted}: {reason}", "NotStabilized")


def _create(request: Request) -> Made:
    values = request.pick("DeploymentConfig", "EndpointConfigName", "Tags")
    arn = request.client("sagemaker").create_endpoint(EndpointName=request.name, **values)["EndpointArn"]
    attributes = {"EndpointArn": arn, "EndpointName": request.name}
    request.identify(arn, attributes)
    _stable(request, request.name, _CREATE_TIMEOUT)
    return Made(arn, attributes)


def _update(request: Request) -> Made:
    name = name_of(request, "EndpointName")
    if request.changed("EndpointConfigName", *_OPTIONS) and not _serves_already(request, name):
        values = request.pick("EndpointConfigName", *_OPTIONS)
        request.client("sagemaker").update_endpoint(EndpointName=name, **values)
        _stable(request, name, _UPDATE_TIMEOUT)
    change_tags(request, request.physical_id)
    return Made(request.physical_id)


def _serves_already(request: Request, name: str) -> bool:
    """After SageMaker's own rollback there is nothing left to bring back."""
    found = _describe(request, name)
    wanted = request.properties["EndpointConfigName"]
    return bool(found["EndpointStatus"] == "InService" and found.get("EndpointConfigName") == wanted)


def _delete(request: Request) -> None:
    name = name_of(request, "EndpointName")
    with ignoring_missing():
        request.client("sagemaker").delete_endpoint(EndpointName=name)
    settled(lambda: _is_gone(request, name), bool, _CREATE_TIMEOUT)


def _is_gone(request: Request, name: str) -> bool:
    try:
        found = _describe(request, name)
    except ClientError as error:
        if is_missing(error):
            return True
        raise
    if found["EndpointStatus"] == "Failed":
        raise HandlerFailed(f"Endpoint {name} was not deleted: {found.get('FailureReason', '')}", "NotStabilized")
    return False


ADAPTER = Adapter(
    type="AWS::SageMaker::Endpoint",
    properties=names("EndpointConfigName EndpointName Tags") | frozenset(_OPTIONS),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("EndpointName", 63),
)
