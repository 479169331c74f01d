"""The product's interface: parameters, hub mapping, tags, outputs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.template_rules import untagged

PROJECT_TAGS = ("sagemaker:project-id", "sagemaker:project-name")


def accepts(template: dict[str, Any], parameter: str, value: str) -> bool:
    """Whether CloudFormation takes the value: it matches the pattern as a whole and is within the lengths."""
    declared = template["Parameters"][parameter]
    return declared["MinLength"] <= len(value) <= declared["MaxLength"] and bool(
        re.fullmatch(declared["AllowedPattern"], value)
    )


def test_sagemaker_can_fill_in_every_parameter(template: dict[str, Any]) -> None:
    """The only parameters are the two SageMaker fills in, as texts without a default."""
    assert {name: declared["Type"] for name, declared in template["Parameters"].items()} == {
        "SageMakerProjectName": "String",
        "SageMakerProjectId": "String",
    }
    assert all("Default" not in declared for declared in template["Parameters"].values())


@pytest.mark.parametrize("name", ["a", "Fraud", "fraud-detection", "Fraud--2", "x" * 32])
def test_good_names_are_accepted(template: dict[str, Any], name: str) -> None:
    """Names AWS's own project templates take are taken."""
    assert accepts(template, "SageMakerProjectName", name)


@pytest.mark.parametrize("name", ["", "7fraud", "-fraud", "fraud-", "fraud_detection", "fraud detection", "x" * 33])
def test_bad_names_are_refused(template: dict[str, Any], name: str) -> None:
    """Names that cannot become names of resources are refused before anything is made."""
    assert not accepts(template, "SageMakerProjectName", name)


@pytest.mark.parametrize("project_id", ["p-idy6c3e1fiqj", "p-6tor2p5oglf1", "p", "x" * 20])
def test_ids_of_sagemaker_are_accepted(template: dict[str, Any], project_id: str) -> None:
    """Ids as SageMaker generates them are taken, up to the API's length."""
    assert accepts(template, "SageMakerProjectId", project_id)


@pytest.mark.parametrize("project_id", ["", "P-IDY6C3E1FIQJ", "p_1", "p-", "x" * 21])
def test_ids_that_cannot_name_a_bucket_are_refused(template: dict[str, Any], project_id: str) -> None:
    """An id that cannot be part of a bucket's name is refused before anything is made."""
    assert not accepts(template, "SageMakerProjectId", project_id)


def test_every_parameter_is_explained(template: dict[str, Any]) -> None:
    """Each parameter has a description, a sentence for refusals and a place in the console's interface."""
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(shown) == sorted(interface["ParameterLabels"]) == sorted(template["Parameters"])
    assert all(declared["Description"] for declared in template["Parameters"].values())
    assert all(declared["ConstraintDescription"] for declared in template["Parameters"].values())


def test_hub_values_await_publishing(template: dict[str, Any]) -> None:
    """The mapping declares every value of the hub, none of them set in the committed file."""
    assert template["Mappings"] == {
        "Hub": {
            "Settings": dict.fromkeys(
                (
                    "HubBucketName",
                    "LogBucketName",
                    "KmsKeyArn",
                    "ProjectBoundaryArn",
                    "BuildSeedKey",
                    "DeploySeedKey",
                ),
                "set-at-publish",
            )
        }
    }


def test_every_resource_belongs_to_its_project(template: dict[str, Any]) -> None:
    """Every resource that takes tags carries the project's name and id."""
    assert untagged(template, PROJECT_TAGS, except_for={"AWS::S3::BucketPolicy"}) == []


def test_tags_carry_the_parameters(template: dict[str, Any]) -> None:
    """The tags' values are the parameters, not texts."""
    for resource in template["Resources"].values():
        tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"].get("Tags", [])}
        assert not tags or tags == {
            "sagemaker:project-id": {"Ref": "SageMakerProjectId"},
            "sagemaker:project-name": {"Ref": "SageMakerProjectName"},
        }


def test_outputs_tell_where_things_are(template: dict[str, Any]) -> None:
    """The outputs name what a data scientist looks for next."""
    assert sorted(template["Outputs"]) == [
        "ArtifactBucketName",
        "ModelBuildCloneUrl",
        "ModelBuildPipelineName",
        "ModelDeployCloneUrl",
        "ModelDeployPipelineName",
        "ModelPackageGroupName",
    ]
    assert all(output["Description"] for output in template["Outputs"].values())
