"""Model packages: the versions of a model package group, their approval and their events."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from lockgate_twin.authorization.sagemaker_keys import package_keys
from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, Session, utc_now
from lockgate_twin.services.sagemaker import model_data, package_cards
from lockgate_twin.services.sagemaker.errors import limit, validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.model_card_schema import metadata_only
from lockgate_twin.services.sagemaker.model_package_events import state_change, updated_fields
from lockgate_twin.services.sagemaker.model_package_groups import ModelPackageGroup, ModelPackageGroups
from lockgate_twin.services.sagemaker.names import Named, Place, named, user_context

Package = dict[str, Any]
MAX_CUSTOMER_METADATA = 50
NOT_KEPT = frozenset({"ClientToken", "Tags", "ModelPackageName"})
REPLACED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
REFUSED = ("SourceAlgorithmSpecification", "ValidationSpecification", "ManagedStorageType")


def _facts(package: Package) -> Facts:
    name, version = package["ModelPackageGroupName"], package["ModelPackageVersion"]
    return Facts(name=name, created=package["CreationTime"], serial=version)


def _summary(package: Package) -> dict[str, Any]:
    members = (
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "ModelPackageDescription",
        "CreationTime",
        "ModelPackageStatus",
        "ModelApprovalStatus",
        "ModelLifeCycle",
        "ModelPackageRegistrationType",
    )
    return {name: package[name] for name in members if name in package}


LISTER: Lister[Package] = Lister("ModelPackageSummaryList", facts=_facts, summary=_summary, sort_order="Ascending")


class ModelPackages:
    """The operations on model packages."""

    name = "sagemaker"

    def __init__(self, context: Context, groups: ModelPackageGroups) -> None:
        self._context = context
        self._groups = groups
        self._table = context.table("sagemaker.model-packages")
        self._load()

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list_all,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def find(self, call: Call, name_or_arn: str) -> Package:
        """Return a package by ARN or by "<group>/<version>".

        Raises:
            ApiError: ValidationException when it does not exist.
        """
        _, package = self._located(call, name_or_arn)
        return package

    def condition_keys(self, arn: str) -> dict[str, Any]:
        """Return the condition keys that a version itself gives: its life cycle and custom metadata, as they are."""
        _, _, _, region, account, resource = arn.split(":", 5)
        kind, _, name = resource.partition("/")
        group_name, _, version = name.rpartition("/")
        group = self._groups.groups.get(Named(Place(account, region), group_name)) if kind == "model-package" else None
        package = group.versions.get(int(version)) if group and version.isdigit() else None
        return package_keys(package) if package else {}

    def _located(self, call: Call, name_or_arn: str) -> tuple[ModelPackageGroup, Package]:
        key = named(call, name_or_arn)
        group_name, _, version = key.name.rpartition("/")
        group = self._groups.groups.get(type(key)(key.place, group_name))
        package = group.versions.get(int(version)) if group and version.isdigit() else None
        if group is None or package is None:
            raise validation(f"ModelPackage {key.place.arn('model-package', key.name)} does not exist.")
        return group, package

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Register the next version of a group; every field of the request is kept.

        Raises:
            ApiError: ValidationException for an unknown group, tags, or model data that does not exist.
        """
        _check_create(parameters)
        group = self._groups.find(call, parameters["ModelPackageGroupName"])
        described = copy.deepcopy({k: v for k, v in parameters.items() if k not in NOT_KEPT})
        _check_model_data(self._context.session(call), described.get("InferenceSpecification", {}))
        now, who = utc_now(), user_context(call.principal)
        with self._groups.groups.lock:
            group.last_version += 1
            version = group.last_version
            package: Package = {
                "ModelApprovalStatus": "PendingManualApproval",
                "CertifyForMarketplace": False,
                **described,
                "ModelPackageGroupName": group.name,
                "ModelPackageVersion": version,
                "ModelPackageArn": group.key.place.arn("model-package", f"{group.name}/{version}"),
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
                "CreationTime": now,
                "CreatedBy": who,
                "LastModifiedTime": now,
                "LastModifiedBy": who,
            }
            self._keep(group, package)
        self._context.emit(state_change(group.key.place, package))
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a package; MetadataOnly leaves only the risk rating in the model card."""
        package = copy.deepcopy(self.find(call, parameters["ModelPackageName"]))
        if parameters.get("IncludedData") == "MetadataOnly" and "ModelCard" in package:
            package["ModelCard"]["ModelCardContent"] = metadata_only(package["ModelCard"]["ModelCardContent"])
        return package

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List packages, oldest first unless asked otherwise (unlike what many consumers expect).

        Without a group only unversioned packages are listed, of which the twin has none (ModelPackageType's default).
        """
        wanted = parameters.get("ModelApprovalStatus")
        packages = [
            package
            for group in self._listed_groups(parameters, call)
            for package in list(group.versions.values())
            if wanted in {None, package["ModelApprovalStatus"]}
        ]
        return LISTER.page(packages, parameters)

    def _listed_groups(self, parameters: Mapping[str, Any], call: Call) -> list[ModelPackageGroup]:
        if "ModelPackageGroupName" in parameters:
            return [self._groups.find(call, parameters["ModelPackageGroupName"])]
        if parameters.get("ModelPackageType", "Unversioned") == "Unversioned":
            return []
        return self._groups.groups.here(named(call, "").place)

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change what may change, merge the customer metadata, and emit the event that lists the fields."""
        arn = parameters["ModelPackageArn"]
        group, package = self._located(call, arn)
        _check_model_data(self._context.session(call), parameters.get("InferenceSpecification", {}))
        with self._groups.groups.lock:
            changed = copy.deepcopy({name: parameters[name] for name in REPLACED if name in parameters})
            changed |= _metadata(package, parameters) | package_cards.updated(package, parameters)
            if added := parameters.get("AdditionalInferenceSpecificationsToAdd"):
                known = package.get("AdditionalInferenceSpecifications", [])
                changed["AdditionalInferenceSpecifications"] = [*known, *copy.deepcopy(added)]
            changed |= {"LastModifiedTime": utc_now(), "LastModifiedBy": user_context(call.principal)}
            updated = {**package, **changed}
            self._keep(group, updated)
        self._context.emit(state_change(group.key.place, updated, updated_fields(parameters)))
        return {"ModelPackageArn": updated["ModelPackageArn"]}

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a package; its version number is not given out again."""
        group, package = self._located(call, parameters["ModelPackageName"])
        with self._groups.groups.lock:
            if group.versions.pop(package["ModelPackageVersion"], None):
                self._groups.groups.keep(group.key, group)
                self._table.remove(package["ModelPackageArn"])
        return {}

    def _keep(self, group: ModelPackageGroup, package: Package) -> None:
        """Keep one version, alone: a group may have thousands. Hold the groups' lock."""
        self._table.put(package["ModelPackageArn"], package)
        group.versions[package["ModelPackageVersion"]] = package

    def _load(self) -> None:
        for arn, package in self._table.items():
            _, _, _, region, account, _ = arn.split(":", 5)
            group = self._groups.groups.get(Named(Place(account, region), package["ModelPackageGroupName"]))
            if group is None:
                continue
            group.versions[package["ModelPackageVersion"]] = package
            group.last_version = max(group.last_version, package["ModelPackageVersion"])


def _check_create(parameters: Mapping[str, Any]) -> None:
    if "ModelPackageGroupName" not in parameters:
        raise NotImplementedByTwin("CreateModelPackage without ModelPackageGroupName (an unversioned package)")
    if "ModelPackageName" in parameters:
        raise validation("Both ModelPackageName and ModelPackageGroupName are specified; give only one of them.")
    if parameters.get("Tags"):
        raise validation("Tags cannot be supplied for a versioned model package; it uses its group's tags.")
    if refused := [name for name in REFUSED if name in parameters]:
        raise NotImplementedByTwin(f"CreateModelPackage with {', '.join(refused)}")
    if "InferenceSpecification" not in parameters and "SourceUri" not in parameters:
        raise validation("InferenceSpecification is required to create a model package version.")
    package_cards.check_registered(parameters)


def _check_model_data(session: Session, specification: dict[str, Any]) -> None:
    for container in specification.get("Containers", []):
        if url := container.get("ModelDataUrl"):
            container["ModelDataETag"] = model_data.etag(session, url)


def _metadata(package: Package, parameters: Mapping[str, Any]) -> dict[str, Any]:
    removed = parameters.get("CustomerMetadataPropertiesToRemove", [])
    added = parameters.get("CustomerMetadataProperties", {})
    if not removed and not added:
        return {}
    known: dict[str, str] = package.get("CustomerMetadataProperties", {})
    merged = {**{k: v for k, v in known.items() if k not in removed}, **added}
    if len(merged) > MAX_CUSTOMER_METADATA:
        raise limit(f"A model package has at most {MAX_CUSTOMER_METADATA} CustomerMetadataProperties.")
    return {"CustomerMetadataProperties": merged}
