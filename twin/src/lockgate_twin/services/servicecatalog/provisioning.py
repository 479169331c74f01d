"""ProvisionProduct, UpdateProvisionedProduct, TerminateProvisionedProduct.

Source: botocore (servicecatalog); Administrator Guide, "Launch Constraints".

Assumptions: tags of portfolios and products, and the aws:servicecatalog tags that AWS adds, are not put on the stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Handler, utc_now
from lockgate_twin.services.servicecatalog.errors import duplicate, invalid
from lockgate_twin.services.servicecatalog.identifiers import new_id
from lockgate_twin.services.servicecatalog.jobs import Job, Jobs
from lockgate_twin.services.servicecatalog.launch_paths import LaunchPath, LaunchPaths
from lockgate_twin.services.servicecatalog.listing import tags_of
from lockgate_twin.services.servicecatalog.lookup import named_version, version_of
from lockgate_twin.services.servicecatalog.model import (
    Artifact,
    Creator,
    Product,
    ProvisionedProduct,
    Record,
)
from lockgate_twin.services.servicecatalog.provisioned_products import named_provisioned_product
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.templates import parameters_of
from lockgate_twin.services.servicecatalog.tokens import Tokens
from lockgate_twin.services.servicecatalog.views import record_detail


class ProvisioningOperations:
    """The operations that make, change and remove provisioned products."""

    def __init__(self, state: State, tokens: Tokens, paths: LaunchPaths, jobs: Jobs) -> None:
        self._state = state
        self._tokens = tokens
        self._paths = paths
        self._jobs = jobs

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "ProvisionProduct": self.provision,
            "UpdateProvisionedProduct": self.update,
            "TerminateProvisionedProduct": self.terminate,
        }

    def provision(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Launch a version of a product; what becomes of it is told by the record."""
        _refuse(parameters)
        return self._tokens.once("ProvisionToken", parameters, call, lambda: self._provision(parameters, call))

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a provisioned product's version or parameters."""
        _refuse(parameters)
        if parameters.get("Tags"):
            raise invalid(
                "Tags cannot be updated: the product has no RESOURCE_UPDATE constraint with "
                "TagUpdateOnProvisionedProduct ALLOWED."
            )
        return self._tokens.once("UpdateToken", parameters, call, lambda: self._update(parameters, call))

    def terminate(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a provisioned product and its stack."""
        return self._tokens.once("TerminateToken", parameters, call, lambda: self._terminate(parameters, call))

    def _provision(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        product, artifact = named_version(self._state, parameters, call)
        path = self._paths.choose(product, parameters, call)
        with self._state.lock:
            provisioned = self._new(parameters, call, artifact, path)
            record = self._record("PROVISION_PRODUCT", provisioned, path.id, call)
        self._jobs.launch(self._job(record, provisioned, path.role, call), artifact)
        return {"RecordDetail": record_detail(record)}

    def _update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        before = self._named(parameters, call)
        product, artifact = self._target(before, parameters, call)
        path = self._paths.choose(product, parameters, call)
        after = replace(
            before,
            product_id=product.id,
            artifact_id=artifact.id,
            launch_role=path.role,
            parameters=_merged(before, artifact, parameters.get("ProvisioningParameters") or ()),
        )
        record = self._record("UPDATE_PROVISIONED_PRODUCT", after, path.id, call)
        self._jobs.update(self._job(record, after, path.role, call), artifact)
        return {"RecordDetail": record_detail(record)}

    def _terminate(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        provisioned = self._named(parameters, call)
        record = self._record("TERMINATE_PROVISIONED_PRODUCT", provisioned, "", call)
        self._jobs.terminate(
            self._job(record, provisioned, provisioned.launch_role, call),
            keep_stack=bool(parameters.get("RetainPhysicalResources")),
            ignore_errors=bool(parameters.get("IgnoreErrors")),
        )
        return {"RecordDetail": record_detail(record)}

    def _named(self, parameters: Mapping[str, Any], call: Call) -> ProvisionedProduct:
        identifier, name = parameters.get("ProvisionedProductId"), parameters.get("ProvisionedProductName")
        provisioned = named_provisioned_product(self._state, identifier, name, call)
        if provisioned.status == "UNDER_CHANGE":
            raise invalid(f"Provisioned product {provisioned.id} is UNDER_CHANGE; wait until that has ended.")
        return provisioned

    def _target(
        self, before: ProvisionedProduct, parameters: Mapping[str, Any], call: Call
    ) -> tuple[Product, Artifact]:
        """Return the product and version after an update; what a request leaves out stays."""
        named = {k: v for k, v in parameters.items() if k.startswith(("Product", "ProvisioningArtifact"))}
        if not {"ProductId", "ProductName"} & set(named):
            named["ProductId"] = before.product_id
        if {"ProvisioningArtifactId", "ProvisioningArtifactName"} & set(named):
            return named_version(self._state, named, call)
        product = self._state.products.get(before.product_id, call)
        return product, version_of(product, before.artifact_id)

    def _new(
        self, parameters: Mapping[str, Any], call: Call, artifact: Artifact, path: LaunchPath
    ) -> ProvisionedProduct:
        name = parameters["ProvisionedProductName"]
        if any(p.name == name for p in self._state.provisioned.of(call)):
            raise duplicate(f"A provisioned product named {name} already exists.")
        return ProvisionedProduct(
            id=new_id("pp"),
            account=call.account,
            region=call.region,
            created=utc_now(),
            name=name,
            token=parameters["ProvisionToken"],
            creator=_creator(call),
            product_id=path.product.id,
            artifact_id=artifact.id,
            launch_role=path.role,
            parameters={p["Key"]: p.get("Value", "") for p in parameters.get("ProvisioningParameters") or ()},
            tags=tags_of(parameters.get("Tags")),
        )

    def _record(self, kind: str, provisioned: ProvisionedProduct, path: str, call: Call) -> Record:
        now = utc_now()
        record = Record(
            id=new_id("rec"),
            account=call.account,
            region=call.region,
            created=now,
            updated=now,
            kind=kind,
            creator=_creator(call),
            product_name=provisioned.name,
            provisioned_product_id=provisioned.id,
            product_id=provisioned.product_id,
            artifact_id=provisioned.artifact_id,
            path_id=path,
            launch_role=provisioned.launch_role,
            tags=provisioned.tags,
        )
        return self._state.records.add(record)

    def _job(self, record: Record, provisioned: ProvisionedProduct, role: str | None, call: Call) -> Job:
        """Mark the provisioned product as under change by this record; its version changes only on success."""
        is_launch = record.kind == "PROVISION_PRODUCT"
        marks: dict[str, str] = {"status": "UNDER_CHANGE", "message": "", "last_record": record.id}
        if record.kind != "TERMINATE_PROVISIONED_PRODUCT":
            marks["last_provisioning_record"] = record.id
        target = replace(provisioned, **marks)  # type: ignore[arg-type]
        if is_launch:
            self._state.provisioned.add(target)
        else:
            self._state.provisioned.change(provisioned.id, lambda p: replace(p, **marks))  # type: ignore[arg-type]
        return Job(record=record, provisioned=target, role=role, call=call)


def _refuse(parameters: Mapping[str, Any]) -> None:
    for name in ("NotificationArns", "ProvisioningPreferences"):
        if parameters.get(name):
            raise NotImplementedByTwin(f"{name} of a provisioned product")


def _creator(call: Call) -> Creator:
    return Creator(session_arn=call.principal.arn, arn=call.principal.role_arn or call.principal.arn)


def _merged(before: ProvisionedProduct, artifact: Artifact, given: Any) -> dict[str, str]:
    """Return the parameters after an update: given ones, previous values for the rest the template still has."""
    declared = {p["ParameterKey"] for p in parameters_of(artifact.template)}
    kept = {key: value for key, value in before.parameters.items() if key in declared}
    new = {p["Key"]: p.get("Value", "") for p in given if not p.get("UsePreviousValue")}
    return {**kept, **new}
