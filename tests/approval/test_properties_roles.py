"""The gate cannot be gamed by those who are examined, and duties are separate: policies decided as IAM would."""

from __future__ import annotations

import pytest

from tests.approval.roles_of_the_product import ACCOUNT, BOUNDARY, HUB, KEY, REGION, decision_store, roles
from tests.support.iam_decision import allowed

PROJECT = sorted(name for name in roles() if name.startswith("sagemaker-p-"))
DECIDE, EVIDENCE = "sagemaker-lockgate-decide", "sagemaker-lockgate-evidence"
APPROVER, PIPELINE = "sagemaker-lockgate-approver", "sagemaker-lockgate-approval-pipeline"
STORE = f"arn:aws:s3:::sagemaker-lockgate-decisions-{ACCOUNT}-{REGION}"
BUCKET = "arn:aws:s3:::sagemaker-project-p-idy6c3e1fiqj"
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
VERSION = f"{SAGEMAKER}:model-package/credit-p-idy6c3e1fiqj/7"
EXAMINE = f"{SAGEMAKER}:pipeline/sagemaker-lockgate-approval"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sagemaker-lockgate"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lockgate"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/sagemaker-lockgate-registration"
SCHEDULE = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/sagemaker-lockgate-reconcile"
DEPLOY = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:sagemaker-credit-p-idy6c3e1fiqj-modeldeploy"

Call = tuple[str, str, dict[str, str]]


def status(value: str) -> dict[str, str]:
    """The context of writing an approval status."""
    return {"sagemaker:ModelApprovalStatus": value}


def passed_to(service: str) -> dict[str, str]:
    """The context of passing a role to a service, with everything else that conditions might ask for."""
    return {"iam:PassedToService": f"{service}.amazonaws.com"}


BOUNDED = {"iam:PermissionsBoundary": BOUNDARY}
ONCE = {"s3:if-none-match": "*"}
S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}

ONLY: list[tuple[Call, set[str]]] = [
    (("sagemaker:UpdateModelPackage", VERSION, status("Approved")), {DECIDE, APPROVER}),
    (("sagemaker:UpdateModelPackage", VERSION, status("Rejected")), {DECIDE, APPROVER}),
    (("sagemaker:UpdateModelPackage", VERSION, {}), {DECIDE}),
    (("sagemaker:CreateModelPackage", VERSION, status("Approved")), set()),
    (("sagemaker:CreateModelPackage", VERSION, status("Rejected")), set()),
    (
        ("sagemaker:CreateModelPackage", VERSION, status("PendingManualApproval")),
        {"sagemaker-p-idy6c3e1fiqj-execution"},
    ),
    (("sagemaker:DeleteModelPackage", VERSION, {}), set()),
    (("sagemaker:StartPipelineExecution", EXAMINE, {}), {"sagemaker-lockgate-registrations"}),
    (("sagemaker:UpdatePipeline", EXAMINE, {}), set()),
    (("sagemaker:DeletePipeline", EXAMINE, {}), set()),
    (("sagemaker:StopPipelineExecution", f"{EXAMINE}/execution/a1", {}), set()),
    (("sagemaker:RetryPipelineExecution", f"{EXAMINE}/execution/a1", {}), set()),
    (("s3:PutObject", f"{STORE}/record/credit-p-idy6c3e1fiqj/entries/00000000.json", ONCE), {DECIDE, APPROVER}),
    (("s3:PutObject", f"{STORE}/record/credit-p-idy6c3e1fiqj/entries/00000000.json", {}), set()),
    (("s3:PutObject", f"{STORE}/record/credit-p-idy6c3e1fiqj/claims/7.json", ONCE), {DECIDE, APPROVER}),
    (("s3:PutObject", f"{STORE}/record/credit-p-idy6c3e1fiqj/claims/7.json", {}), set()),
    (("s3:PutObject", f"{STORE}/credit-p-idy6c3e1fiqj/7/e1/objection/decision.json", ONCE), {DECIDE, EVIDENCE}),
    (("s3:PutObject", f"{STORE}/credit-p-idy6c3e1fiqj/7/e1/objection/decision.json", {}), set()),
    (("s3:PutObject", f"{STORE}/credit-p-idy6c3e1fiqj/7/e1/decision.json", {}), {EVIDENCE}),
    (("s3:PutObject", f"{STORE}/credit-p-idy6c3e1fiqj/7/e1/evidence/champion.json", {}), {EVIDENCE}),
    (("s3:DeleteObject", f"{STORE}/record/credit-p-idy6c3e1fiqj/entries/00000000.json", {}), set()),
    (("s3:DeleteObjectVersion", f"{STORE}/credit-p-idy6c3e1fiqj/7/e1/decision.json", {}), set()),
    (("s3:PutBucketPolicy", STORE, {}), set()),
    (("s3:PutBucketVersioning", STORE, {}), set()),
    (("s3:PutLifecycleConfiguration", STORE, {}), set()),
    (("s3:PutObject", f"arn:aws:s3:::{HUB}/policies/organization-0a.yaml", {}), set()),
    (("s3:PutObject", f"arn:aws:s3:::{HUB}/code/lockgate-functions-0a.zip", {}), set()),
    (("s3:PutObject", f"arn:aws:s3:::{HUB}/code/lockgate-checks-0a.pyz", {}), set()),
    (("s3:PutObject", f"arn:aws:s3:::{HUB}/seeds/build-0a.zip", {}), set()),
    (("lambda:UpdateFunctionCode", f"{FUNCTION}-decide", {}), set()),
    (("lambda:UpdateFunctionConfiguration", f"{FUNCTION}-verify", {}), set()),
    (("lambda:AddPermission", f"{FUNCTION}-decide", {}), set()),
    (("lambda:InvokeFunction", f"{FUNCTION}-decide", {}), {PIPELINE}),
    (("lambda:InvokeFunction", f"{FUNCTION}-verify", {}), {PIPELINE}),
    (("lambda:InvokeFunction", f"{FUNCTION}-registrations", {}), {"sagemaker-lockgate-scheduler"}),
    (("lambda:InvokeFunction", f"{FUNCTION}-deployments", {}), {"sagemaker-lockgate-scheduler"}),
    (("lambda:UpdateFunctionCode", f"{FUNCTION}-deployments", {}), set()),
    (("iam:PassRole", f"{ROLE}/{DECIDE}", passed_to("lambda")), set()),
    (("iam:PassRole", f"{ROLE}/{EVIDENCE}", passed_to("sagemaker")), {PIPELINE}),
    (("iam:PassRole", f"{ROLE}/{PIPELINE}", passed_to("sagemaker")), set()),
    (("iam:PassRole", f"{ROLE}/{APPROVER}", passed_to("lambda")), set()),
    (("iam:PutRolePolicy", f"{ROLE}/{DECIDE}", BOUNDED), set()),
    (("iam:AttachRolePolicy", f"{ROLE}/{EVIDENCE}", BOUNDED), set()),
    (("iam:UpdateAssumeRolePolicy", f"{ROLE}/{APPROVER}", BOUNDED), set()),
    (("iam:DeleteRolePermissionsBoundary", f"{ROLE}/{DECIDE}", {}), set()),
    (("iam:CreatePolicyVersion", BOUNDARY, {}), set()),
    (("sts:AssumeRole", f"{ROLE}/{APPROVER}", {}), set()),
    (("sts:AssumeRole", f"{ROLE}/{DECIDE}", {}), set()),
    (("events:PutRule", RULE, {}), set()),
    (("events:DisableRule", RULE, {}), set()),
    (("events:RemoveTargets", RULE, {}), set()),
    (("scheduler:UpdateSchedule", SCHEDULE, {}), set()),
    (("scheduler:DeleteSchedule", SCHEDULE, {}), set()),
    (("scheduler:UpdateSchedule", f"{SCHEDULE}-deployments", {}), set()),
    (("kms:ScheduleKeyDeletion", KEY, {}), set()),
    (("kms:PutKeyPolicy", KEY, {}), set()),
    (
        ("codepipeline:StartPipelineExecution", DEPLOY, {}),
        {"sagemaker-lockgate-router", "sagemaker-lockgate-deployments"},
    ),
    (("codepipeline:PutApprovalResult", f"{DEPLOY}/Production/ApproveProduction", {}), {APPROVER}),
]
"""Who of all the product's roles may make a call; people's policies and the account's administrator are not here."""


def may(role: str, call: tuple[str, str, dict[str, str]]) -> bool:
    """Whether the role's own policies allow the call and the decision store's policy does not deny it."""
    action, resource, context = call
    permissions, _ = roles()[role]
    return allowed(permissions, action, resource, context) and not _denied_by_the_store(role, call)


def _denied_by_the_store(role: str, call: tuple[str, str, dict[str, str]]) -> bool:
    action, resource, context = call
    told = {"aws:SecureTransport": "true", "aws:PrincipalArn": f"{ROLE}/{role}", **context}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return not allowed([everything, *decision_store()], action, resource, told)


@pytest.mark.parametrize(
    ("call", "who"), ONLY, ids=lambda value: " ".join(map(str, value[:2])) if len(value) == 3 else ""
)
def test_only_the_roles_that_are_named_may_do_it(call: Call, who: set[str]) -> None:
    """Asked of every role of the product: approve, record, change the gate, its policy, its code or its events."""
    assert {role for role in roles() if may(role, call)} == who


def test_the_matrix_sees_a_grant_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything allowed to a build, only what is explicitly denied stays denied."""
    role = "sagemaker-p-idy6c3e1fiqj-build"
    permissions, trust = roles()[role]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    monkeypatch.setitem(roles(), role, ([*permissions, everything], trust))
    spared = {call[0] for call, who in ONLY if role not in who and not may(role, call)}
    assert spared == {
        "sagemaker:UpdateModelPackage",
        "sagemaker:CreateModelPackage",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }


@pytest.mark.parametrize("role", PROJECT)
def test_a_project_writes_nowhere_but_into_its_own_bucket(role: str) -> None:
    """Neither the store, nor the hub, nor a neighbour; its own bucket is what the digests are about."""
    permissions, _ = roles()[role]
    for bucket in (STORE, f"arn:aws:s3:::{HUB}", BUCKET.replace("idy6c3e1fiqj", "6tor2p5oglf1")):
        assert not allowed(permissions, "s3:PutObject", f"{bucket}/a", S3)
        assert not allowed(permissions, "s3:DeleteObject", f"{bucket}/a", S3)


def test_five_roles_of_a_project_and_all_of_the_hub_are_asked() -> None:
    """A role that is added to a template is asked by these tests as well."""
    assert len(PROJECT) == 5
    assert {
        DECIDE,
        EVIDENCE,
        APPROVER,
        PIPELINE,
        "sagemaker-lockgate-launch",
        "sagemaker-lockgate-router",
    } <= roles().keys()


# ---------------------------------------------------------------------------------------------- who may become a role

SERVICES = ["lambda", "sagemaker", "codebuild", "codepipeline", "cloudformation", "scheduler", "events", "ec2", "glue"]
SILENT = {"codepipeline.amazonaws.com", "servicecatalog.amazonaws.com"}


def trusts(role: str, principal: str, context: dict[str, str]) -> bool:
    """Whether the role's trust lets the principal assume it."""
    _, trust = roles()[role]
    statements = [
        {**statement, "Action": "sts:AssumeRole", "Resource": "*"}
        for statement in trust
        if any(principal in (one if isinstance(one, list) else [one]) for one in statement["Principal"].values())
    ]
    return allowed(statements, "sts:AssumeRole", "*", context)


@pytest.mark.parametrize("role", sorted(roles()))
def test_a_service_assumes_a_role_for_this_account_alone(role: str) -> None:
    """Another account's request is refused for every service; that a service names no account, for all but two."""
    for service in (*SERVICES, "servicecatalog"):
        principal = f"{service}.amazonaws.com"
        assert not trusts(role, principal, {"aws:SourceAccount": "999999999999"}), principal
        assert principal in SILENT or not trusts(role, principal, {}), principal


OURS = {
    "build": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/sagemaker-Credit-p-idy6c3e1fiqj-modelbuild",
    "deploy-build": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/sagemaker-Credit-p-idy6c3e1fiqj-modeldeploy-test",
    "pipeline": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:sagemaker-Credit-p-idy6c3e1fiqj-modeldeploy",
    "deploy": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/sagemaker-Credit-p-idy6c3e1fiqj-deploy-prod/1",
    "execution": f"{SAGEMAKER}:training-job/a",
}
"""For whom the services act with a project's roles, by the end of the role's name."""


def acting_for(role: str) -> dict[str, str]:
    """The context of a service that acts for the role's own project."""
    source = OURS.get(role.removeprefix("sagemaker-p-idy6c3e1fiqj-"), "any")
    return {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}


@pytest.mark.parametrize("role", sorted(roles().keys() - {APPROVER, "sagemaker-lockgate-launch"}))
def test_every_other_role_is_of_one_service_and_of_no_person(role: str) -> None:
    """Nobody becomes the decision, an examination or a deployment by assuming its role."""
    services = [service for service in SERVICES if trusts(role, f"{service}.amazonaws.com", acting_for(role))]
    assert len(services) == 1
    for principal in ("*", f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:iam::999999999999:root"):
        assert not trusts(role, principal, {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/Anyone"})


@pytest.mark.parametrize("role", sorted(set(PROJECT) - {"sagemaker-p-idy6c3e1fiqj-execution"}))
def test_a_services_resource_of_another_project_is_not_lent_a_role(role: str) -> None:
    """Its own project's is; SageMaker's jobs carry no project in their names and are told apart by passing alone."""
    told = acting_for(role)
    other = told | {"aws:SourceArn": told["aws:SourceArn"].replace("idy6c3e1fiqj", "6tor2p5oglf1")}
    lent = [any(trusts(role, f"{s}.amazonaws.com", context) for s in SERVICES) for context in (told, other)]
    assert lent == [True, False]


@pytest.mark.parametrize("role", sorted(roles()))
def test_no_role_of_the_product_becomes_the_approver(role: str) -> None:
    """Its trust excludes them, whatever their policies say; a person's role of the account is let in."""
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert not trusts(APPROVER, root, {"aws:PrincipalArn": f"{ROLE}/{role}"})
    assert trusts(APPROVER, root, {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/Reviewer"})
    assert not trusts(APPROVER, root.replace(ACCOUNT, "999999999999"), {"aws:PrincipalArn": "x"})
