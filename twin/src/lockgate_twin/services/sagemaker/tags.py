"""Tags of every SageMaker resource: AddTags, ListTags, DeleteTags."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler, Session, Table
from lockgate_twin.services.sagemaker.errors import limit, validation

MAX_TAGS = 50
Tags = Sequence[Mapping[str, str]]


class TagRegistry:
    """The tags of taggable resources by ARN (any case). A resource is taggable from `register` to `forget`."""

    def __init__(self, table: Table) -> None:
        self._lock = threading.Lock()
        self._table = table
        self._tags: dict[str, dict[str, str]] = dict(table.items())

    def register(self, arn: str, tags: Tags = ()) -> None:
        """Make a new resource taggable, with its first tags.

        Raises:
            ApiError: ValidationException for duplicate keys.
        """
        found = checked(tags)
        with self._lock:
            self._keep(arn, found)

    def register_for(self, session: Session, arn: str, tags: Tags) -> None:
        """Make a new resource taggable; tags in a Create request need sagemaker:AddTags (Developer Guide, IAM).

        Raises:
            ApiError: AccessDenied, or ValidationException for duplicate keys.
        """
        if tags:
            session.require("sagemaker:AddTags", arn)
        self.register(arn, tags)

    def forget(self, arn: str) -> None:
        """A deleted resource has no tags."""
        with self._lock:
            self._table.remove(arn.lower())
            self._tags.pop(arn.lower(), None)

    def add(self, arn: str, tags: Tags) -> None:
        """Add tags or change their values.

        Raises:
            ApiError: ValidationException for an unknown resource, ResourceLimitExceeded above 50 tags.
        """
        added = checked(tags)
        with self._lock:
            merged = {**self._of(arn), **added}
            if len(merged) > MAX_TAGS:
                raise limit(f"A resource can have {MAX_TAGS} tags; this would make {len(merged)}.")
            self._keep(arn, merged)

    def remove(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags; keys that are not there do not matter.

        Raises:
            ApiError: ValidationException for an unknown resource.
        """
        with self._lock:
            self._keep(arn, {k: v for k, v in self._of(arn).items() if k not in keys})

    def of(self, arn: str) -> dict[str, str]:
        """Return a resource's tags.

        Raises:
            ApiError: ValidationException for an unknown resource.
        """
        with self._lock:
            return dict(self._of(arn))

    def known(self, arn: str) -> dict[str, str]:
        """Return a resource's tags, none for a resource that does not exist: what aws:ResourceTag is judged by.

        A model version has its group's (SageMaker Developer Guide, "Model Registry Models, Model Versions, and Model
        Groups": versions cannot be tagged, they inherit the tags of their group).
        """
        key = arn.lower()
        if ":model-package/" in key:
            key = key.replace(":model-package/", ":model-package-group/").rpartition("/")[0]
        with self._lock:
            return dict(self._tags.get(key, {}))

    def _keep(self, arn: str, tags: dict[str, str]) -> None:
        self._table.put(arn.lower(), tags)
        self._tags[arn.lower()] = tags

    def _of(self, arn: str) -> dict[str, str]:
        found = self._tags.get(arn.lower())
        if found is None:
            raise validation(f'Could not find a resource with ARN "{arn}" that has tags.')
        return found


def checked(tags: Tags) -> dict[str, str]:
    """Return tags as a mapping.

    Raises:
        ApiError: ValidationException for duplicate keys.
    """
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len(found) != len(tags):
        raise validation("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return found


class Tagging:
    """The tag operations."""

    name = "sagemaker"

    def __init__(self, tags: TagRegistry) -> None:
        self._tags = tags

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {"AddTags": self.add_tags, "ListTags": self.list_tags, "DeleteTags": self.delete_tags}

    def add_tags(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Add tags and return all of them."""
        arn = parameters["ResourceArn"]
        self._tags.add(arn, parameters["Tags"])
        return {"Tags": _listed(self._tags.of(arn))}

    def list_tags(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Return a resource's tags, all in one page (a resource has at most 50)."""
        if "NextToken" in parameters:
            raise ApiError("ValidationException", "Invalid NextToken; ListTags answers in one page.")
        return {"Tags": _listed(self._tags.of(parameters["ResourceArn"]))}

    def delete_tags(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Remove tags by key."""
        self._tags.remove(parameters["ResourceArn"], parameters["TagKeys"])
        return {}


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
