"""The templates of the stacks beside the hub's, as they are deployed."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from catalog.parts import render_parts, stack_name
from catalog.sources import read_sources
from tests.catalog.fake_account import OUTPUTS
from tests.support import template_rules as rules
from tests.support.template_rules import load_template
from tests.support.template_values import Values

ROOT = Path(__file__).parents[2]


@cache
def rendered(part: str) -> str:
    """The template's text as it is deployed."""
    switched = (
        (ROOT / "catalog" / "catalog.toml").read_text(encoding="utf-8").replace("enabled = false", "enabled = true")
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "catalog.toml"
        file.write_text(switched, encoding="utf-8")
        parts = read_sources(ROOT, file).parts
    assert parts is not None
    return render_parts(parts, OUTPUTS)[stack_name(part)]


@cache
def template(part: str) -> dict[str, Any]:
    """The template as it is deployed, parsed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{part}.yaml"
        file.write_text(rendered(part), encoding="utf-8")
        return load_template(file)


def roles_with_policies(part: str) -> dict[str, Any]:
    """The template with each role's attached policies written into the role, for rules that read roles."""
    resources = dict(template(part)["Resources"])
    for name, resource in template(part)["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            attached = [resources[p["Ref"]]["Properties"] for p in resource["Properties"]["ManagedPolicyArns"]]
            policies = [{"PolicyName": "p", "PolicyDocument": p["PolicyDocument"]} for p in attached]
            resources[name] = {**resource, "Properties": {**resource["Properties"], "Policies": policies}}
    return {**template(part), "Resources": resources}


def resolved(part: str, value: Any) -> Any:
    """A value of the template in one account and region, as far as it is known before the stack exists."""
    names = {name: parameter["Default"] for name, parameter in template(part)["Parameters"].items()}
    resources = template(part)["Resources"]
    arns = {f"{name}.Arn": f"arn:aws:x:us-east-1:111122223333:{name}" for name in resources}
    logs = {
        f"{name}.Arn": f"arn:aws:logs:us-east-1:111122223333:{name}:*" for name in resources if name.endswith("Logs")
    }
    return Values(template(part), {**dict.fromkeys(resources, "name"), **names}, {**arns, **logs}).resolve(value)


def reasons(part: str, logical_id: str) -> dict[str, str]:
    """Why statements of this resource are on patterns of resources."""
    found: dict[str, str] = template(part)["Resources"][logical_id].get("Metadata", {}).get("WildcardReasons", {})
    return found


def has_wildcard(part: str, statement: rules.PolicyStatement) -> bool:
    """Whether a statement is on a pattern of resources."""
    return any("*" in text for text in rules.as_list(resolved(part, statement.resources)))


def acknowledgements(part: str, logical_id: str) -> dict[str, str]:
    """cdk-nag's id of each finding acknowledged for this resource, with the reason."""
    found: dict[str, str] = dict(template(part)["Resources"][logical_id].get("Metadata", {}).get("Acknowledged", {}))
    for statement in rules.identity_statements(template(part)):
        if statement.owner != logical_id or not statement.allows or not has_wildcard(part, statement):
            continue
        for resource in statement.resources:
            reason = reasons(part, logical_id)[statement.body["Sid"]]
            found[f"AwsSolutions-IAM5[Resource::{shown(resource)}]"] = reason
    return found


def shown(resource: Any) -> str:
    """A resource as cdk-nag names it."""
    if isinstance(resource, dict) and "Fn::GetAtt" in resource:
        return f"<{'.'.join(resource['Fn::GetAtt'])}>"
    text: str = resource if isinstance(resource, str) else resource["Fn::Sub"]
    return text.replace("${", "<").replace("}", ">")
