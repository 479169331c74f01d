"""AWS::ServiceCatalog::PortfolioProductAssociation. Ref is the portfolio and the product, joined by a bar."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request
from lockgate_twin.cloudformation.resources.servicecatalog_things import MISSING

_VALUES = ("AcceptLanguage", "PortfolioId", "ProductId", "SourcePortfolioId")


def _create(request: Request) -> Made:
    physical_id = f"{request.properties['PortfolioId']}|{request.properties['ProductId']}"
    request.client("servicecatalog").associate_product_with_portfolio(**request.pick(*_VALUES))
    request.identify(physical_id)
    return Made(physical_id)


def _update(request: Request) -> Made:
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    values = request.pick("AcceptLanguage", "PortfolioId", "ProductId")
    request.client("servicecatalog").disassociate_product_from_portfolio(**values)


ADAPTER = Adapter(
    type="AWS::ServiceCatalog::PortfolioProductAssociation",
    properties=frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    gone=MISSING,
)
