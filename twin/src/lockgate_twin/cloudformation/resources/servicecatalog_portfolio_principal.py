"""AWS::ServiceCatalog::PortfolioPrincipalAssociation. Ref is the principal's ARN and the portfolio, with a bar."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request
from lockgate_twin.cloudformation.resources.servicecatalog_things import MISSING

_VALUES = ("AcceptLanguage", "PortfolioId", "PrincipalARN", "PrincipalType")


def _create(request: Request) -> Made:
    physical_id = f"{request.properties['PrincipalARN']}|{request.properties['PortfolioId']}"
    request.client("servicecatalog").associate_principal_with_portfolio(**request.pick(*_VALUES))
    request.identify(physical_id)
    return Made(physical_id)


def _update(request: Request) -> Made:
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("servicecatalog").disassociate_principal_from_portfolio(**request.pick(*_VALUES))


ADAPTER = Adapter(
    type="AWS::ServiceCatalog::PortfolioPrincipalAssociation",
    properties=frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    gone=MISSING,
)
