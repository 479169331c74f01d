"""CloudFormation's resource provider schemas, read from the data files that cfn-lint ships.

cfn-lint is used for its data alone: importing it costs seconds, so its files are found by path.
Source: the schemas are AWS's own ("Resource type schema" of the CloudFormation CLI user guide), with cfn-lint's
additional constraints (requiredXor, requiredOr, dependentExcluded).
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lockgate_twin.errors import StartError

_DEFAULT_REGION = "us-east-1"
_CUSTOM = "AWS::CloudFormation::CustomResource"
_STACK = "AWS::CloudFormation::Stack"
_CUSTOM_NAME = re.compile(r"Custom::[\w@-]{1,60}")
_ALL_PROPERTIES = frozenset({"AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SSM::Parameter"})
_NAMES = {
    "AWS::SageMaker::CodeRepository": "CodeRepositoryName",
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::Model": "ModelName",
}


@dataclass(frozen=True)
class ResourceSchema:
    """One resource type's schema."""

    type: str
    document: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        """Return the schemas of the properties by name."""
        properties: Mapping[str, Any] = self.document["properties"]
        return properties

    @property
    def read_only(self) -> frozenset[str]:
        """Return the top-level properties that only AWS sets; a custom resource's properties are its author's."""
        if is_custom(self.type):
            return frozenset()
        return frozenset(path for path in self._paths("readOnlyProperties") if "/" not in path)

    @property
    def create_only(self) -> frozenset[str]:
        """Return the properties, as paths like `GitConfig/Branch`, whose change replaces the resource."""
        if is_custom(self.type):  # a custom resource is replaced when its provider says so, by another physical id
            return frozenset()
        return self._paths("createOnlyProperties") | self._paths("conditionalCreateOnlyProperties")

    @property
    def attributes(self) -> frozenset[str]:
        """Return the attributes that Fn::GetAtt may ask for.

        Source: "Resource attributes" of the template reference, as cfn-lint has them in its schema/_getatts.py:
        the read-only properties, for a few older types all of them or their name.
        """
        names = {path.replace("/", ".") for path in self._paths("readOnlyProperties")}
        if self.type in _ALL_PROPERTIES:
            names |= set(self.properties)
        return frozenset(names | ({_NAMES[self.type]} if self.type in _NAMES else set()))

    def has_attribute(self, name: str) -> bool:
        """Tell whether Fn::GetAtt may ask for an attribute; some are only known when it is made."""
        if self.type == _STACK and name.startswith("Outputs."):
            return True
        return is_custom(self.type) or name in self.attributes

    @property
    def tags_property(self) -> str | None:
        """Return the property that takes the stack's tags, or None for a type without tags."""
        tagging = self.document.get("tagging", {})
        if tagging.get("taggable") is False or "Tags" not in self.properties:
            return None
        return str(tagging.get("tagProperty", "/properties/Tags")).rsplit("/", 1)[-1]

    @property
    def tags_are_a_map(self) -> bool:
        """Tell whether tags are written {key: value} and not [{Key, Value}]."""
        return bool(self.properties.get("Tags", {}).get("type") == "object")

    def _paths(self, keyword: str) -> frozenset[str]:
        return frozenset(path.removeprefix("/properties/") for path in self.document.get(keyword, []))


@lru_cache
def load(resource_type: str, region: str) -> ResourceSchema | None:
    """Return a type's schema in a region, or None when AWS has no such type there."""
    digest = _index(region).get(_CUSTOM if is_custom(resource_type) else resource_type)
    if digest is None:
        return None
    return ResourceSchema(resource_type, json.loads((_data() / "resources" / f"{digest}.json").read_text("utf-8")))


def is_custom(resource_type: str) -> bool:
    """Tell whether a type is a custom resource's ("AWS::CloudFormation::CustomResource" of the template reference)."""
    return resource_type == _CUSTOM or _CUSTOM_NAME.fullmatch(resource_type) is not None


@lru_cache
def _index(region: str) -> Mapping[str, str]:
    path = _data() / "providers" / f"{region}.json"
    found = path if path.exists() else path.with_name(f"{_DEFAULT_REGION}.json")
    index: Mapping[str, str] = json.loads(found.read_text("utf-8"))
    return index


@lru_cache
def _data() -> Path:
    found = importlib.util.find_spec("cfnlint")
    if found is None or not found.submodule_search_locations:
        raise StartError("CloudFormation's resource schemas are missing: install the package cfn-lint.")
    return Path(found.submodule_search_locations[0]) / "data" / "schemas"
