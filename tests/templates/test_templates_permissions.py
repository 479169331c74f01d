"""What each role may and may not do, decided as IAM would for concrete calls of one project and of its neighbour."""

from __future__ import annotations

from typing import Any

import pytest

from templates.roles import shared
from templates.statements import Statement, UnreasonedWildcardError, substituted
from tests.support.iam_decision import allowed
from tests.support.template_values import Values

BASE = "us-east-1:111122223333"
PROJECT = "fraud-detection-p-idy6c3e1fiqj"  # as SageMaker writes it in ARNs
CASED = "Fraud-Detection-p-idy6c3e1fiqj"
OTHER = "fraud-detection-p-6tor2p5oglf1"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-idy6c3e1fiqj"
KEY = "arn:aws:kms:us-east-1:111122223333:key/0f9a4b0e-6f0a-4c38-9b6a-2f4d6c1b7e55"
BUCKET = "arn:aws:s3:::sagemaker-project-p-idy6c3e1fiqj"
ARTIFACT = f"{BUCKET}/sagemaker-Fraud-Dete/DeployArti/x1y2z3"
ROLES = ("Build", "Execution", "Pipeline", "Deploy", "DeployBuild")

Call = tuple[str, str, dict[str, str]]


def sagemaker(kind: str, name: str) -> str:
    """The ARN of a SageMaker resource."""
    return f"arn:aws:sagemaker:{BASE}:{kind}/{name}"


def registry(project: str) -> str:
    """The ARN of a version in a project's group."""
    return sagemaker("model-package", f"{project}/7")


def passing(service: str) -> dict[str, str]:
    """The context of passing a role to a service."""
    return {"iam:PassedToService": service}


def approval(status: str) -> dict[str, str]:
    """The context of writing an approval status."""
    return {"sagemaker:ModelApprovalStatus": status}


PIPELINE = sagemaker("pipeline", f"sagemaker-{PROJECT}")
LOGS = f"arn:aws:logs:{BASE}:log-group:/aws/codebuild/sagemaker-{CASED}"
STACK = f"arn:aws:cloudformation:{BASE}:stack/sagemaker-{CASED}-deploy"
REPOSITORY = f"arn:aws:codecommit:{BASE}:sagemaker-{CASED}"
IMAGE = "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-xgboost"

MAY: dict[str, list[Call]] = {
    "Build": [
        ("logs:PutLogEvents", f"{LOGS}-modelbuild:log-stream:1f", {}),
        ("logs:CreateLogStream", f"{LOGS}-modelbuild:log-stream:1f", {}),
        ("s3:GetObject", f"{BUCKET}/sagemaker-Fraud-Dete/SourceArti/x1y2z3", {}),
        ("s3:PutObject", f"{BUCKET}/code/0f1e2d.tar.gz", {}),
        ("s3:ListBucket", BUCKET, {}),
        ("s3:GetBucketLocation", BUCKET, {}),
        ("kms:GenerateDataKey", KEY, {}),
        ("sagemaker:CreatePipeline", PIPELINE, {}),
        ("sagemaker:UpdatePipeline", PIPELINE, {}),
        ("sagemaker:AddTags", PIPELINE, {}),
        ("sagemaker:StartPipelineExecution", PIPELINE, {}),
        ("sagemaker:ListPipelineExecutions", PIPELINE, {}),
        ("sagemaker:DescribePipelineExecution", f"{PIPELINE}/execution/a1b2c3", {}),
        ("sagemaker:ListPipelineExecutionSteps", f"{PIPELINE}/execution/a1b2c3", {}),
        ("sagemaker:DescribeModelPackage", registry(PROJECT), {}),
        ("sagemaker:DescribeModelPackageGroup", sagemaker("model-package-group", PROJECT), {}),
        ("sagemaker:ListModelPackages", sagemaker("model-package-group", PROJECT), {}),
        ("iam:PassRole", f"{ROLE}-execution", passing("sagemaker.amazonaws.com")),
    ],
    "Execution": [
        ("sagemaker:CreateProcessingJob", sagemaker("processing-job", "pipelines-a1b2-prepare-x9"), {}),
        ("sagemaker:CreateTrainingJob", sagemaker("training-job", "pipelines-a1b2-train-x9"), {}),
        ("sagemaker:StopTrainingJob", sagemaker("training-job", "pipelines-a1b2-train-x9"), {}),
        ("sagemaker:AddTags", sagemaker("training-job", "pipelines-a1b2-train-x9"), {}),
        ("sagemaker:CreateModelPackage", registry(PROJECT), approval("PendingManualApproval")),
        ("sagemaker:ListModelPackages", sagemaker("model-package-group", PROJECT), {}),
        ("sagemaker:DescribeModelPackage", registry(PROJECT), {}),
        ("s3:PutObject", f"{BUCKET}/runs/a1b2/model.tar.gz", {}),
        ("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
        ("logs:PutLogEvents", f"arn:aws:logs:{BASE}:log-group:/aws/sagemaker/TrainingJobs:log-stream:a/algo-1", {}),
        ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}),
        ("ecr:GetAuthorizationToken", "*", {}),
        ("ecr:BatchGetImage", IMAGE, {}),
        ("iam:PassRole", f"{ROLE}-execution", passing("sagemaker.amazonaws.com")),
    ],
    "Pipeline": [
        ("codecommit:UploadArchive", f"{REPOSITORY}-modelbuild", {}),
        ("codecommit:GetBranch", f"{REPOSITORY}-modeldeploy", {}),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{BASE}:project/sagemaker-{CASED}-modeldeploy-test", {}),
        ("codebuild:BatchGetBuilds", f"arn:aws:codebuild:{BASE}:project/sagemaker-{CASED}-modelbuild", {}),
        ("cloudformation:CreateStack", f"{STACK}-staging/0f1e", {}),
        ("cloudformation:UpdateStack", f"{STACK}-prod/0f1e", {}),
        ("s3:PutObject", ARTIFACT, {}),
        ("s3:GetObject", ARTIFACT, {}),
        ("iam:PassRole", f"{ROLE}-deploy", passing("cloudformation.amazonaws.com")),
    ],
    "Deploy": [
        ("sagemaker:CreateModel", sagemaker("model", f"{PROJECT}-staging-7"), {}),
        ("sagemaker:CreateEndpointConfig", sagemaker("endpoint-config", f"{PROJECT}-prod-7"), {}),
        ("sagemaker:CreateModel", sagemaker("model", f"sagemaker-{PROJECT}-deploy-staging-model-x9y8"), {}),
        ("sagemaker:CreateEndpoint", sagemaker("endpoint", f"{PROJECT}-staging"), {}),
        ("sagemaker:UpdateEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("sagemaker:AddTags", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("sagemaker:DescribeModelPackage", registry(PROJECT), {}),
        ("iam:PassRole", f"{ROLE}-execution", passing("sagemaker.amazonaws.com")),
    ],
    "DeployBuild": [
        ("logs:PutLogEvents", f"{LOGS}-modeldeploy-prepare:log-stream:1f", {}),
        ("s3:PutObject", ARTIFACT, {}),
        ("sagemaker:DescribeModelPackage", registry(PROJECT), {}),
        ("sagemaker:ListTags", sagemaker("model-package-group", PROJECT), {}),
        ("sagemaker:DescribeEndpoint", sagemaker("endpoint", f"{PROJECT}-staging"), {}),
        ("sagemaker:DescribeEndpointConfig", sagemaker("endpoint-config", f"{PROJECT}-prod-7"), {}),
        ("sagemaker:InvokeEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("cloudformation:DescribeStacks", f"{STACK}-prod/0f1e", {}),
    ],
}

NOBODY_MAY: list[Call] = [
    ("sagemaker:CreateModelPackage", registry(PROJECT), approval("Approved")),
    ("sagemaker:CreateModelPackage", registry(PROJECT), approval("Rejected")),
    ("sagemaker:UpdateModelPackage", registry(PROJECT), approval("Approved")),
    ("sagemaker:UpdateModelPackage", registry(PROJECT), approval("Rejected")),
    ("sagemaker:UpdateModelPackage", registry(PROJECT), {}),
    ("sagemaker:CreateModelPackage", registry(OTHER), approval("PendingManualApproval")),
    ("sagemaker:AddTags", sagemaker("model-package-group", PROJECT), {}),
    ("sagemaker:DeleteTags", sagemaker("model-package-group", PROJECT), {}),
    ("sagemaker:DeleteModelPackage", registry(PROJECT), {}),
    ("sagemaker:DescribeModelPackage", registry(OTHER), {}),
    ("sagemaker:InvokeEndpoint", sagemaker("endpoint", f"{OTHER}-prod"), {}),
    ("sagemaker:DeleteEndpoint", sagemaker("endpoint", f"{OTHER}-prod"), {}),
    ("s3:GetObject", "arn:aws:s3:::sagemaker-project-p-6tor2p5oglf1/runs/model.tar.gz", {}),
    ("s3:GetObject", "arn:aws:s3:::sagemaker-lockgate-hub-111122223333-us-east-1/seeds/build.zip", {}),
    ("s3:PutObject", "arn:aws:s3:::sagemaker-lockgate-hub-111122223333-us-east-1/seeds/build.zip", {}),
    ("s3:DeleteObject", f"{BUCKET}/runs/a1b2/model.tar.gz", {}),
    ("s3:PutBucketPolicy", BUCKET, {}),
    ("codepipeline:PutApprovalResult", f"arn:aws:codepipeline:{BASE}:sagemaker-{CASED}-modeldeploy", {}),
    ("codepipeline:StartPipelineExecution", f"arn:aws:codepipeline:{BASE}:sagemaker-{CASED}-modeldeploy", {}),
    ("codecommit:GitPush", f"{REPOSITORY}-modeldeploy", {}),
    ("iam:CreateRole", f"{ROLE}-extra", {}),
    ("iam:PutRolePolicy", f"{ROLE}-build", {}),
    ("iam:DeleteRolePermissionsBoundary", f"{ROLE}-build", {}),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/lockgate/sagemaker-lockgate-approver", {}),
    ("iam:PassRole", f"{ROLE}-execution", passing("lambda.amazonaws.com")),
    ("iam:PassRole", f"{ROLE}-deploy", passing("sagemaker.amazonaws.com")),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/lockgate/sagemaker-lockgate-approver", {}),
    ("kms:CreateGrant", KEY, {}),
    ("kms:ScheduleKeyDeletion", KEY, {}),
    ("kms:Decrypt", f"arn:aws:kms:{BASE}:key/another", {}),
    ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Billing"}),
    ("cloudformation:UpdateStack", f"arn:aws:cloudformation:{BASE}:stack/SC-111122223333-pp-x/0f1e", {}),
]

MAY_NOT: dict[str, list[Call]] = {
    "Build": [
        ("s3:PutObject", ARTIFACT, {}),
        ("s3:PutObject", f"{BUCKET}/sagemaker-Fraud-Dete/SourceArti/x1y2z3", {}),
        ("sagemaker:CreateModel", sagemaker("model", f"{PROJECT}-staging-7"), {}),
        ("sagemaker:CreateEndpointConfig", sagemaker("endpoint-config", f"{PROJECT}-prod-7"), {}),
        ("sagemaker:UpdateEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("sagemaker:CreateModelPackage", registry(PROJECT), approval("PendingManualApproval")),
        ("sagemaker:UpdatePipeline", sagemaker("pipeline", f"sagemaker-{OTHER}"), {}),
        ("sagemaker:CreateTrainingJob", sagemaker("training-job", "pipelines-a1b2-train-x9"), {}),
        ("cloudformation:UpdateStack", f"{STACK}-prod/0f1e", {}),
        ("iam:PassRole", f"{ROLE}-deploy", passing("cloudformation.amazonaws.com")),
        ("logs:PutLogEvents", f"{LOGS}-modeldeploy-test:log-stream:1f", {}),
    ],
    "Execution": [
        ("s3:PutObject", ARTIFACT, {}),
        ("sagemaker:CreateModelPackage", registry(PROJECT), {}),
        ("sagemaker:UpdateEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("sagemaker:UpdatePipeline", PIPELINE, {}),
        ("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:683313688378:repository/anything", {}),
    ],
    "Pipeline": [
        ("sagemaker:UpdateEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("sagemaker:CreateModel", sagemaker("model", f"{PROJECT}-staging-7"), {}),
        ("codebuild:UpdateProject", f"arn:aws:codebuild:{BASE}:project/sagemaker-{CASED}-modelbuild", {}),
        ("iam:PassRole", f"{ROLE}-execution", passing("sagemaker.amazonaws.com")),
    ],
    "Deploy": [
        ("s3:GetObject", ARTIFACT, {}),
        ("sagemaker:UpdateEndpoint", sagemaker("endpoint", f"{OTHER}-prod"), {}),
        ("sagemaker:DeleteModel", sagemaker("model", "somebody-elses"), {}),
        ("sagemaker:InvokeEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
    ],
    "DeployBuild": [
        ("sagemaker:UpdateEndpoint", sagemaker("endpoint", f"{PROJECT}-prod"), {}),
        ("sagemaker:DeleteEndpoint", sagemaker("endpoint", f"{PROJECT}-staging"), {}),
        ("sagemaker:ListModelPackages", sagemaker("model-package-group", PROJECT), {}),
        ("iam:PassRole", f"{ROLE}-execution", passing("sagemaker.amazonaws.com")),
    ],
}


def policy(template: dict[str, Any], values: Values, role: str) -> list[dict[str, Any]]:
    """The statements of a role, with values put in."""
    inline = template["Resources"][f"{role}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    statements: list[dict[str, Any]] = values.resolve(inline["Statement"])
    return statements


def decisions(template: dict[str, Any], values: Values, role: str, calls: list[Call], *, wanted: bool) -> list[Call]:
    """The calls for which the role's policy does not decide as wanted."""
    statements = policy(template, values, role)
    return [call for call in calls if allowed(statements, *call) is not wanted]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_work(template: dict[str, Any], values: Values, role: str) -> None:
    """Each role may make the calls its work consists of, on the project's resources as AWS writes their ARNs."""
    assert decisions(template, values, role, MAY[role], wanted=True) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_not_do_what_nobody_may(template: dict[str, Any], values: Values, role: str) -> None:
    """No role approves, reaches a neighbour, edits permissions or the hub, or starts and approves deployments."""
    assert decisions(template, values, role, NOBODY_MAY, wanted=False) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_not_do_the_work_of_another(template: dict[str, Any], values: Values, role: str) -> None:
    """Duties are separate: the build does not deploy, the deployment does not build, tests change nothing."""
    assert decisions(template, values, role, MAY_NOT[role], wanted=False) == []


def test_the_decision_sees_a_grant_too_many(template: dict[str, Any], values: Values) -> None:
    """The matrix is able to fail: one grant added to a role shows up, except for what is explicitly denied."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    statements = [*policy(template, values, "Build"), everything]
    spared = [call for call in NOBODY_MAY if not allowed(statements, *call)]
    assert {(action, context.get("sagemaker:ModelApprovalStatus")) for action, _, context in spared} == {
        ("sagemaker:CreateModelPackage", "Approved"),
        ("sagemaker:CreateModelPackage", "Rejected"),
        ("sagemaker:UpdateModelPackage", "Approved"),
        ("sagemaker:UpdateModelPackage", "Rejected"),
    }
    assert not allowed(statements, "s3:PutObject", ARTIFACT)


def test_the_decision_refuses_what_it_does_not_know() -> None:
    """An operator the evaluator does not know stops the test instead of passing it."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"IpAddress": {"a": "b"}}}
    with pytest.raises(KeyError, match="IpAddress"):
        allowed([statement], "s3:GetObject", BUCKET)


def test_a_pattern_needs_a_reason() -> None:
    """A grant on a pattern of resources cannot be written without its reason; a denial can."""
    with pytest.raises(UnreasonedWildcardError, match="Statement Read allows arn:aws:s3:::a/\\* without a reason"):
        Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::a/*",))
    assert shared.DENY_APPROVAL.patterns() == ()


def test_substitution_takes_the_simplest_intrinsic() -> None:
    """A lone name becomes a Ref, a text with names a Fn::Sub, a plain text and an intrinsic stay."""
    lookup = {"Fn::FindInMap": ["Hub", "Settings", "KmsKeyArn"]}
    assert substituted(("${AWS::AccountId}", "a-${B}", "${A}${B}", "plain", lookup)) == [
        {"Ref": "AWS::AccountId"},
        {"Fn::Sub": "a-${B}"},
        {"Fn::Sub": "${A}${B}"},
        "plain",
        lookup,
    ]
