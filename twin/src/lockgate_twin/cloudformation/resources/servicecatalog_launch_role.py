"""AWS::ServiceCatalog::LaunchRoleConstraint: the role that launches a product. Ref and Id are the constraint's id."""

from __future__ import annotations

import json
from typing import Any

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.servicecatalog_things import MISSING


def _values(request: Request) -> dict[str, Any]:
    role = request.pick("RoleArn", "LocalRoleName")
    return {"Parameters": json.dumps(role), **request.pick("AcceptLanguage", "Description")}


def _create(request: Request) -> Made:
    created = request.client("servicecatalog").create_constraint(
        Type="LAUNCH",
        IdempotencyToken=request.token,
        **_values(request),
        **request.pick("PortfolioId", "ProductId"),
    )
    constraint = created["ConstraintDetail"]["ConstraintId"]
    request.identify(constraint)
    return Made(constraint, {"Id": constraint})


def _update(request: Request) -> Made:
    request.client("servicecatalog").update_constraint(Id=request.physical_id, **_values(request))
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("servicecatalog").delete_constraint(Id=request.physical_id)


ADAPTER = Adapter(
    type="AWS::ServiceCatalog::LaunchRoleConstraint",
    properties=names("AcceptLanguage Description LocalRoleName PortfolioId ProductId RoleArn"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=MISSING,
)
