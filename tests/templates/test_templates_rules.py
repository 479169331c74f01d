"""The security rules themselves: each finds the fault it is for in a small bad template, and nothing in its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import template_rules as rules

TRUST = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
DENIAL: dict[str, Any] = {
    "Effect": "Deny",
    "Action": ["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"],
    "Resource": "*",
    "Condition": {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}},
}
GOOD_BUCKET: dict[str, Any] = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}
        ]
    },
    "VersioningConfiguration": {"Status": "Enabled"},
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    },
    "LoggingConfiguration": {"DestinationBucketName": "logs"},
    "LifecycleConfiguration": {"Rules": []},
}
TLS_ONLY: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """A template of these resources."""
    return {"Resources": resources}


def role(*statements: dict[str, Any], trust: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A template of one role with these statements."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}]
    document = {"Statement": [trusted | ({"Condition": trust} if trust else {})]}
    return template(
        Role={
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": document, "Policies": policies} | properties,
        }
    )


def bucket(policy: dict[str, Any] | None = None, deletion: str = "Retain", **changes: Any) -> dict[str, Any]:
    """A template of a good bucket with these properties changed."""
    properties = {key: value for key, value in (GOOD_BUCKET | changes).items() if value is not None}
    document = {"Statement": [policy or TLS_ONLY]}
    return template(
        Bucket={"Type": "AWS::S3::Bucket", "DeletionPolicy": deletion, "Properties": properties},
        Policy={
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document},
        },
    )


def allow(**statement: Any) -> dict[str, Any]:
    """A statement that grants."""
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/b"} | statement


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*"])
def test_patterns_of_actions_are_found(action: str) -> None:
    """A grant of ``*``, of a service or of a prefix is found; a named action and a denial are not."""
    assert rules.wildcard_actions(role(allow(Sid="A", Action=["s3:GetObject", action]))) == [
        f"Role, statement A: allows {action}; list the actions."
    ]
    assert rules.wildcard_actions(role(allow(), {"Effect": "Deny", "Action": action, "Resource": "*"})) == []


def test_grants_of_all_but_some_are_found() -> None:
    """NotAction and NotResource in a grant are found."""
    statement = {"Effect": "Allow", "NotAction": "iam:PassRole", "NotResource": "arn:aws:s3:::a"}
    assert rules.wildcard_actions(role(statement)) == [
        "Role, statement (no Sid): allows all actions but some; list the actions."
    ]
    assert rules.unreasoned_resources(role(statement), {}) == [
        "Role, statement (no Sid): allows on all resources but some; list the resources."
    ]


def test_grants_on_every_resource_are_found() -> None:
    """A grant on every resource is found unless its Sid has a reason that is not empty."""
    granted = role(allow(Sid="A", Resource=["*"]))
    finding = ["Role, statement A: allows on every resource without a reason."]
    assert rules.unreasoned_resources(granted, {}) == finding
    assert rules.unreasoned_resources(granted, {"A": ""}) == finding
    assert rules.unreasoned_resources(granted, {"A": "The call knows no resources."}) == []


def test_policies_beside_roles_are_read_too() -> None:
    """Statements of separate and managed policies count like inline ones, unless the policy is named as exempt."""
    document = {"Statement": allow(Sid="A", Action="*")}
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        separate = template(Policy={"Type": kind, "Properties": {"PolicyDocument": document}})
        assert rules.wildcard_actions(separate) == ["Policy, statement A: allows *; list the actions."]
        assert rules.wildcard_actions(separate, except_for={"Policy"}) == []


def test_roles_outside_the_boundary_are_found() -> None:
    """A role without a permissions boundary is found; one with it is not."""
    assert rules.roles_without_boundary(role(allow())) == ["Role: has no permissions boundary."]
    assert rules.roles_without_boundary(role(allow(), PermissionsBoundary="arn")) == []


def test_confused_deputies_are_found() -> None:
    """A service trusted without aws:SourceAccount is found; aws:SourceArn alone is not enough."""
    finding = ["Role: trusts codebuild.amazonaws.com without the condition aws:SourceAccount."]
    assert rules.unconditional_trusts(role(allow())) == finding
    assert rules.unconditional_trusts(role(allow(), trust={"ArnLike": {"aws:SourceArn": "arn"}})) == finding
    assert rules.unconditional_trusts(role(allow(), trust=TRUST)) == []
    assert rules.unconditional_trusts(role(allow(), trust={"StringEquals": {"AWS:SourceAccount": "1"}})) == []
    if_stated = {"StringEqualsIfExists": {"aws:SourceAccount": "1"}}
    assert rules.unconditional_trusts(role(allow(), trust=if_stated)) == finding


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}])
def test_roles_open_to_everyone_are_found(principal: Any) -> None:
    """A trust in every principal is found unless a condition limits it."""
    trusted = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    limited = trusted | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    opened = role(allow(), AssumeRolePolicyDocument={"Statement": trusted})
    assert rules.trusts_of_everyone(opened) == ["Role: trusts every principal without a condition."]
    assert rules.trusts_of_everyone(role(allow(), AssumeRolePolicyDocument={"Statement": [limited]})) == []


def test_unbound_pass_role_is_found() -> None:
    """Passing a role to any service, or any role, is found, however the action is written."""
    bound = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    passing = allow(Sid="A", Action="iam:passrole", Resource="*")
    assert rules.unbound_pass_role(role(passing)) == [
        "Role, statement A: passes a role without the condition iam:PassedToService.",
        "Role, statement A: passes any role; name the roles.",
    ]
    assert rules.unbound_pass_role(role(passing | {"Resource": "arn:role", "Condition": bound})) == []


def test_roles_that_may_approve_are_found() -> None:
    """A role without the denial of both calls and both statuses is found, each gap by name."""
    assert len(rules.roles_that_may_approve(role(allow()))) == 4
    assert rules.roles_that_may_approve(role(DENIAL)) == []
    assert rules.roles_that_may_approve(role(allow()), except_for={"Role"}) == []
    only_update = DENIAL | {"Action": ["sagemaker:UpdateModelPackage"]}
    assert rules.roles_that_may_approve(role(only_update)) == [
        f"Role: is not denied sagemaker:CreateModelPackage with the status {status}."
        for status in ("Approved", "Rejected")
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Resource": "arn:aws:sagemaker:us-east-1:1:model-package/a/*"},
        {"Condition": {"StringLike": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}}},
        {"Condition": DENIAL["Condition"] | {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_denials_with_a_hole_do_not_count(change: dict[str, Any]) -> None:
    """A denial on some versions, under a further condition, or that grants, does not keep a role from approving."""
    assert len(rules.roles_that_may_approve(role(DENIAL | change))) == 4


def test_a_denial_in_an_attached_policy_counts() -> None:
    """The denial may stand in a policy of the template attached to the role; one of another role does not count."""
    for carrier, attached_to, gaps in (
        (role(allow()), ["Role"], 0),
        (role(allow(), ManagedPolicyArns=[{"Ref": "Policy"}]), [], 0),
        (role(allow()), ["Another"], 4),
    ):
        denial = {"Roles": [{"Ref": name} for name in attached_to], "PolicyDocument": {"Statement": [DENIAL]}}
        carrier["Resources"]["Policy"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": denial}
        assert len(rules.roles_that_may_approve(carrier)) == gaps


def test_a_good_bucket_has_no_finding() -> None:
    """A bucket that keeps every rule has no finding."""
    assert rules.weak_buckets(bucket()) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"BucketEncryption": None}, "is not encrypted with a KMS key"),
        (
            {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                }
            },
            "is not encrypted with a KMS key",
        ),
        ({"VersioningConfiguration": {"Status": "Suspended"}}, "is not versioned"),
        ({"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}, "does not block all public access"),
        ({"LoggingConfiguration": None}, "is not logged"),
        ({"LifecycleConfiguration": None}, "has no lifecycle"),
        ({"deletion": "Delete"}, "is not kept when the stack goes"),
        ({"policy": TLS_ONLY | {"Effect": "Allow"}}, "may be reached without TLS"),
        ({"policy": TLS_ONLY | {"Resource": ["arn:aws:s3:::a"]}}, "may be reached without TLS"),
        ({"policy": TLS_ONLY | {"Action": "s3:PutObject"}}, "may be reached without TLS"),
        ({"policy": TLS_ONLY | {"Condition": {"Bool": {"aws:SecureTransport": True}}}}, "may be reached without TLS"),
    ],
)
def test_weak_buckets_are_found(changes: dict[str, Any], problem: str) -> None:
    """Each weakness of a bucket is found and named; a bucket named as exempt is not judged."""
    assert rules.weak_buckets(bucket(**changes)) == [f"Bucket: {problem}."]
    assert rules.weak_buckets(bucket(**changes), except_for={"Bucket"}) == []


def test_weak_pipelines_are_found() -> None:
    """A pipeline of the default type, mode and key is found; QUEUED V2 with a key is not."""
    good = {"PipelineType": "V2", "ExecutionMode": "QUEUED", "ArtifactStore": {"EncryptionKey": {"Id": "key"}}}
    kind = "AWS::CodePipeline::Pipeline"
    assert rules.weak_pipelines(template(Pipeline={"Type": kind, "Properties": good})) == []
    assert rules.weak_pipelines(template(Pipeline={"Type": kind, "Properties": {"ExecutionMode": "SUPERSEDED"}})) == [
        "Pipeline: is not of type V2.",
        "Pipeline: does not queue its executions.",
        "Pipeline: does not encrypt its artifacts with a key.",
    ]


def test_weak_builds_are_found() -> None:
    """A privileged build without key and logs is found; one with both and no privileges is not."""
    good = {"EncryptionKey": "key", "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED"}}}
    kind = "AWS::CodeBuild::Project"
    assert rules.weak_builds(template(Build={"Type": kind, "Properties": good})) == []
    assert rules.weak_builds(
        template(Build={"Type": kind, "Properties": {"Environment": {"PrivilegedMode": True}}})
    ) == [
        "Build: is not encrypted with a key.",
        "Build: is privileged.",
        "Build: writes no logs.",
    ]


def test_endless_log_groups_are_found() -> None:
    """A log group without retention is found."""
    kind = "AWS::Logs::LogGroup"
    assert rules.endless_log_groups(template(Logs={"Type": kind})) == [
        "Logs: keeps its logs for ever; set RetentionInDays."
    ]
    assert rules.endless_log_groups(template(Logs={"Type": kind, "Properties": {"RetentionInDays": 90}})) == []


def test_lossy_event_targets_are_found() -> None:
    """A target that drops events after its retries is found."""
    good = {"Id": "Router", "DeadLetterConfig": {"Arn": "queue"}, "RetryPolicy": {"MaximumRetryAttempts": 5}}
    rule = {"Type": "AWS::Events::Rule", "Properties": {"Targets": [good, {"Id": "Bare"}]}}
    assert rules.lossy_event_targets(template(Rule=rule)) == [
        "Rule, target Bare: has no DeadLetterConfig.",
        "Rule, target Bare: has no RetryPolicy.",
    ]


def test_untagged_resources_are_found() -> None:
    """A resource that lacks a tag is found, unless its type takes none."""
    bare = template(Topic={"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": "a", "Value": "1"}]}})
    assert rules.untagged(bare, ["a", "b"]) == ["Topic: lacks the tag b."]
    assert rules.untagged(bare, ["a", "b"], except_for={"AWS::SNS::Topic"}) == []


def test_short_forms_are_read(tmp_path: Path) -> None:
    """A hand-written template in CloudFormation's short forms reads as its long forms."""
    path = tmp_path / "hub.yaml"
    path.write_text(
        "A: !Ref Key\nB: !GetAtt Key.Arn\nC: !Sub 'arn:${Key}'\nD: !Join ['-', [a, !Ref B]]\n"
        "E: !If [Yes, 1, !Ref 'AWS::NoValue']\nF: !Condition Big\n",
        encoding="utf-8",
    )
    assert rules.load_template(path) == {
        "A": {"Ref": "Key"},
        "B": {"Fn::GetAtt": ["Key", "Arn"]},
        "C": {"Fn::Sub": "arn:${Key}"},
        "D": {"Fn::Join": ["-", ["a", {"Ref": "B"}]]},
        "E": {"Fn::If": [True, 1, {"Ref": "AWS::NoValue"}]},
        "F": {"Condition": "Big"},
    }
