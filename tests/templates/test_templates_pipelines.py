"""The two pipelines and their builds: who runs what, in which order, with which values."""

from __future__ import annotations

import json
from typing import Any

from tests.support.template_rules import resources_of
from tests.support.template_values import Values, project_values

COMMON = {
    "SAGEMAKER_PROJECT_NAME": "Fraud-Detection",
    "SAGEMAKER_PROJECT_ID": "p-idy6c3e1fiqj",
    "SAGEMAKER_PROJECT_ARN": "arn:aws:sagemaker:us-east-1:111122223333:project/Fraud-Detection",
    "MODEL_PACKAGE_GROUP_NAME": "Fraud-Detection-p-idy6c3e1fiqj",
    "SAGEMAKER_EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-idy6c3e1fiqj-execution",
    "ARTIFACT_BUCKET": "sagemaker-project-p-idy6c3e1fiqj",
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:111122223333:key/0f9a4b0e-6f0a-4c38-9b6a-2f4d6c1b7e55",
}
SOURCE = ["SourceArtifact"]
DEPLOY = ["DeployArtifact"]


def pipeline(template: dict[str, Any], values: Values, suffix: str) -> dict[str, Any]:
    """The pipeline whose name ends so, with values put in."""
    found = [values.resolve(properties) for _, properties in resources_of(template, "AWS::CodePipeline::Pipeline")]
    return next(properties for properties in found if properties["Name"].endswith(suffix))


def build(template: dict[str, Any], values: Values, suffix: str) -> dict[str, Any]:
    """The build project whose name ends so, with values put in."""
    found = [values.resolve(properties) for _, properties in resources_of(template, "AWS::CodeBuild::Project")]
    return next(properties for properties in found if properties["Name"].endswith(suffix))


def outline(properties: dict[str, Any]) -> list[tuple[str, str, int, str, list[str], list[str]]]:
    """Stage, action, order, provider, inputs and outputs of every action."""
    return [
        (
            stage["Name"],
            action["Name"],
            action["RunOrder"],
            action["ActionTypeId"]["Provider"],
            [artifact["Name"] for artifact in action.get("InputArtifacts", [])],
            [artifact["Name"] for artifact in action.get("OutputArtifacts", [])],
        )
        for stage in properties["Stages"]
        for action in stage["Actions"]
    ]


def configuration(properties: dict[str, Any], action_name: str) -> dict[str, str]:
    """The configuration of one action."""
    actions = [action for stage in properties["Stages"] for action in stage["Actions"]]
    found: dict[str, str] = next(action for action in actions if action["Name"] == action_name)["Configuration"]
    return found


def environment(action_configuration: dict[str, str]) -> dict[str, str]:
    """The variables an action gives its build."""
    return {item["name"]: item["value"] for item in json.loads(action_configuration["EnvironmentVariables"])}


def test_the_build_pipeline_builds_a_commit(template: dict[str, Any], values: Values) -> None:
    """Source, then build; nothing else."""
    properties = pipeline(template, values, "-modelbuild")
    assert outline(properties) == [
        ("Source", "Source", 1, "CodeCommit", [], SOURCE),
        ("Build", "Build", 1, "CodeBuild", SOURCE, []),
    ]


def test_a_build_can_be_given_a_reason_to_train_again(template: dict[str, Any], values: Values) -> None:
    """A push gives none, which is the variable's default; the reason reaches the build's environment."""
    properties = pipeline(template, values, "-modelbuild")
    (variable,) = properties["Variables"]
    assert (variable["Name"], variable["DefaultValue"]) == ("RetrainReason", "none")
    assert environment(configuration(properties, "Build")) == {"LOCKGATE_RETRAIN": "#{variables.RetrainReason}"}


def test_the_deploy_pipeline_goes_gate_by_gate(template: dict[str, Any], values: Values) -> None:
    """Prepare, staging with its test, a person's approval, re-verification, production with its test, in this order."""
    assert outline(pipeline(template, values, "-modeldeploy")) == [
        ("Source", "Source", 1, "CodeCommit", [], SOURCE),
        ("Prepare", "Prepare", 1, "CodeBuild", SOURCE, DEPLOY),
        ("Staging", "DeployStaging", 1, "CloudFormation", DEPLOY, []),
        ("Staging", "TestStaging", 2, "CodeBuild", SOURCE, []),
        ("Production", "ApproveProduction", 1, "Manual", [], []),
        ("Production", "VerifyModelVersion", 2, "CodeBuild", SOURCE, []),
        ("Production", "DeployProduction", 3, "CloudFormation", DEPLOY, []),
        ("Production", "VerifyProduction", 4, "CodeBuild", SOURCE, []),
    ]


def test_an_execution_must_name_its_model_version(template: dict[str, Any], values: Values) -> None:
    """The deploy pipeline's one variable has no default, so that no execution deploys a version nobody named."""
    (variable,) = pipeline(template, values, "-modeldeploy")["Variables"]
    assert variable["Name"] == "ModelPackageArn"
    assert "DefaultValue" not in variable


def test_every_gate_gets_the_execution_s_model_version(template: dict[str, Any], values: Values) -> None:
    """Every build of the deploy pipeline and the approver's question carry the execution's own ARN."""
    properties = pipeline(template, values, "-modeldeploy")
    asked = "#{variables.ModelPackageArn}"
    given = {
        name: environment(configuration(properties, name))
        for name in ("Prepare", "TestStaging", "VerifyModelVersion", "VerifyProduction")
    }
    assert given == {
        "Prepare": {"MODEL_PACKAGE_ARN": asked},
        "TestStaging": {"MODE": "test", "STAGE": "staging", "MODEL_PACKAGE_ARN": asked},
        "VerifyModelVersion": {"MODE": "verify", "STAGE": "prod", "MODEL_PACKAGE_ARN": asked},
        "VerifyProduction": {"MODE": "test", "STAGE": "prod", "MODEL_PACKAGE_ARN": asked},
    }
    assert asked in configuration(properties, "ApproveProduction")["CustomData"]


def test_stages_deploy_to_their_own_stacks(template: dict[str, Any], values: Values) -> None:
    """Each stage has its stack and its configuration file; both use the deploy role and get no capabilities.

    A staging stack that failed is replaced; production is never deleted by a deployment.
    """
    properties = pipeline(template, values, "-modeldeploy")
    stages = {"staging": ("DeployStaging", "REPLACE_ON_FAILURE"), "prod": ("DeployProduction", "CREATE_UPDATE")}
    for stage, (action, mode) in stages.items():
        assert configuration(properties, action) == {
            "ActionMode": mode,
            "StackName": f"sagemaker-Fraud-Detection-p-idy6c3e1fiqj-deploy-{stage}",
            "RoleArn": "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-idy6c3e1fiqj-deploy",
            "TemplatePath": "DeployArtifact::template-export.yaml",
            "TemplateConfiguration": f"DeployArtifact::{stage}-config-export.json",
        }


def test_sources_are_the_project_s_repositories(template: dict[str, Any], values: Values) -> None:
    """Each pipeline takes main of its own repository and does not watch it: the hub's router starts executions."""
    for name in ("modelbuild", "modeldeploy"):
        assert configuration(pipeline(template, values, f"-{name}"), "Source") == {
            "RepositoryName": f"sagemaker-Fraud-Detection-p-idy6c3e1fiqj-{name}",
            "BranchName": "main",
            "PollForSourceChanges": "false",
        }


def test_configuration_values_stay_below_the_quota(template: dict[str, Any], published: dict[str, Any]) -> None:
    """For the longest project every value of an action's configuration is a text of fewer than 1000 characters."""
    longest = project_values(published, "N" * 32, "i" * 20)
    for _, properties in resources_of(template, "AWS::CodePipeline::Pipeline"):
        for stage in longest.resolve(properties["Stages"]):
            for action in stage["Actions"]:
                texts = list(action["Configuration"].values())
                assert all(isinstance(text, str) and 0 < len(text) < 1000 for text in texts)


def test_builds_run_the_repositories_own_buildspecs(template: dict[str, Any], values: Values) -> None:
    """Each build project runs one file of the source it is given, with the role meant for it."""
    projects = {
        suffix: (properties["Source"], properties["Artifacts"], properties["ServiceRole"].rsplit("fiqj-")[-1])
        for suffix in ("-modelbuild", "-prepare", "-test")
        for properties in (build(template, values, suffix),)
    }
    artifacts = {"Type": "CODEPIPELINE"}
    assert projects == {
        "-modelbuild": ({"Type": "CODEPIPELINE", "BuildSpec": "buildspec.yml"}, artifacts, "build"),
        "-prepare": ({"Type": "CODEPIPELINE", "BuildSpec": "buildspec.yml"}, artifacts, "deploy-build"),
        "-test": ({"Type": "CODEPIPELINE", "BuildSpec": "buildspec.test.yml"}, artifacts, "deploy-build"),
    }


def test_builds_know_their_project(template: dict[str, Any], values: Values) -> None:
    """The environment holds what the seeds' code reads, in every build; the pipeline's name only in the model build."""
    found = {
        suffix: {item["Name"]: item["Value"] for item in properties["Environment"]["EnvironmentVariables"]}
        for suffix in ("-modelbuild", "-prepare", "-test")
        for properties in (build(template, values, suffix),)
    }
    assert found == {
        "-modelbuild": COMMON | {"SAGEMAKER_PIPELINE_NAME": "sagemaker-Fraud-Detection-p-idy6c3e1fiqj"},
        "-prepare": COMMON,
        "-test": COMMON,
    }


def test_builds_log_to_their_declared_groups(template: dict[str, Any], values: Values) -> None:
    """A build's logs go to the group of its name that the template makes, encrypts and limits."""
    groups = {values.resolve(group["LogGroupName"]) for _, group in resources_of(template, "AWS::Logs::LogGroup")}
    for suffix in ("-modelbuild", "-prepare", "-test"):
        properties = build(template, values, suffix)
        name = properties["LogsConfig"]["CloudWatchLogs"]["GroupName"]
        assert name == f"/aws/codebuild/{properties['Name']}"
        assert name in groups


def test_a_new_pipeline_finds_what_its_first_run_needs(template: dict[str, Any]) -> None:
    """CodePipeline runs a new pipeline once by itself: repository and model package group are there by then."""
    resources = template["Resources"]
    assert sorted(resources["BuildPipeline"]["DependsOn"]) == ["BuildRepository", "ModelPackageGroup"]
    assert resources["DeployPipeline"]["DependsOn"] == ["DeployRepository"]


def test_repositories_are_filled_from_the_seeds(template: dict[str, Any], values: Values) -> None:
    """Each repository starts with its own seed from the hub's bucket on the branch the pipelines take."""
    seeds = {
        properties["RepositoryName"].rsplit("-", 1)[-1]: (
            properties["Code"]["BranchName"],
            properties["Code"]["S3"]["Bucket"],
            properties["Code"]["S3"]["Key"],
        )
        for _, raw in resources_of(template, "AWS::CodeCommit::Repository")
        for properties in (values.resolve(raw),)
    }
    bucket = "sagemaker-lockgate-hub-111122223333-us-east-1"
    assert seeds == {
        "modelbuild": ("main", bucket, "seeds/build-0a1b2c.zip"),
        "modeldeploy": ("main", bucket, "seeds/deploy-3d4e5f.zip"),
    }
