"""Projects from Service Catalog products: everything is done with the caller's own permissions.

Source: SageMaker Developer Guide, "Create Custom Project Templates", and botocore (CreateProject: the latest version
is used if none is given): SageMaker fills SageMakerProjectName and SageMakerProjectId and tags what it provisions.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from lockgate_twin.ports import Call, Context
from lockgate_twin.services.sagemaker_projects.model import Project, State, own_parameters, project_tags
from lockgate_twin.services.sagemaker_projects.refusals import told_by_sagemaker, validation
from lockgate_twin.services.servicecatalog.model import ProvisionedProduct, Record

End = Callable[[Project, State, str], None]


class CatalogPort(Protocol):
    """What is needed of Service Catalog besides its API."""

    def on_end(self, record_id: str, tell: Callable[[Record], None]) -> None:
        """Call `tell` once with a record when its work has ended."""
        ...

    def provisioned_product(self, identifier: str) -> ProvisionedProduct | None:
        """Return a provisioned product, or None if there is none (any more)."""
        ...

    def latest_artifact(self, product_id: str) -> str | None:
        """Return the id of the newest active version of a product, or None."""
        ...


class CatalogProjects:
    """Provisions, updates and terminates the products of projects. `end` notes how it ended."""

    def __init__(self, context: Context, catalog: CatalogPort, end: End) -> None:
        self._context = context
        self._catalog = catalog
        self._end = end

    def create(self, project: Project, tags: Mapping[str, str], call: Call) -> tuple[Project, str]:
        """Start provisioning; return the project with its provisioned product, and the record's id.

        Raises:
            ApiError: ValidationException, or AccessDeniedException if the caller may not launch products.
        """
        details = {**project.details, "ProvisioningArtifactId": self._artifact(project.details)}
        own = own_parameters(project.name, project.id)
        given = _given(details, own)
        path = {"PathId": details["PathId"]} if details.get("PathId") else {}
        with told_by_sagemaker():
            record = self._client(call).provision_product(
                ProductId=details["ProductId"],
                ProvisioningArtifactId=details["ProvisioningArtifactId"],
                ProvisionedProductName=f"{project.name}-{project.id}",
                ProvisioningParameters=_listed({**own, **given}),
                ProvisionToken=str(uuid.uuid4()),
                Tags=project_tags(project.name, project.id, tags),
                **path,
            )["RecordDetail"]
        made = replace(project, details=details, provisioned_product=record["ProvisionedProductId"])
        return made, str(record["RecordId"])

    def update(self, project: Project, parameters: Mapping[str, Any], call: Call) -> tuple[Project, str]:
        """Start an update of version, parameters or tags; return the changed project and the record's id.

        Raises:
            ApiError: ValidationException or AccessDeniedException.
        """
        change = parameters.get("ServiceCatalogProvisioningUpdateDetails") or {}
        own = own_parameters(project.name, project.id)
        given = _given(change, own)
        request: dict[str, Any] = {"ProvisioningParameters": _listed({**own, **given})}
        if change.get("ProvisioningArtifactId"):
            request["ProvisioningArtifactId"] = change["ProvisioningArtifactId"]
        if parameters.get("Tags"):
            request["Tags"] = parameters["Tags"]
        with told_by_sagemaker():
            record = self._client(call).update_provisioned_product(
                ProvisionedProductId=project.provisioned_product, UpdateToken=str(uuid.uuid4()), **request
            )["RecordDetail"]
        return replace(project, details={**project.details, **_changed(project.details, change)}), record["RecordId"]

    def delete(self, project: Project, call: Call) -> str | None:
        """Start termination; return the record's id, or None if there is nothing left to terminate.

        Raises:
            ApiError: ValidationException or AccessDeniedException.
        """
        if self._catalog.provisioned_product(str(project.provisioned_product)) is None:
            return None
        with told_by_sagemaker():
            record = self._client(call).terminate_provisioned_product(
                ProvisionedProductId=project.provisioned_product, TerminateToken=str(uuid.uuid4())
            )["RecordDetail"]
        return str(record["RecordId"])

    def follow(self, project: Project, record_id: str) -> None:
        """Note the end of the project's operation when the record ends."""
        self._catalog.on_end(record_id, lambda record: self._ended(project, record))

    def _ended(self, project: Project, record: Record) -> None:
        if record.status == "SUCCEEDED":
            self._end(project, "Completed", "")
        else:
            said = "; ".join(text for _, text in record.errors)
            self._end(project, "Failed", f"Provisioning failed with error: {said}")

    def _artifact(self, details: Mapping[str, Any]) -> str:
        found = details.get("ProvisioningArtifactId") or self._catalog.latest_artifact(details["ProductId"])
        if not found:
            raise validation(f"Product {details['ProductId']} does not exist or access was denied")
        return str(found)

    def _client(self, call: Call) -> Any:
        return self._context.session(call).client("servicecatalog")


def _given(details: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's parameters.

    Assumption: SageMaker's own two cannot be given by the caller.
    """
    given = {p["Key"]: p.get("Value", "") for p in details.get("ProvisioningParameters") or ()}
    if reserved := sorted(set(given) & set(own)):
        raise validation(f"The parameter {', '.join(reserved)} is set by SageMaker; leave it out.")
    return given


def _listed(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def _changed(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = {
        p["Key"]: p
        for p in (*(before.get("ProvisioningParameters") or ()), *(change.get("ProvisioningParameters") or ()))
    }
    version = change.get("ProvisioningArtifactId") or before["ProvisioningArtifactId"]
    return {"ProvisioningArtifactId": version, "ProvisioningParameters": list(merged.values())}
