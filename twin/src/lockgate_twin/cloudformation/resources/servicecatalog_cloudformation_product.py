"""AWS::ServiceCatalog::CloudFormationProduct with its versions. Ref and Id are the product's id.

Source: the template reference: versions are matched by template and name and keep their ids, unless
ReplaceProvisioningArtifacts gives all of them new ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.servicecatalog_things import MISSING, tag_members

_VALUES = (
    "AcceptLanguage",
    "Description",
    "Distributor",
    "Name",
    "Owner",
    "SupportDescription",
    "SupportEmail",
    "SupportUrl",
)
_PARAMETERS = "ProvisioningArtifactParameters"
_TYPE = "CLOUD_FORMATION_TEMPLATE"


def _artifacts(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = properties.get(_PARAMETERS, [])
    if not given:
        raise HandlerFailed(f"{_PARAMETERS} must have at least one version.", "InvalidRequest")
    return [{"Type": _TYPE, **item, "Info": _info(item["Info"])} for item in given]


def _info(given: Any) -> dict[str, str]:
    found: dict[str, str] = json.loads(given) if isinstance(given, str) else dict(given)
    return found


def _create(request: Request) -> Made:
    catalog, artifacts = request.client("servicecatalog"), _artifacts(request.properties)
    created = catalog.create_product(
        ProductType=request.properties.get("ProductType", _TYPE),
        ProvisioningArtifactParameters=artifacts[0],
        IdempotencyToken=request.token,
        **request.pick(*_VALUES, "Tags"),
    )
    product = created["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    request.identify(product)
    ids = [created["ProvisioningArtifactDetail"]["Id"]]
    ids += [_add(request, product, artifact, f"{request.token}-{n}") for n, artifact in enumerate(artifacts[1:])]
    return _made(request, product, ids)


def _add(request: Request, product: str, artifact: Mapping[str, Any], token: str) -> str:
    created = request.client("servicecatalog").create_provisioning_artifact(
        ProductId=product, Parameters=artifact, IdempotencyToken=token
    )
    return str(created["ProvisioningArtifactDetail"]["Id"])


def _made(request: Request, product: str, ids: list[str]) -> Made:
    named = ",".join(artifact.get("Name", "") for artifact in _artifacts(request.properties))
    attributes = {"ProvisioningArtifactIds": ",".join(ids), "ProvisioningArtifactNames": named}
    return Made(product, {"Id": product, "ProductName": request.properties["Name"], **attributes})


def _update(request: Request) -> Made:
    catalog, product = request.client("servicecatalog"), request.physical_id
    cleared = {name: "" for name in _VALUES if name in request.previous and name not in request.properties}
    catalog.update_product(Id=product, **cleared, **request.pick(*_VALUES), **tag_members(request))
    before = _known(request)
    ids = [_matched(request, before, n, artifact) for n, artifact in enumerate(_artifacts(request.properties))]
    for stale in set(before.values()) - set(ids):
        catalog.delete_provisioning_artifact(ProductId=product, ProvisioningArtifactId=stale)
    return _made(request, product, ids)


def _known(request: Request) -> dict[str, str]:
    """Return the ids of the versions there are, by template and name."""
    ids = str(request.attributes["ProvisioningArtifactIds"]).split(",")
    return {_key(artifact): found for artifact, found in zip(_artifacts(request.previous), ids, strict=True)}


def _key(artifact: Mapping[str, Any]) -> str:
    return json.dumps([artifact["Info"], artifact.get("Name")], sort_keys=True)


def _matched(request: Request, before: Mapping[str, str], number: int, artifact: Mapping[str, Any]) -> str:
    found = before.get(_key(artifact))
    if found is None or request.properties.get("ReplaceProvisioningArtifacts"):
        return _add(request, request.physical_id, artifact, f"{request.token}-{number}")
    request.client("servicecatalog").update_provisioning_artifact(
        ProductId=request.physical_id, ProvisioningArtifactId=found, Description=artifact.get("Description", "")
    )
    return found


def _delete(request: Request) -> None:
    request.client("servicecatalog").delete_product(Id=request.physical_id)


ADAPTER = Adapter(
    type="AWS::ServiceCatalog::CloudFormationProduct",
    properties=names(f"ProductType {_PARAMETERS} ReplaceProvisioningArtifacts Tags") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    gone=MISSING,
)
