"""The model registry: versions, approval, what may change, and the events that tell it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin

STATE_CHANGE = "SageMaker Model Package State Change"
GROUP = "demo-p-test"


@pytest.fixture
def model_data(world: Any) -> str:
    """A model archive in S3 and a group to register it in."""
    world.call(
        "CreateModelPackageGroup", ModelPackageGroupName=GROUP, Tags=[{"Key": "sagemaker:project-id", "Value": "p"}]
    )
    return str(world.put("models/model.tar.gz", b"archive"))


def package(model_data: str, **changes: Any) -> dict[str, Any]:
    """Return a CreateModelPackage request."""
    container = {"Image": "xgboost:3.2-0", "ModelDataUrl": model_data, "Environment": {"SAGEMAKER_PROGRAM": "i.py"}}
    request: dict[str, Any] = {
        "ModelPackageGroupName": GROUP,
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/s.json"}}},
        "MetadataProperties": {"CommitId": "abc", "GeneratedBy": "me"},
        "CustomerMetadataProperties": {"ModelDigest": "d", "DataDigest": "e"},
        "ModelCard": {
            "ModelCardContent": '{"intended_uses": {"risk_rating": "Low"}, "business_details": {}}',
            "ModelCardStatus": "Draft",
        },
        "ModelLifeCycle": {"Stage": "Development", "StageStatus": "Registered"},
        "DriftCheckBaselines": {"Bias": {"ConfigFile": {"S3Uri": "s3://b/c.json"}}},
        "SkipModelValidation": "None",
    }
    return {**request, **changes}


def test_versions_keep_every_field_of_the_request(world: Any, model_data: str) -> None:
    """CreateModelPackage numbers versions from 1; Describe returns all that was given."""
    request = package(model_data)
    arn = world.call("CreateModelPackage", **request)["ModelPackageArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:111122223333:model-package/{GROUP}/1"
    assert world.call("CreateModelPackage", **request)["ModelPackageArn"].endswith(f"{GROUP}/2")
    described = world.call("DescribeModelPackage", ModelPackageName=arn)
    container = described["InferenceSpecification"]["Containers"][0]
    assert len(container.pop("ModelDataETag")) == 32
    for name, value in request.items():
        assert described[name] == value, name
    assert described["ModelPackageStatus"] == "Completed"
    assert described["CreatedBy"] == {"IamIdentity": {"Arn": "arn:aws:iam::111122223333:root"}}
    assert world.call("DescribeModelPackage", ModelPackageName=f"{GROUP}/2")["ModelPackageVersion"] == 2


def test_the_requests_own_values_are_not_shared(world: Any, model_data: str) -> None:
    """Changing what Describe returned does not change the registry."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    world.call("DescribeModelPackage", ModelPackageName=arn)["CustomerMetadataProperties"]["ModelDigest"] = "forged"
    described = world.call("DescribeModelPackage", ModelPackageName=arn)
    assert described["CustomerMetadataProperties"]["ModelDigest"] == "d"


def test_model_data_must_exist_and_be_readable(world: Any, model_data: str) -> None:
    """A version whose archive is missing or forbidden is not registered."""
    missing = package(model_data.replace("models/", "gone/"))
    with pytest.raises(ApiError, match="Could not find model data at s3://sagemaker-project-p-test/gone"):
        world.call("CreateModelPackage", **missing)
    world.s3.denied.add("models/")
    with pytest.raises(ApiError, match="Could not access model data"):
        world.call("CreateModelPackage", **package(model_data))
    assert world.call("ListModelPackages", ModelPackageGroupName=GROUP)["ModelPackageSummaryList"] == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "uses its group's tags"),
        ({"ModelPackageGroupName": "unknown"}, "model-package-group/unknown does not exist"),
        ({"ValidationSpecification": {}}, "ValidationSpecification is not implemented"),
    ],
)
def test_requests_that_aws_refuses(world: Any, model_data: str, changes: dict[str, Any], error: str) -> None:
    """Tags on versions, unknown groups and what the twin cannot do are refused by name."""
    with pytest.raises(ApiError, match=error):
        world.call("CreateModelPackage", **package(model_data, **changes))


def test_the_event_of_a_new_version_has_no_updated_fields(world: Any, model_data: str) -> None:
    """The creation event has the documented members and no UpdatedModelPackageFields."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    event = world.events[-1]
    assert (event.source, event.detail_type, list(event.resources)) == ("aws.sagemaker", STATE_CHANGE, [arn])
    assert "UpdatedModelPackageFields" not in event.detail
    documented = {
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "CreationTime",
        "InferenceSpecification",
        "ModelPackageStatus",
        "ModelPackageStatusDetails",
        "CertifyForMarketplace",
        "ModelApprovalStatus",
        "MetadataProperties",
        "ModelMetrics",
        "ModelLifeCycle",
        "LastModifiedTime",
    }
    assert documented <= set(event.detail)
    assert "ModelCard" not in event.detail
    assert time.strptime(event.detail["CreationTime"], "%Y-%m-%dT%H:%M:%SZ")


def test_an_approval_tells_which_fields_changed(world: Any, model_data: str) -> None:
    """The update event carries the new status and lists the request's fields by their documented names."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    world.call(
        "UpdateModelPackage",
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good",
        SourceUri="s3://b/x",
    )
    detail = world.events[-1].detail
    assert (detail["ModelApprovalStatus"], detail["ApprovalDescription"]) == ("Approved", "good")
    assert detail["UpdatedModelPackageFields"] == ["ModelApprovalStatus", "ApprovalDescription", "sourceUri"]


def test_an_update_of_the_card_lists_no_documented_field(world: Any, model_data: str) -> None:
    """ModelCard is not among the documented names, so the list is there and empty."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    card = {"ModelCardContent": "{}", "ModelCardStatus": "Approved"}
    world.call("UpdateModelPackage", ModelPackageArn=arn, ModelCard=card)
    assert world.events[-1].detail["UpdatedModelPackageFields"] == []
    assert world.call("DescribeModelPackage", ModelPackageName=arn)["ModelCard"] == card


def test_customer_metadata_is_merged(world: Any, model_data: str) -> None:
    """An update adds, changes and removes single keys; what it does not mention stays."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    world.call(
        "UpdateModelPackage",
        ModelPackageArn=arn,
        CustomerMetadataProperties={"ModelDigest": "new", "Extra": "1"},
        CustomerMetadataPropertiesToRemove=["DataDigest"],
    )
    described = world.call("DescribeModelPackage", ModelPackageName=arn)
    assert described["CustomerMetadataProperties"] == {"ModelDigest": "new", "Extra": "1"}
    assert "ApprovalDescription" not in described
    too_many = {str(i): "x" for i in range(50)}
    with pytest.raises(ApiError, match="at most 50"):
        world.call("UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataProperties=too_many)


def test_updating_a_version_that_does_not_exist_is_an_error(world: Any, model_data: str) -> None:
    """Approving version 9 of a group that has one version names the ARN."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"].replace("/1", "/9")
    with pytest.raises(ApiError, match=rf"ModelPackage .*{GROUP}/9 does not exist"):
        world.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")


def test_metadata_only_leaves_the_risk_rating(world: Any, model_data: str) -> None:
    """IncludedData MetadataOnly sanitizes the model card."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    described = world.call("DescribeModelPackage", ModelPackageName=arn, IncludedData="MetadataOnly")
    content = json.loads(described["ModelCard"]["ModelCardContent"])
    assert content == {"intended_uses": {"risk_rating": "Low"}}
    assert described["ModelCard"]["ModelCardStatus"] == "Draft"


def test_versions_are_listed_oldest_first(world: Any, model_data: str) -> None:
    """The default order is ascending; filters and Descending do what they say."""
    for status in ("Approved", "Rejected", "Approved"):
        world.call("CreateModelPackage", **package(model_data, ModelApprovalStatus=status))

    def versions(**request: Any) -> list[int]:
        found = world.call("ListModelPackages", ModelPackageGroupName=GROUP, **request)["ModelPackageSummaryList"]
        return [summary["ModelPackageVersion"] for summary in found]

    assert versions() == [1, 2, 3]
    assert versions(SortOrder="Descending") == [3, 2, 1]
    assert versions(ModelApprovalStatus="Approved") == [1, 3]
    assert versions(ModelApprovalStatus="Approved", SortOrder="Descending", MaxResults=1) == [3]
    assert world.call("ListModelPackages")["ModelPackageSummaryList"] == []
    assert len(world.call("ListModelPackages", ModelPackageType="Versioned")["ModelPackageSummaryList"]) == 3


def test_a_thousand_versions_are_paged_without_loss(world: Any, model_data: str) -> None:
    """1,000 versions come back in pages of 100, each once, even though new ones arrive in between."""
    for _ in range(1000):
        world.call("CreateModelPackage", **package(model_data))
    seen: list[int] = []
    request: dict[str, Any] = {"SortOrder": "Descending", "MaxResults": 100}
    while True:
        page = world.call("ListModelPackages", ModelPackageGroupName=GROUP, **request)
        seen += [summary["ModelPackageVersion"] for summary in page["ModelPackageSummaryList"]]
        if len(seen) == 300:
            world.call("CreateModelPackage", **package(model_data))
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert seen == list(range(1000, 0, -1))


def test_a_group_with_versions_cannot_be_deleted(world: Any, model_data: str) -> None:
    """DeleteModelPackageGroup is a conflict until the last version is gone; numbers are not reused."""
    arn = world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"]
    with pytest.raises(ApiError, match="ConflictException"):
        world.call("DeleteModelPackageGroup", ModelPackageGroupName=GROUP)
    world.call("DeleteModelPackage", ModelPackageName=arn)
    assert world.call("CreateModelPackage", **package(model_data))["ModelPackageArn"].endswith("/2")
    world.call("DeleteModelPackage", ModelPackageName=f"{GROUP}/2")
    world.call("DeleteModelPackageGroup", ModelPackageGroupName=GROUP)
    with pytest.raises(ApiError, match="does not exist"):
        world.call("DescribeModelPackageGroup", ModelPackageGroupName=GROUP)


def test_a_groups_policy_is_kept(world: Any, model_data: str) -> None:
    """The resource policy is stored, returned and removed; what is no policy is refused."""
    assert model_data
    with pytest.raises(ApiError, match="Invalid policy document"):
        world.call("PutModelPackageGroupPolicy", ModelPackageGroupName=GROUP, ResourcePolicy="{}")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    world.call("PutModelPackageGroupPolicy", ModelPackageGroupName=GROUP, ResourcePolicy=policy)
    assert world.call("GetModelPackageGroupPolicy", ModelPackageGroupName=GROUP)["ResourcePolicy"] == policy
    world.call("DeleteModelPackageGroupPolicy", ModelPackageGroupName=GROUP)
    with pytest.raises(ApiError, match="has no resource policy"):
        world.call("GetModelPackageGroupPolicy", ModelPackageGroupName=GROUP)


def test_group_names_are_unique_and_cross_account_lists_are_refused(world: Any, model_data: str) -> None:
    """A second group of the same name is refused; lists of other accounts' groups are not implemented."""
    assert model_data
    with pytest.raises(ApiError, match="already exists"):
        world.call("CreateModelPackageGroup", ModelPackageGroupName=GROUP)
    with pytest.raises(NotImplementedByTwin):
        world.call("ListModelPackageGroups", CrossAccountFilterOption="CrossAccount")
    listed = world.call("ListModelPackageGroups")["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in listed] == [GROUP]


def test_tags_of_any_resource(world: Any, model_data: str) -> None:
    """Tags are added, listed and deleted by ARN; creating with tags needs sagemaker:AddTags."""
    assert model_data
    arn = world.call("DescribeModelPackageGroup", ModelPackageGroupName=GROUP)["ModelPackageGroupArn"]
    assert ("sagemaker:AddTags", arn) in world.required
    world.call("AddTags", ResourceArn=arn, Tags=[{"Key": "team", "Value": "risk"}])
    world.call("DeleteTags", ResourceArn=arn, TagKeys=["sagemaker:project-id"])
    assert world.call("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "risk"}]
    with pytest.raises(ApiError, match="50 tags"):
        world.call("AddTags", ResourceArn=arn, Tags=[{"Key": str(i), "Value": ""} for i in range(50)])
    with pytest.raises(ApiError, match="Could not find a resource"):
        world.call("ListTags", ResourceArn=arn + "x")


def test_code_repositories(world: Any) -> None:
    """A code repository is created, described, listed by name and deleted."""
    for name in ("b-repo", "a-repo"):
        git = {"RepositoryUrl": f"https://git-codecommit.us-east-1.amazonaws.com/v1/repos/{name}"}
        world.call("CreateCodeRepository", CodeRepositoryName=name, GitConfig=git)
    with pytest.raises(ApiError, match="already exists"):
        world.call("CreateCodeRepository", CodeRepositoryName="a-repo", GitConfig={"RepositoryUrl": "https://x/y"})
    listed = world.call("ListCodeRepositories")["CodeRepositorySummaryList"]
    assert [repository["CodeRepositoryName"] for repository in listed] == ["a-repo", "b-repo"]
    world.call("DeleteCodeRepository", CodeRepositoryName="a-repo")
    with pytest.raises(ApiError, match="Cannot find CodeRepository"):
        world.call("DescribeCodeRepository", CodeRepositoryName="a-repo")
