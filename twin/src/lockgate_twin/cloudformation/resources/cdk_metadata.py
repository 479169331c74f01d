"""AWS::CDK::Metadata: what the CDK notes about itself. Nothing is made outside the stack."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names


def _create(request: Request) -> Made:
    request.identify(request.name)
    return Made(request.name)


def _update(request: Request) -> Made:
    return Made(request.physical_id)


def _delete(_: Request) -> None:
    return None


ADAPTER = Adapter(
    type="AWS::CDK::Metadata",
    properties=names("Analytics Modules"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 255),
)
