"""AWS::Lambda::Permission. Ref is the statement id; every change replaces it."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names

_VALUES = "Action EventSourceToken FunctionName FunctionUrlAuthType Principal PrincipalOrgID SourceAccount SourceArn"


def _create(request: Request) -> Made:
    request.client("lambda").add_permission(StatementId=request.name, **request.pick(*_VALUES.split()))
    request.identify(request.name)
    return Made(request.name, {"Id": request.name})


def _update(request: Request) -> Made:
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    function = request.properties["FunctionName"]
    request.client("lambda").remove_permission(FunctionName=function, StatementId=request.physical_id)


ADAPTER = Adapter(
    type="AWS::Lambda::Permission",
    properties=names(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 100),
    gone=names("ResourceNotFoundException"),
)
