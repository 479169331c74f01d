"""Security rules over a parsed CloudFormation template: each function returns its findings, a sentence each.

The rules read properties, never logical ids, so they hold for a synthesized and for a hand-written template alike.
``except_for`` names logical ids a rule does not apply to; a caller that uses it states why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Template = Mapping[str, Any]
Resource = Mapping[str, Any]
Findings = list[str]

APPROVAL_ACTIONS = ("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage")
APPROVAL_KEY = "sagemaker:ModelApprovalStatus"


@dataclass(frozen=True, kw_only=True)
class PolicyStatement:
    """One statement of an identity policy and the logical id of the resource that carries it."""

    owner: str
    body: Mapping[str, Any]

    @property
    def actions(self) -> list[str]:
        """The statement's actions."""
        return as_list(self.body.get("Action", []))

    @property
    def resources(self) -> list[Any]:
        """The statement's resources, texts or intrinsics."""
        return as_list(self.body.get("Resource", []))

    @property
    def allows(self) -> bool:
        """Whether the statement grants."""
        return bool(self.body["Effect"] == "Allow")

    def __str__(self) -> str:
        return f"{self.owner}, statement {self.body.get('Sid', '(no Sid)')}"


class _CloudFormationLoader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !Sub, !GetAtt a.b) as their long forms."""


def _short_form(loader: _CloudFormationLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    key = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {key: str(text).split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    return {key: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_CloudFormationLoader.add_multi_constructor("!", _short_form)


def load_template(path: Path) -> dict[str, Any]:
    """Read a template file, with or without short-form intrinsics."""
    template: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_CloudFormationLoader)  # noqa: S506
    return template


def as_list(value: Any) -> list[Any]:
    """The value as a list: IAM takes one or many everywhere."""
    return list(value) if isinstance(value, list | tuple) else [value]


def resources_of(template: Template, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Logical id and properties of each resource of these types."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in types:
            yield logical_id, resource.get("Properties", {})


def identity_statements(template: Template, *, except_for: Collection[str] = ()) -> Iterator[PolicyStatement]:
    """Every statement of every identity policy: inline policies of roles, policies and managed policies."""
    for logical_id, properties in resources_of(template, "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        for policy in properties.get("Policies", []):
            yield from _statements(logical_id, policy["PolicyDocument"])
    for logical_id, properties in resources_of(template, "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        if logical_id not in except_for:
            yield from _statements(logical_id, properties["PolicyDocument"])


def statements_of_role(template: Template, role: str) -> Iterator[PolicyStatement]:
    """Every statement of the role's policies: inline, or in a policy of the template attached on either side by Ref."""
    carrier = template["Resources"][role].get("Properties", {})
    for policy in carrier.get("Policies", []):
        yield from _statements(role, policy["PolicyDocument"])
    for logical_id, properties in resources_of(template, "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        attached = {"Ref": logical_id} in carrier.get("ManagedPolicyArns", [])
        if attached or {"Ref": role} in properties.get("Roles", []):
            yield from _statements(logical_id, properties["PolicyDocument"])


def trust_statements(template: Template) -> Iterator[PolicyStatement]:
    """Every statement of every role's trust policy."""
    for logical_id, properties in resources_of(template, "AWS::IAM::Role"):
        yield from _statements(logical_id, properties["AssumeRolePolicyDocument"])


def wildcard_actions(template: Template, *, except_for: Collection[str] = ()) -> Findings:
    """No grant of a pattern of actions (``*``, ``service:*``, ``service:Get*``) nor of all but some."""
    findings = []
    for statement in identity_statements(template, except_for=except_for):
        if statement.allows and "NotAction" in statement.body:
            findings.append(f"{statement}: allows all actions but some; list the actions.")
        findings += [
            f"{statement}: allows {action}; list the actions."
            for action in statement.actions
            if statement.allows and "*" in action
        ]
    return findings


def unreasoned_resources(
    template: Template, reasons: Mapping[str, str], *, except_for: Collection[str] = ()
) -> Findings:
    """A grant on every resource only in a statement whose Sid has a reason; no grant on all resources but some."""
    findings = []
    for statement in identity_statements(template, except_for=except_for):
        if not statement.allows:
            continue
        if "NotResource" in statement.body:
            findings.append(f"{statement}: allows on all resources but some; list the resources.")
        if "*" in statement.resources and not reasons.get(statement.body.get("Sid", "")):
            findings.append(f"{statement}: allows on every resource without a reason.")
    return findings


def roles_without_boundary(template: Template) -> Findings:
    """Every role carries a permissions boundary."""
    return [
        f"{logical_id}: has no permissions boundary."
        for logical_id, properties in resources_of(template, "AWS::IAM::Role")
        if not properties.get("PermissionsBoundary")
    ]


SILENT_ABOUT_ACCOUNT = {"codepipeline.amazonaws.com", "servicecatalog.amazonaws.com"}
"""Services that do not document aws:SourceAccount when they assume a role: it must be right if they state it."""


def unconditional_trusts(template: Template) -> Findings:
    """A service is trusted only on behalf of a named account (aws:SourceAccount): the confused deputy's remedy."""
    return [
        f"{statement.owner}: trusts {service} without the condition aws:SourceAccount."
        for statement in trust_statements(template)
        if statement.allows
        for service in as_list(_principal(statement).get("Service", []))
        if not condition_values(statement.body, _account_operator(service), "aws:SourceAccount")
    ]


def _account_operator(service: str) -> str:
    return "StringEqualsIfExists" if service in SILENT_ABOUT_ACCOUNT else "StringEquals"


def trusts_of_everyone(template: Template) -> Findings:
    """No role is open to every AWS principal without a condition."""
    return [
        f"{statement.owner}: trusts every principal without a condition."
        for statement in trust_statements(template)
        if statement.allows
        and "*" in as_list(_principal(statement).get("AWS", []))
        and not statement.body.get("Condition")
    ]


def unbound_pass_role(template: Template, *, except_for: Collection[str] = ()) -> Findings:
    """iam:PassRole names the roles and, by iam:PassedToService, the service they may be passed to."""
    findings = []
    for statement in identity_statements(template, except_for=except_for):
        if not statement.allows or "iam:passrole" not in [action.lower() for action in statement.actions]:
            continue
        if not condition_values(statement.body, "StringEquals", "iam:PassedToService"):
            findings.append(f"{statement}: passes a role without the condition iam:PassedToService.")
        if "*" in statement.resources:
            findings.append(f"{statement}: passes any role; name the roles.")
    return findings


def roles_that_may_approve(template: Template, *, except_for: Collection[str] = ()) -> Findings:
    """Every role is denied both calls that can write the status Approved or Rejected, whatever else allows them."""
    findings = []
    for logical_id, _ in resources_of(template, "AWS::IAM::Role"):
        if logical_id in except_for:
            continue
        denials = [statement for statement in statements_of_role(template, logical_id) if not statement.allows]
        findings += [
            f"{logical_id}: is not denied {action} with the status {status}."
            for action in APPROVAL_ACTIONS
            for status in ("Approved", "Rejected")
            if not any(_denies_status(denial, action, status) for denial in denials)
        ]
    return findings


def weak_buckets(template: Template, *, except_for: Collection[str] = ()) -> Findings:
    """Every bucket is encrypted with a key, versioned, private, logged, cleaned up, kept and reached over TLS only."""
    findings = []
    for logical_id, properties in resources_of(template, "AWS::S3::Bucket"):
        if logical_id in except_for:
            continue
        kept = template["Resources"][logical_id].get("DeletionPolicy") in {"Retain", "RetainExceptOnCreate"}
        wanted = {
            "is not encrypted with a KMS key": _kms_encrypted(properties),
            "is not versioned": properties.get("VersioningConfiguration", {}).get("Status") == "Enabled",
            "does not block all public access": _private(properties),
            "is not logged": bool(properties.get("LoggingConfiguration")),
            "has no lifecycle": bool(properties.get("LifecycleConfiguration")),
            "is not kept when the stack goes": kept,
            "may be reached without TLS": _tls_only(template, logical_id),
        }
        findings += [f"{logical_id}: {problem}." for problem, held in wanted.items() if not held]
    return findings


def weak_pipelines(template: Template) -> Findings:
    """Every CodePipeline is of type V2, queues its executions and encrypts its artifacts with a named key."""
    findings = []
    for logical_id, properties in resources_of(template, "AWS::CodePipeline::Pipeline"):
        wanted = {
            "is not of type V2": properties.get("PipelineType") == "V2",
            "does not queue its executions": properties.get("ExecutionMode") == "QUEUED",
            "does not encrypt its artifacts with a key": bool(properties.get("ArtifactStore", {}).get("EncryptionKey")),
        }
        findings += [f"{logical_id}: {problem}." for problem, held in wanted.items() if not held]
    return findings


def weak_builds(template: Template) -> Findings:
    """Every CodeBuild project is encrypted with a named key, unprivileged and logged."""
    findings = []
    for logical_id, properties in resources_of(template, "AWS::CodeBuild::Project"):
        logs = properties.get("LogsConfig", {}).get("CloudWatchLogs", {})
        wanted = {
            "is not encrypted with a key": bool(properties.get("EncryptionKey")),
            "is privileged": properties.get("Environment", {}).get("PrivilegedMode") is not True,
            "writes no logs": logs.get("Status") == "ENABLED",
        }
        findings += [f"{logical_id}: {problem}." for problem, held in wanted.items() if not held]
    return findings


def endless_log_groups(template: Template) -> Findings:
    """Every log group has a retention."""
    return [
        f"{logical_id}: keeps its logs for ever; set RetentionInDays."
        for logical_id, properties in resources_of(template, "AWS::Logs::LogGroup")
        if not properties.get("RetentionInDays")
    ]


def lossy_event_targets(template: Template) -> Findings:
    """Every target of an event rule has a retry policy and a dead-letter queue."""
    return [
        f"{logical_id}, target {target.get('Id')}: has no {missing}."
        for logical_id, properties in resources_of(template, "AWS::Events::Rule")
        for target in properties.get("Targets", [])
        for missing in ("DeadLetterConfig", "RetryPolicy")
        if not target.get(missing)
    ]


def untagged(template: Template, keys: Collection[str], *, except_for: Collection[str] = ()) -> Findings:
    """Every resource carries these tags; ``except_for`` names resource types that take none."""
    findings = []
    for logical_id, resource in template["Resources"].items():
        present = {tag["Key"] for tag in resource.get("Properties", {}).get("Tags", [])}
        if resource["Type"] not in except_for:
            findings += [f"{logical_id}: lacks the tag {key}." for key in keys if key not in present]
    return findings


def condition_values(statement: Mapping[str, Any], operator: str, key: str) -> list[Any]:
    """The values a statement's condition has for this operator and key, keys compared as IAM does, without case."""
    keys = statement.get("Condition", {}).get(operator, {})
    return [value for name, values in keys.items() if name.lower() == key.lower() for value in as_list(values)]


def _statements(owner: str, document: Mapping[str, Any]) -> Iterator[PolicyStatement]:
    for body in as_list(document["Statement"]):
        yield PolicyStatement(owner=owner, body=body)


def _principal(statement: PolicyStatement) -> Mapping[str, Any]:
    principal = statement.body.get("Principal", {})
    return principal if isinstance(principal, Mapping) else {"AWS": principal}


def _denies_status(statement: PolicyStatement, action: str, status: str) -> bool:
    """Whether the denial holds for the status on every resource: it has no other condition that could spare a call."""
    conditions = statement.body.get("Condition", {})
    return (
        action in statement.actions
        and "*" in statement.resources
        and sum(len(keys) for keys in conditions.values()) == 1
        and status in condition_values(statement.body, "StringEquals", APPROVAL_KEY)
    )


def _kms_encrypted(bucket: Mapping[str, Any]) -> bool:
    rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    defaults = [rule.get("ServerSideEncryptionByDefault", {}) for rule in rules]
    return any(default.get("SSEAlgorithm") == "aws:kms" and default.get("KMSMasterKeyID") for default in defaults)


def _private(bucket: Mapping[str, Any]) -> bool:
    settings = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    block = bucket.get("PublicAccessBlockConfiguration", {})
    return all(block.get(setting) is True for setting in settings)


def _tls_only(template: Template, bucket: str) -> bool:
    return any(
        _denies_plain_http(statement.body)
        for logical_id, properties in resources_of(template, "AWS::S3::BucketPolicy")
        if properties["Bucket"] == {"Ref": bucket}
        for statement in _statements(logical_id, properties["PolicyDocument"])
    )


def _denies_plain_http(statement: Mapping[str, Any]) -> bool:
    flags = [str(value).lower() for value in condition_values(statement, "Bool", "aws:SecureTransport")]
    everyone = statement.get("Principal") in ("*", {"AWS": "*"})
    bucket_and_objects = len(as_list(statement.get("Resource", []))) == 2
    return (
        statement["Effect"] == "Deny"
        and everyone
        and bucket_and_objects
        and "s3:*" in as_list(statement["Action"])
        and flags == ["false"]
    )
