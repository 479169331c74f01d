"""Tags and SageMaker's own condition keys, of requests and of resources."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.accounts.several import HUB, REGION, SPECIFICATION, Accounts

SOURCE = {"RepositoryName": "r", "BranchName": "main", "PollForSourceChanges": "false"}
BLUE, RED = {"team": "blue"}, {"team": "red"}


def listed(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags as a list."""
    return [{key: k, value: v} for k, v in tags.items()]


def archive() -> bytes:
    """Return a function's deployment package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("index.py", "def handler(event, context): return 1")
    return buffer.getvalue()


class World:
    """Makes tagged things of the hub, by its administrator."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.admin = lambda service: accounts.administrator(HUB, service)

    def role(self, service: str) -> str:
        """Make a role for a service."""
        anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        return self.accounts.role(HUB, anything, trust={"Principal": {"Service": f"{service}.amazonaws.com"}})

    def codecommit(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a repository; return what asks for it."""
        name = f"r-{uuid.uuid4().hex[:8]}"
        self.admin("codecommit").create_repository(repositoryName=name, tags=dict(tags))
        return lambda client: client.get_repository(repositoryName=name)

    def codebuild(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a build project; return what asks for it."""
        name = f"b-{uuid.uuid4().hex[:8]}"
        self.admin("codebuild").create_project(
            name=name,
            source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=self.role("codebuild"),
            tags=listed(tags, "key", "value"),
        )
        return lambda client: client.batch_get_projects(names=[name])

    def functions(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a function; return what asks for it."""
        name = f"f-{uuid.uuid4().hex[:8]}"
        self.admin("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="index.handler",
            Role=self.role("lambda"),
            Code={"ZipFile": archive()},
            Tags=dict(tags),
        )
        return lambda client: client.get_function(FunctionName=name)

    def cloudformation(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a stack; return what asks for it."""
        name = f"s-{uuid.uuid4().hex[:8]}"
        template = (
            f"Resources: {{P: {{Type: 'AWS::SSM::Parameter', Properties: {{Name: /{name}, Type: String, Value: v}}}}}}"
        )
        client = self.admin("cloudformation")
        client.create_stack(StackName=name, TemplateBody=template, Tags=listed(tags))
        client.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )
        return lambda client: client.describe_stacks(StackName=name)

    def servicecatalog(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a portfolio; return what asks for it."""
        made = self.admin("servicecatalog").create_portfolio(
            DisplayName=f"p-{uuid.uuid4().hex[:8]}", ProviderName="us", Tags=listed(tags)
        )
        return lambda client: client.describe_portfolio(Id=made["PortfolioDetail"]["Id"])

    def codepipeline(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a pipeline; return what asks for it."""
        name, bucket = f"p-{uuid.uuid4().hex[:8]}", f"artifacts-{uuid.uuid4().hex[:8]}"
        self.admin("s3").create_bucket(Bucket=bucket)
        stages = [
            _stage("Source", "Source", "CodeCommit", SOURCE, "outputArtifacts"),
            _stage("Build", "Build", "CodeBuild", {"ProjectName": "p"}, "inputArtifacts"),
        ]
        self.admin("codepipeline").create_pipeline(
            pipeline={
                "name": name,
                "roleArn": self.role("codepipeline"),
                "artifactStore": {"type": "S3", "location": bucket},
                "stages": stages,
            },
            tags=listed(tags, "key", "value"),
        )
        return lambda client: client.get_pipeline(name=name)

    def sagemaker(self, tags: Mapping[str, str]) -> Callable[[Any], Any]:
        """Make a version in a tagged group; return what asks for the version."""
        name = f"g-{uuid.uuid4().hex[:8]}"
        client = self.admin("sagemaker")
        client.create_model_package_group(ModelPackageGroupName=name, Tags=listed(tags))
        made = client.create_model_package(ModelPackageGroupName=name, InferenceSpecification=SPECIFICATION)
        package = made["ModelPackageArn"]
        return lambda client: client.describe_model_package(ModelPackageName=package)


def _stage(name: str, category: str, provider: str, configuration: dict[str, str], artifacts: str) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    action = {"name": name, "actionTypeId": kind, "configuration": configuration, artifacts: [{"name": "A"}]}
    return {"name": name, "actions": [action]}


SERVICES = {
    "codecommit": "codecommit",
    "codebuild": "codebuild",
    "functions": "lambda",
    "cloudformation": "cloudformation",
    "servicecatalog": "servicecatalog",
    "codepipeline": "codepipeline",
    "sagemaker": "sagemaker",
}


@pytest.mark.parametrize("kind", SERVICES)
def test_a_role_may_be_kept_to_what_has_its_tag(accounts: Accounts, kind: str) -> None:
    """aws:ResourceTag is the resource's tag; a model version has its group's."""
    world, service = World(accounts), SERVICES[kind]
    ours, theirs = (getattr(world, kind)(tags) for tags in (BLUE, RED))
    tagged = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    role = accounts.role(HUB, {"Effect": "Allow", "Action": f"{service}:*", "Resource": "*", "Condition": tagged})
    client = accounts.session(role, service)
    assert ours(client)
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs(client)


def test_what_is_made_may_be_bound_to_carry_a_tag(accounts: Accounts) -> None:
    """aws:RequestTag and aws:TagKeys, in both spellings of a tag list."""
    only = {"StringEquals": {"aws:RequestTag/team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    role = accounts.role(HUB, {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": only})
    commit, catalog = accounts.session(role, "codecommit"), accounts.session(role, "servicecatalog")
    commit.create_repository(repositoryName="tagged-blue", tags=BLUE)
    catalog.create_portfolio(DisplayName="tagged-blue", ProviderName="us", Tags=listed(BLUE))
    for tags in (RED, {**BLUE, "more": "x"}, {}):
        with pytest.raises(ClientError, match="codecommit:CreateRepository"):
            commit.create_repository(repositoryName="other", tags=tags)
        with pytest.raises(ClientError, match="servicecatalog:CreatePortfolio"):
            catalog.create_portfolio(DisplayName="other", ProviderName="us", Tags=listed(tags))


# ------------------------------------------------------------------------------------------ sagemaker's own keys


def version(accounts: Accounts, **members: Any) -> str:
    """Register a version and return its ARN."""
    name = f"g-{uuid.uuid4().hex[:8]}"
    client = accounts.administrator(HUB, "sagemaker")
    client.create_model_package_group(ModelPackageGroupName=name)
    made = client.create_model_package(ModelPackageGroupName=name, InferenceSpecification=SPECIFICATION, **members)
    return str(made["ModelPackageArn"])


def writer(accounts: Accounts, condition: Mapping[str, Any], action: str = "sagemaker:UpdateModelPackage") -> Any:
    """Return a client that may do one action under a condition."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}
    return accounts.session(accounts.role(HUB, statement), "sagemaker")


def test_a_status_may_be_granted_alone(accounts: Accounts) -> None:
    """sagemaker:ModelApprovalStatus is the status that the request sets."""
    client = writer(accounts, {"StringEquals": {"sagemaker:ModelApprovalStatus": "Rejected"}})
    arn = version(accounts)
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    with pytest.raises(ClientError, match="sagemaker:UpdateModelPackage"):
        client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    with pytest.raises(ClientError, match="sagemaker:UpdateModelPackage"):
        client.update_model_package(ModelPackageArn=arn, ApprovalDescription="none of the two")


def test_custom_metadata_may_be_granted_by_name_and_value(accounts: Accounts) -> None:
    """sagemaker:CustomerMetadataProperties/<key> and ...PropertiesToRemove are what the request changes."""
    client = writer(accounts, {"StringLike": {"sagemaker:CustomerMetadataProperties/verdict": "pass*"}})
    arn = version(accounts)
    client.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"verdict": "passed"})
    with pytest.raises(ClientError, match="sagemaker:UpdateModelPackage"):
        client.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"verdict": "failed"})
    removing = {"ForAnyValue:StringEquals": {"sagemaker:CustomerMetadataPropertiesToRemove": "verdict"}}
    writer(accounts, removing).update_model_package(ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["verdict"])


def test_the_life_cycles_stage_may_be_granted_and_asked(accounts: Accounts) -> None:
    """sagemaker:ModelLifeCycle:Stage is the new one, sagemaker:CurrentModelLifeCycleStage the one before."""
    arn = version(accounts, ModelLifeCycle={"Stage": "Staging", "StageStatus": "Pending"})
    step = {
        "sagemaker:CurrentModelLifeCycleStage": "Staging",
        "sagemaker:ModelLifeCycle:Stage": "Production",
        "sagemaker:ModelLifeCycle:StageStatus": "Approved",
    }
    client = writer(accounts, {"StringEquals": step})
    with pytest.raises(ClientError, match="sagemaker:UpdateModelPackage"):
        client.update_model_package(ModelPackageArn=arn, ModelLifeCycle={"Stage": "Retired", "StageStatus": "Approved"})
    production = {"Stage": "Production", "StageStatus": "Approved"}
    client.update_model_package(ModelPackageArn=arn, ModelLifeCycle=production)
    with pytest.raises(ClientError, match="sagemaker:UpdateModelPackage"):
        client.update_model_package(ModelPackageArn=arn, ModelLifeCycle=production)


def test_creating_a_version_gives_the_same_keys(accounts: Accounts) -> None:
    """CreateModelPackage: status, custom metadata and stage of the request."""
    keys = {
        "sagemaker:ModelApprovalStatus": "PendingManualApproval",
        "sagemaker:CustomerMetadataProperties/by": "build",
    }
    client = writer(accounts, {"StringEquals": keys}, "sagemaker:CreateModelPackage")
    name = version(accounts).split("/")[1]
    members = {
        "InferenceSpecification": SPECIFICATION,
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {"by": "build"},
    }
    assert client.create_model_package(ModelPackageGroupName=name, **members)["ModelPackageArn"]
    with pytest.raises(ClientError, match="sagemaker:CreateModelPackage"):
        client.create_model_package(ModelPackageGroupName=name, **{**members, "ModelApprovalStatus": "Approved"})


def test_endpoint_configurations_may_be_kept_to_instances_and_models(accounts: Accounts) -> None:
    """sagemaker:InstanceTypes and sagemaker:ModelArn are those of all variants."""
    small = {
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]},
        "ForAllValues:ArnLike": {"sagemaker:ModelArn": f"arn:aws:sagemaker:{REGION}:{HUB}:model/ours-*"},
    }
    client = writer(accounts, small, "sagemaker:CreateEndpointConfig")
    for model, instance in (("ours-1", "ml.p4d.24xlarge"), ("theirs", "ml.m5.large")):
        variant = {"VariantName": "v", "ModelName": model, "InstanceType": instance, "InitialInstanceCount": 1}
        with pytest.raises(ClientError, match="sagemaker:CreateEndpointConfig"):
            client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    variant = {"VariantName": "v", "ModelName": "ours-1", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="Could not find model"):
        client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
