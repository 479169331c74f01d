"""AWS::CloudFormation::WaitConditionHandle. Ref is a URL that takes signals without a signature."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request


def _create(request: Request) -> Made:
    url = request.around.signals.open(request.around.stack_id, request.logical_id, once=False)
    request.identify(url)
    return Made(url, {"Id": url})


def _update(request: Request) -> Made:
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.around.signals.close(request.physical_id)


ADAPTER = Adapter(
    type="AWS::CloudFormation::WaitConditionHandle",
    properties=frozenset(),
    create=_create,
    update=_update,
    delete=_delete,
)
