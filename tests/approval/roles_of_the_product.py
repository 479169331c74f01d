"""Every role that the product makes, with what its policies and its trust say in one account and region."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.template_rules import as_list, load_template, resources_of
from tests.support.template_values import Values, project_values

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "111122223333", "us-east-1"
HUB = f"sagemaker-lockgate-hub-{ACCOUNT}-{REGION}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f9a4b0e-6f0a-4c38-9b6a-2f4d6c1b7e55"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/lockgate/sagemaker-lockgate-project-boundary"
SETTINGS = {
    "HubBucketName": HUB,
    "LogBucketName": f"sagemaker-lockgate-logs-{ACCOUNT}-{REGION}",
    "KmsKeyArn": KEY,
    "ProjectBoundaryArn": BOUNDARY,
    "BuildSeedKey": "seeds/b.zip",
    "DeploySeedKey": "seeds/d.zip",
}
NAMES = (
    "BucketName",
    "FunctionName",
    "PipelineName",
    "QueueName",
    "ManagedPolicyName",
    "LogGroupName",
    "Name",
    "RoleName",
)
KINDS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/lockgate/{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}",
}
Statements = list[dict[str, Any]]


def _values(template: Mapping[str, Any]) -> Values:
    """Names and ARNs of the resources of one of the hub's templates."""
    given = {**dict.fromkeys(template.get("Parameters", {}), "given"), **SETTINGS}
    names, arns = {}, {}
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        found = next((properties[key] for key in NAMES if key in properties), logical_id)
        name = Values(template, {**given, **names}).resolve(found)
        names[logical_id] = name
        arns[f"{logical_id}.Arn"] = KINDS.get(resource["Type"], f"arn:aws:x:{REGION}:{ACCOUNT}:{{}}").format(name)
    arns["Key.Arn"] = KEY
    return Values(template, {**names, **given}, arns)


def _attached(template: Mapping[str, Any], role: Mapping[str, Any]) -> list[Any]:
    inline = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
    refs = [one["Ref"] for one in role.get("ManagedPolicyArns", [])]
    managed = [template["Resources"][ref]["Properties"]["PolicyDocument"] for ref in refs]
    return [statement for document in (*inline, *managed) for statement in as_list(document["Statement"])]


@cache
def roles() -> dict[str, tuple[Statements, Statements]]:
    """Permissions and trust of each role, by the role's name."""
    found = {}
    for name in ("hub", "approval", "watch"):
        template = load_template(ROOT / "catalog" / f"{name}.yaml")
        values = _values(template)
        for _, role in resources_of(template, "AWS::IAM::Role"):
            trust = values.resolve(role["AssumeRolePolicyDocument"]["Statement"])
            found[role["RoleName"]] = (values.resolve(_attached(template, role)), trust)
    place = max((ROOT / "templates" / "versions").glob("*/project.template.yaml"))
    project = load_template(place) | {"Mappings": {"Hub": {"Settings": SETTINGS}}}
    values = project_values(project, "Credit", "p-idy6c3e1fiqj")
    for _, role in resources_of(project, "AWS::IAM::Role"):
        trust = values.resolve(role["AssumeRolePolicyDocument"]["Statement"])
        found[values.resolve(role["RoleName"])] = (values.resolve(_attached(project, role)), trust)
    return found


@cache
def decision_store() -> Statements:
    """The statements of the decision store's bucket policy."""
    template = load_template(ROOT / "catalog" / "approval.yaml")
    document = template["Resources"]["DecisionsPolicy"]["Properties"]["PolicyDocument"]
    found: Statements = _values(template).resolve(document["Statement"])
    return found
