"""AWS::Lambda::EventInvokeConfig. Ref is the function and the qualifier, joined by a bar."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, exists, names, refuse_existing

_VALUES = ("DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
_MISSING = "ResourceNotFoundException"


def _which(request: Request) -> dict[str, Any]:
    return request.pick("FunctionName", "Qualifier")


def _create(request: Request) -> Made:
    client, which = request.client("lambda"), _which(request)
    physical_id = f"{which['FunctionName']}|{which['Qualifier']}"
    found = exists(lambda: client.get_function_event_invoke_config(**which), _MISSING)
    refuse_existing(physical_id, found=found)
    client.put_function_event_invoke_config(**which, **request.pick(*_VALUES))
    request.identify(physical_id)
    return Made(physical_id)


def _update(request: Request) -> Made:
    request.client("lambda").put_function_event_invoke_config(**_which(request), **request.pick(*_VALUES))
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("lambda").delete_function_event_invoke_config(**_which(request))


ADAPTER = Adapter(
    type="AWS::Lambda::EventInvokeConfig",
    properties=names("FunctionName Qualifier") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names(_MISSING),
)
