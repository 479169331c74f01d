"""AWS::ServiceCatalog::Portfolio. Ref and Id are the portfolio's id."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.servicecatalog_things import MISSING, tag_members

_VALUES = ("AcceptLanguage", "Description", "DisplayName", "ProviderName")


def _create(request: Request) -> Made:
    values = request.pick(*_VALUES, "Tags")
    created = request.client("servicecatalog").create_portfolio(IdempotencyToken=request.token, **values)
    portfolio = created["PortfolioDetail"]["Id"]
    request.identify(portfolio)
    return Made(portfolio, {"Id": portfolio, "PortfolioName": request.properties["DisplayName"]})


def _update(request: Request) -> Made:
    values = {"Description": "", **request.pick(*_VALUES), **tag_members(request)}
    if "Description" not in request.previous and not values["Description"]:
        del values["Description"]
    request.client("servicecatalog").update_portfolio(Id=request.physical_id, **values)
    return Made(request.physical_id, {"PortfolioName": request.properties["DisplayName"]})


def _delete(request: Request) -> None:
    request.client("servicecatalog").delete_portfolio(Id=request.physical_id)


ADAPTER = Adapter(
    type="AWS::ServiceCatalog::Portfolio",
    properties=names("Tags") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    gone=MISSING,
)
