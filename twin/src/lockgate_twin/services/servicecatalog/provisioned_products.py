"""Looking at provisioned products and at the records of what was done to them (botocore, servicecatalog)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate_twin.ports import Call, Handler, Principal
from lockgate_twin.services.servicecatalog.errors import invalid, not_found
from lockgate_twin.services.servicecatalog.listing import paged
from lockgate_twin.services.servicecatalog.model import Creator, ProvisionedProduct, Record
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.views import (
    provisioned_attribute,
    provisioned_detail,
    record_detail,
)

_SORTS = {"arn": "Arn", "id": "Id", "name": "Name", "lastRecordId": "LastRecordId"}
_SEARCHED = {
    "arn": "Arn",
    "createdTime": "CreatedTime",
    "id": "Id",
    "lastRecordId": "LastRecordId",
    "idempotencyToken": "IdempotencyToken",
    "name": "Name",
    "physicalId": "PhysicalId",
    "productId": "ProductId",
    "provisioningArtifactId": "ProvisioningArtifactId",
    "type": "Type",
    "status": "Status",
    "userArn": "UserArn",
    "userArnSession": "UserArnSession",
}


def named_provisioned_product(state: State, identifier: str | None, name: str | None, call: Call) -> ProvisionedProduct:
    """Return a provisioned product by id, name or ARN.

    Raises:
        ApiError: InvalidParametersException or ResourceNotFoundException.
    """
    if bool(identifier) == bool(name):
        raise invalid("You must provide either the name or the ID of the provisioned product, but not both.")
    if identifier:
        return state.provisioned.get(identifier, call)
    found = next((p for p in state.provisioned.of(call) if name in {p.name, p.arn}), None)
    if found is None:
        raise not_found(f"Provisioned product {name} not found.")
    return found


def levels(creator: Creator, principal: Principal) -> dict[str, bool]:
    """Tell at which access levels a principal has made something: Account, Role, User."""
    return {
        "Account": True,
        "Role": creator.arn == (principal.role_arn or principal.arn),
        "User": creator.session_arn == principal.arn,
    }


class ProvisionedProductOperations:
    """The operations that show provisioned products and records."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "DescribeProvisionedProduct": self.describe,
            "SearchProvisionedProducts": self.search,
            "ScanProvisionedProducts": self.scan,
            "GetProvisionedProductOutputs": self.outputs,
            "DescribeRecord": self.describe_record,
            "ListRecordHistory": self.list_record_history,
        }

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a provisioned product."""
        found = named_provisioned_product(self._state, parameters.get("Id"), parameters.get("Name"), call)
        return {"ProvisionedProductDetail": provisioned_detail(found), "CloudWatchDashboards": []}

    def search(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Find provisioned products, by default the caller's own."""
        items = [self._attribute(p, call) for p in self._mine(parameters, call)]
        queries = (parameters.get("Filters") or {}).get("SearchQuery") or ()
        chosen = [i for i in items if all(_answers(i, query) for query in queries)]
        if sort := parameters.get("SortBy"):
            if sort not in _SORTS:
                raise invalid(f"SortBy {sort} is not valid; use one of {', '.join(_SORTS)}.")
            chosen.sort(key=lambda i: str(i[_SORTS[sort]]), reverse=parameters.get("SortOrder") == "DESCENDING")
        found, more = paged(chosen, parameters)
        return {"ProvisionedProducts": found, "TotalResultsCount": len(chosen), **more}

    def scan(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List provisioned products that are not terminated, by default the caller's own."""
        found, more = paged([provisioned_detail(p) for p in self._mine(parameters, call)], parameters)
        return {"ProvisionedProducts": found, **more}

    def outputs(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show the outputs of the last successful provisioning."""
        identifier, name = parameters.get("ProvisionedProductId"), parameters.get("ProvisionedProductName")
        provisioned = named_provisioned_product(self._state, identifier, name, call)
        record = self._state.records.find(provisioned.last_successful_record)
        wanted = parameters.get("OutputKeys")
        listed = [dict(o) for o in (record.outputs if record else ())]
        found, more = paged([o for o in listed if not wanted or o["OutputKey"] in wanted], parameters)
        return {"Outputs": found, **more}

    def describe_record(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show what became of a request."""
        record = self._state.records.get(parameters["Id"], call)
        found, more = paged([dict(o) for o in record.outputs], parameters)
        return {"RecordDetail": record_detail(record), "RecordOutputs": found, **more}

    def list_record_history(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List records, newest first, by default the caller's own."""
        level = _level(parameters)
        records = [r for r in self._state.records.of(call) if levels(r.creator, call.principal)[level]]
        search = parameters.get("SearchFilter") or {}
        chosen = [r for r in reversed(records) if _is_about(r, search)]
        found, more = paged([record_detail(r) for r in chosen], parameters)
        return {"RecordDetails": found, **more}

    def _mine(self, parameters: Mapping[str, Any], call: Call) -> list[ProvisionedProduct]:
        level = _level(parameters)
        return [p for p in self._state.provisioned.of(call) if levels(p.creator, call.principal)[level]]

    def _attribute(self, provisioned: ProvisionedProduct, call: Call) -> dict[str, Any]:
        shown = provisioned_attribute(provisioned)
        product = next((p for p in self._state.products.of(call) if p.id == provisioned.product_id), None)
        artifacts: Sequence[Any] = product.artifacts if product else ()
        artifact = next((a for a in artifacts if a.id == provisioned.artifact_id), None)
        if product:
            shown["ProductName"] = product.name
        if artifact and artifact.name:
            shown["ProvisioningArtifactName"] = artifact.name
        return shown


def _level(parameters: Mapping[str, Any]) -> str:
    """Return the access level of a request; the default is the user's own (botocore, AccessLevelFilter)."""
    chosen = parameters.get("AccessLevelFilter") or {}
    if chosen.get("Value", "self") != "self":
        raise invalid(f"The value {chosen['Value']} of AccessLevelFilter is not valid; the only value is self.")
    return str(chosen.get("Key", "User"))


def _answers(item: Mapping[str, Any], query: str) -> bool:
    name, colon, wanted = query.partition(":")
    if not colon or name not in _SEARCHED:
        return any(query.lower() in str(value).lower() for value in item.values())
    return str(item.get(_SEARCHED[name], "")).lower() == wanted.strip('"').lower()


def _is_about(record: Record, search: Mapping[str, str]) -> bool:
    key, value = search.get("Key"), search.get("Value")
    if key is None:
        return True
    if key == "product":
        return record.product_id == value
    if key == "provisionedproduct":
        return record.provisioned_product_id == value
    raise invalid(f"The key {key} of SearchFilter is not valid; use product or provisionedproduct.")
