"""Put values into a template: what its names and ARNs become for one project of one account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.template_rules import resources_of

_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True)
class Values:
    """Values of parameters, and of attributes written ``LogicalId.Attribute``; Ref of a resource is under its id."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    attributes: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """The value with Ref, Fn::Sub, Fn::GetAtt and Fn::FindInMap carried out; KeyError for what has none."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref":
                return self._named(argument)
            if key == "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda match: self._named(match[1]), argument)
            if key == "Fn::GetAtt":
                return self._named(".".join(argument))
            if key == "Fn::FindInMap":
                mapping, first, second = argument
                return self.template["Mappings"][mapping][first][second]
        return {key: self.resolve(item) for key, item in value.items()}

    def _named(self, name: str) -> str:
        return {**_PSEUDO, **self.parameters, **self.attributes}[name]


def project_values(template: dict[str, Any], name: str, project_id: str) -> Values:
    """Values of a project of this name and id, with the ARNs and names its resources get."""
    parameters = {"SageMakerProjectName": name, "SageMakerProjectId": project_id}
    named = Values(template, parameters)
    attributes = {"ArtifactBucket.Arn": f"arn:aws:s3:::sagemaker-project-{project_id}"}
    for logical_id, role in resources_of(template, "AWS::IAM::Role"):
        attributes[f"{logical_id}.Arn"] = (
            f"arn:aws:iam::111122223333:role{role['Path']}{named.resolve(role['RoleName'])}"
        )
    for key in ("Name", "BucketName", "LogGroupName"):
        for logical_id, resource in template["Resources"].items():
            if key in resource["Properties"]:
                attributes[logical_id] = named.resolve(resource["Properties"][key])
    return Values(template, parameters, attributes)
