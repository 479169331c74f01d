"""The handlers of types whose properties are spelled differently by their API, against botocore's own models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.resources import ADAPTERS
from lockgate_twin.cloudformation.resources.adapter import Clients, Request
from lockgate_twin.cloudformation.resources.api_shapes import request_members
from lockgate_twin.cloudformation.resources.s3_lifecycle import lifecycle_rules
from lockgate_twin.ports import Principal

ACCOUNT, REGION = "111122223333", "us-east-1"


class StubbedSession:
    """A session with one real client whose answers are given beforehand and whose requests are checked."""

    def __init__(self, service: str) -> None:
        self.principal = Principal(arn="arn:aws:iam::111122223333:root", account=ACCOUNT, access_key_id="k")
        self.region, self.account = REGION, ACCOUNT
        self._client = boto3.client(service, region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s")
        self.stub = Stubber(self._client)
        self.stub.activate()

    def client(self, service: str) -> Any:
        """Return the client."""
        assert service == self._client.meta.service_model.service_name
        return self._client

    def request(self, properties: Mapping[str, Any], **more: Any) -> Request:
        """Return a handler's request."""
        known = {"logical_id": "It", "type": "", "around": None, **more}
        return Request(clients=Clients(self), properties=properties, **known)  # type: ignore[arg-type]


PIPELINE = {
    "RoleArn": "arn:aws:iam::111122223333:role/pipeline",
    "PipelineType": "V2",
    "ExecutionMode": "QUEUED",
    "ArtifactStore": {"Type": "S3", "Location": "bucket", "EncryptionKey": {"Type": "KMS", "Id": "key"}},
    "Variables": [{"Name": "ModelPackageArn", "Description": "which"}],
    "Stages": [
        {
            "Name": "Source",
            "Actions": [
                {
                    "Name": "Source",
                    "RunOrder": 1,
                    "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "CodeCommit", "Version": "1"},
                    "Configuration": {"RepositoryName": "r", "PollForSourceChanges": False},
                    "OutputArtifacts": [{"Name": "SourceArtifact"}],
                }
            ],
        }
    ],
}
DECLARATION = {
    "name": "deploy",
    "roleArn": "arn:aws:iam::111122223333:role/pipeline",
    "pipelineType": "V2",
    "executionMode": "QUEUED",
    "artifactStore": {"type": "S3", "location": "bucket", "encryptionKey": {"type": "KMS", "id": "key"}},
    "variables": [{"name": "ModelPackageArn", "description": "which"}],
    "stages": [
        {
            "name": "Source",
            "actions": [
                {
                    "name": "Source",
                    "runOrder": 1,
                    "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"},
                    "configuration": {"RepositoryName": "r", "PollForSourceChanges": "false"},
                    "outputArtifacts": [{"name": "SourceArtifact"}],
                }
            ],
        }
    ],
}


def test_a_pipeline_is_declared_with_its_configuration_verbatim() -> None:
    """Members are spelled as the API does; the keys of a Configuration stay, its values are text."""
    session = StubbedSession("codepipeline")
    session.stub.add_response(
        "create_pipeline",
        {"pipeline": {**DECLARATION, "version": 1}},
        {"pipeline": DECLARATION, "tags": [{"key": "a", "value": "b"}]},
    )
    properties = {**PIPELINE, "Tags": [{"Key": "a", "Value": "b"}]}
    made = ADAPTERS["AWS::CodePipeline::Pipeline"].create(session.request(properties, name="deploy"))
    assert made.physical_id == "deploy"
    assert made.attributes == {"Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:deploy", "Version": "1"}
    session.stub.assert_no_pending_responses()


def test_a_pipeline_in_several_regions_has_a_store_for_each() -> None:
    """CloudFormation's list of stores is the API's map by region."""
    session = StubbedSession("codepipeline")
    store = {"Type": "S3", "Location": "bucket"}
    expected = {k: v for k, v in DECLARATION.items() if k != "artifactStore"}
    expected["artifactStores"] = {REGION: {"type": "S3", "location": "bucket"}}
    session.stub.add_response("update_pipeline", {"pipeline": {**expected, "version": 7}}, {"pipeline": expected})
    properties = {**{k: v for k, v in PIPELINE.items() if k != "ArtifactStore"}}
    properties["ArtifactStores"] = [{"Region": REGION, "ArtifactStore": store}]
    request = session.request(
        properties, physical_id="deploy", previous=PIPELINE, attributes={"Arn": "arn", "Version": "6"}
    )
    assert ADAPTERS["AWS::CodePipeline::Pipeline"].update(request).attributes["Version"] == "7"
    session.stub.assert_no_pending_responses()


PROJECT = {
    "ServiceRole": "arn:aws:iam::111122223333:role/build",
    "Source": {"Type": "CODEPIPELINE", "BuildSpec": "buildspec.yml"},
    "Artifacts": {"Type": "CODEPIPELINE"},
    "TimeoutInMinutes": 30,
    "Environment": {
        "Type": "LINUX_CONTAINER",
        "ComputeType": "BUILD_GENERAL1_SMALL",
        "Image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
        "EnvironmentVariables": [{"Name": "MODE", "Value": "test"}],
    },
    "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "g"}},
}
CREATED = {
    "name": "build",
    "serviceRole": "arn:aws:iam::111122223333:role/build",
    "source": {"type": "CODEPIPELINE", "buildspec": "buildspec.yml"},
    "artifacts": {"type": "CODEPIPELINE"},
    "timeoutInMinutes": 30,
    "environment": {
        "type": "LINUX_CONTAINER",
        "computeType": "BUILD_GENERAL1_SMALL",
        "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0",
        "environmentVariables": [{"name": "MODE", "value": "test"}],
    },
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "g"}},
}


def test_a_build_project_is_created_and_changed() -> None:
    """BuildSpec becomes buildspec; a property that was taken away is set back on update."""
    session = StubbedSession("codebuild")
    answer = {"project": {"name": "build", "arn": "arn:aws:codebuild:us-east-1:111122223333:project/build"}}
    session.stub.add_response("create_project", answer, CREATED)
    adapter = ADAPTERS["AWS::CodeBuild::Project"]
    made = adapter.create(session.request(PROJECT, name="build"))
    assert made.attributes == {"Arn": answer["project"]["arn"], "Id": "build"}
    without = {k: v for k, v in PROJECT.items() if k != "TimeoutInMinutes"}
    session.stub.add_response(
        "update_project", answer, {**CREATED, "timeoutInMinutes": 60, "logsConfig": CREATED["logsConfig"]}
    )
    adapter.update(session.request(without, physical_id="build", previous=PROJECT))
    session.stub.assert_no_pending_responses()


def test_a_property_that_the_api_lacks_is_named() -> None:
    """Nothing is dropped silently on the way to the API."""
    client = StubbedSession("codebuild").client("codebuild")
    with pytest.raises(HandlerFailed, match="has no member for the property Colour"):
        request_members(client, "CreateProject", {"Name": "n", "Source": {"Type": "S3", "Colour": "red"}})


def test_lifecycle_rules_are_those_of_the_api() -> None:
    """Days, dates and filters move to where PutBucketLifecycleConfiguration has them."""
    rule = {
        "Id": "old",
        "Status": "Enabled",
        "Prefix": "logs/",
        "TagFilters": [{"Key": "a", "Value": "b"}],
        "ExpirationInDays": 30,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 10}],
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    assert lifecycle_rules({"Rules": [rule]}) == {
        "Rules": [
            {
                "ID": "old",
                "Status": "Enabled",
                "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}},
                "Expiration": {"Days": 30},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                "Transitions": [{"StorageClass": "GLACIER", "Days": 10}],
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            }
        ]
    }
    assert lifecycle_rules({"Rules": [{"Status": "Enabled", "ExpirationInDays": 1}]})["Rules"][0]["Filter"] == {
        "Prefix": ""
    }
    with pytest.raises(HandlerFailed, match="Transition is not implemented"):
        lifecycle_rules({"Rules": [{"Status": "Enabled", "Transition": {}}]})
