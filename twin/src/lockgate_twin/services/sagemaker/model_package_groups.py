"""Model package groups and their resource policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, Principal, utc_now
from lockgate_twin.services.kept import NOT_KEPT, Kept
from lockgate_twin.services.sagemaker.errors import conflict, validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import Named, Place, named, place, user_context
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.tags import TagRegistry


@dataclass
class ModelPackageGroup(Kept):
    """A group; `versions` are its model packages by version (kept one by one, by `ModelPackages`).

    `last_version` is never given out twice: it is the higher one of what is kept here and of `versions`.
    """

    key: Named
    description: str | None
    created_by: Principal
    created: datetime = field(default_factory=utc_now)
    policy: str | None = None
    versions: dict[int, dict[str, Any]] = field(default_factory=dict, metadata=NOT_KEPT)
    last_version: int = 0

    @property
    def name(self) -> str:
        """Return the group's name."""
        return self.key.name

    @property
    def arn(self) -> str:
        """Return the group's ARN."""
        return self.key.place.arn("model-package-group", self.name)

    def described(self) -> dict[str, Any]:
        """Return DescribeModelPackageGroup's members."""
        return {**self.summary(), "CreatedBy": user_context(self.created_by)}

    def summary(self) -> dict[str, Any]:
        """Return ListModelPackageGroups' members."""
        described = {"ModelPackageGroupDescription": self.description} if self.description is not None else {}
        return {
            "ModelPackageGroupName": self.name,
            "ModelPackageGroupArn": self.arn,
            "CreationTime": self.created,
            "ModelPackageGroupStatus": "Completed",
            **described,
        }


LISTER: Lister[ModelPackageGroup] = Lister(
    "ModelPackageGroupSummaryList",
    facts=lambda group: Facts(name=group.name, created=group.created),
    summary=ModelPackageGroup.summary,
    sort_order="Ascending",
)


class ModelPackageGroups:
    """The operations on model package groups."""

    name = "sagemaker"

    def __init__(self, context: Context, tags: TagRegistry) -> None:
        self._context = context
        self._tags = tags
        self.groups: Registry[ModelPackageGroup] = Registry(context.table("sagemaker.model-package-groups"))

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateModelPackageGroup": self.create,
            "DescribeModelPackageGroup": self.describe,
            "ListModelPackageGroups": self.list_all,
            "DeleteModelPackageGroup": self.delete,
            "PutModelPackageGroupPolicy": self.put_policy,
            "GetModelPackageGroupPolicy": self.get_policy,
            "DeleteModelPackageGroupPolicy": self.delete_policy,
        }

    def find(self, call: Call, name_or_arn: str) -> ModelPackageGroup:
        """Return a group.

        Raises:
            ApiError: ValidationException when it does not exist.
        """
        key = named(call, name_or_arn)
        return self.groups.find(key, _missing(key))

    def resource_policy(self, arn: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return (the group's policy or None, its owner's account) of a group's or version's ARN, for authorization."""
        _, _, _, region, account, resource = arn.split(":", 5)
        kind, _, name = resource.partition("/")
        if kind not in {"model-package-group", "model-package"}:
            return None, account
        group = self.groups.get(Named(Place(account, region), name.partition("/")[0]))
        return (json.loads(group.policy) if group is not None and group.policy else None), account

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a group."""
        if "ManagedConfiguration" in parameters:
            raise NotImplementedByTwin("CreateModelPackageGroup with ManagedConfiguration")
        key = Named(place(call), parameters["ModelPackageGroupName"])
        group = ModelPackageGroup(key, parameters.get("ModelPackageGroupDescription"), call.principal)
        taken = validation(f"Model Package Group already exists: {group.arn}")
        if self.groups.get(key):
            raise taken
        self._tags.register_for(self._context.session(call), group.arn, parameters.get("Tags", []))
        self.groups.add(key, group, taken)
        return {"ModelPackageGroupArn": group.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a group."""
        return self.find(call, parameters["ModelPackageGroupName"]).described()

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List this account's groups."""
        if parameters.get("CrossAccountFilterOption") == "CrossAccount":
            raise NotImplementedByTwin("ListModelPackageGroups with CrossAccountFilterOption CrossAccount")
        return LISTER.page(self.groups.here(place(call)), parameters)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete an empty group."""
        group = self.find(call, parameters["ModelPackageGroupName"])
        with self.groups.lock:
            if group.versions:
                raise conflict(
                    f"Model package group {group.arn} cannot be deleted while it has {len(group.versions)} "
                    "model package(s); delete them first."
                )
            self.groups.remove(group.key, _missing(group.key))
        self._tags.forget(group.arn)
        return {}

    def put_policy(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Set the group's resource policy."""
        group = self.find(call, parameters["ModelPackageGroupName"])
        try:
            policy = json.loads(parameters["ResourcePolicy"])
        except ValueError as error:
            raise validation(f"Invalid policy document: {error}.") from error
        if not isinstance(policy, dict) or "Statement" not in policy:
            raise validation("Invalid policy document: it has no Statement.")
        group.policy = parameters["ResourcePolicy"]
        self.groups.keep(group.key, group)
        return {"ModelPackageGroupArn": group.arn}

    def get_policy(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the group's resource policy."""
        group = self.find(call, parameters["ModelPackageGroupName"])
        if group.policy is None:
            raise validation(f"Model package group {group.arn} has no resource policy.")
        return {"ResourcePolicy": group.policy}

    def delete_policy(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Remove the group's resource policy."""
        group = self.find(call, parameters["ModelPackageGroupName"])
        group.policy = None
        self.groups.keep(group.key, group)
        return {}


def _missing(key: Named) -> ApiError:
    return validation(f"ModelPackageGroup {key.place.arn('model-package-group', key.name)} does not exist.")
