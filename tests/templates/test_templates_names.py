"""Names: the agreed ones, and within AWS's limits for the longest project SageMaker allows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.template_rules import resources_of
from tests.support.template_values import Values

# Resource type -> the property that names it, the limit in characters and the pattern of names (provider schemas).
LIMITS = {
    "AWS::S3::Bucket": ("BucketName", 63, r"[a-z0-9][a-z0-9.-]*[a-z0-9]"),
    "AWS::IAM::Role": ("RoleName", 64, r"[\w+=,.@-]+"),
    "AWS::CodeCommit::Repository": ("RepositoryName", 100, r"[a-zA-Z0-9._-]+(?<!\.git)"),
    "AWS::SageMaker::CodeRepository": ("CodeRepositoryName", 63, r"[a-zA-Z0-9](-*[a-zA-Z0-9])*"),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", 63, r"[a-zA-Z0-9](-*[a-zA-Z0-9])*"),
    "AWS::CodePipeline::Pipeline": ("Name", 100, r"[a-zA-Z0-9.@_-]+"),
    "AWS::CodeBuild::Project": ("Name", 255, r"[A-Za-z0-9][A-Za-z0-9_-]+"),
    "AWS::Logs::LogGroup": ("LogGroupName", 512, r"[.\-_/#A-Za-z0-9]+"),
}
LONGEST = Values({}, {"SageMakerProjectName": "N" * 32, "SageMakerProjectId": "i" * 20})
ENDPOINT = "${SageMakerProjectName}-${SageMakerProjectId}-staging"


def names_of(template: dict[str, Any], kind: str, values: Values) -> list[str]:
    """The names resources of this type get with these values."""
    return [values.resolve(properties[LIMITS[kind][0]]) for _, properties in resources_of(template, kind)]


@pytest.mark.parametrize("kind", LIMITS)
def test_the_longest_project_stays_within_the_limits(template: dict[str, Any], kind: str) -> None:
    """With a name of 32 and an id of 20 characters each resource's name is one AWS takes."""
    _, limit, pattern = LIMITS[kind]
    names = names_of(template, kind, LONGEST)
    assert names
    assert all(len(name) <= limit and re.fullmatch(pattern, name) for name in names)


def test_every_type_that_is_named_has_a_limit_here(template: dict[str, Any]) -> None:
    """No resource type of the template escapes the test above."""
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert types - set(LIMITS) == {"AWS::S3::BucketPolicy"}


def test_endpoints_and_their_stacks_stay_within_the_limits(template: dict[str, Any]) -> None:
    """The longest endpoint (63), SageMaker pipeline (256) and endpoint stack (128) names fit too."""
    deploy = template["Resources"]["DeployPipeline"]["Properties"]
    stacks = [
        LONGEST.resolve(action["Configuration"]["StackName"])
        for stage in deploy["Stages"]
        for action in stage["Actions"]
        if action["ActionTypeId"]["Provider"] == "CloudFormation"
    ]
    assert len(LONGEST.resolve({"Fn::Sub": ENDPOINT})) <= 63
    assert len(LONGEST.resolve({"Fn::Sub": "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}"})) <= 256
    assert len(stacks) == 2
    assert all(len(stack) <= 128 for stack in stacks)


def test_names_are_the_agreed_ones(template: dict[str, Any], values: Values) -> None:
    """Other rooms find a project's resources by these names."""
    project = "Fraud-Detection-p-idy6c3e1fiqj"
    assert {kind: sorted(names_of(template, kind, values)) for kind in LIMITS} == {
        "AWS::S3::Bucket": ["sagemaker-project-p-idy6c3e1fiqj"],
        "AWS::IAM::Role": [
            f"sagemaker-p-idy6c3e1fiqj-{use}" for use in ("build", "deploy", "deploy-build", "execution", "pipeline")
        ],
        "AWS::CodeCommit::Repository": [f"sagemaker-{project}-modelbuild", f"sagemaker-{project}-modeldeploy"],
        "AWS::SageMaker::CodeRepository": [f"{project}-build", f"{project}-deploy"],
        "AWS::SageMaker::ModelPackageGroup": [project],
        "AWS::CodePipeline::Pipeline": [f"sagemaker-{project}-modelbuild", f"sagemaker-{project}-modeldeploy"],
        "AWS::CodeBuild::Project": [
            f"sagemaker-{project}-modelbuild",
            f"sagemaker-{project}-modeldeploy-prepare",
            f"sagemaker-{project}-modeldeploy-test",
        ],
        "AWS::Logs::LogGroup": [
            f"/aws/codebuild/sagemaker-{project}-modelbuild",
            f"/aws/codebuild/sagemaker-{project}-modeldeploy-prepare",
            f"/aws/codebuild/sagemaker-{project}-modeldeploy-test",
        ],
    }
