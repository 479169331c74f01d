"""The hub's template for tests: as deployed, parsed, and with the values of one account."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from catalog.hub_template import render_hub_template
from tests.catalog.fake_account import OUTPUTS
from tests.support.template_rules import load_template
from tests.support.template_values import Values

CATALOG = Path(__file__).parents[2] / "catalog"
HUB_FILE, ROUTER_FILE = CATALOG / "hub.yaml", CATALOG / "router.py"

_NAMES = {
    "HubBucket": OUTPUTS["HubBucketName"],
    "LogBucket": OUTPUTS["LogBucketName"],
    "ProjectBoundary": OUTPUTS["ProjectBoundaryArn"],
    "DeadLetters": "https://sqs.us-east-1.amazonaws.com/111122223333/sagemaker-lockgate-router-dlq",
}
_ATTRIBUTES = {
    "Key.Arn": OUTPUTS["KmsKeyArn"],
    "HubBucket.Arn": f"arn:aws:s3:::{OUTPUTS['HubBucketName']}",
    "LogBucket.Arn": f"arn:aws:s3:::{OUTPUTS['LogBucketName']}",
    "DeadLetters.Arn": "arn:aws:sqs:us-east-1:111122223333:sagemaker-lockgate-router-dlq",
    "RouterLogs.Arn": "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/sagemaker-lockgate-router:*",
    "PushRule.Arn": "arn:aws:events:us-east-1:111122223333:rule/sagemaker-lockgate-push",
    "ApprovalRule.Arn": "arn:aws:events:us-east-1:111122223333:rule/sagemaker-lockgate-approval",
}


@cache
def rendered_hub() -> str:
    """The template's text as it is deployed."""
    return render_hub_template(HUB_FILE.read_text(encoding="utf-8"), ROUTER_FILE.read_text(encoding="utf-8"))


@cache
def hub() -> dict[str, Any]:
    """The template as it is deployed, parsed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hub.yaml"
        file.write_text(rendered_hub(), encoding="utf-8")
        return load_template(file)


def resolved(value: Any) -> Any:
    """A value of the template in one account and region."""
    return Values(hub(), _NAMES, _ATTRIBUTES).resolve(value)


def policy(logical_id: str) -> list[Mapping[str, Any]]:
    """The statements of a managed policy of the hub, in one account and region."""
    properties = hub()["Resources"][logical_id]["Properties"]
    statements: list[Mapping[str, Any]] = resolved(properties["PolicyDocument"])["Statement"]
    return statements


def with_policies_in_roles() -> dict[str, Any]:
    """The template with each role's attached policies written into the role, for rules that read roles."""
    template = hub()
    resources = dict(template["Resources"])
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            attached = [resources[p["Ref"]]["Properties"] for p in resource["Properties"]["ManagedPolicyArns"]]
            policies = [{"PolicyName": "p", "PolicyDocument": p["PolicyDocument"]} for p in attached]
            resources[name] = {**resource, "Properties": {**resource["Properties"], "Policies": policies}}
    return {**template, "Resources": resources}
