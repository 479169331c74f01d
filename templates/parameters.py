"""The product's public interface: what SageMaker fills in for a new project, and the tags every resource gets."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnParameter, Fn, Stack, Tags

PROJECT_NAME_PATTERN = r"^[a-zA-Z](-*[a-zA-Z0-9])*"
PROJECT_ID_PATTERN = r"^[a-z0-9](-*[a-z0-9])*"


def add_parameters(stack: Stack) -> None:
    """Declare the two parameters SageMaker fills in, with the bounds of AWS's own project templates.

    The pattern of the id is narrower than the API's: it becomes part of a bucket name, which has no upper-case letters.
    """
    CfnParameter(
        stack,
        "SageMakerProjectName",
        type="String",
        description="Name of the project. SageMaker fills it in.",
        min_length=1,
        max_length=32,
        allowed_pattern=PROJECT_NAME_PATTERN,
        constraint_description="must begin with a letter and contain only letters, digits and inner hyphens",
    )
    CfnParameter(
        stack,
        "SageMakerProjectId",
        type="String",
        description="Id of the project. SageMaker generates it.",
        min_length=1,
        max_length=20,
        allowed_pattern=PROJECT_ID_PATTERN,
        constraint_description="must contain only lower-case letters, digits and inner hyphens",
    )


def interface_metadata() -> dict[str, Any]:
    """How consoles group and label the parameters."""
    return {
        "AWS::CloudFormation::Interface": {
            "ParameterGroups": [
                {
                    "Label": {"default": "Project (filled in by SageMaker)"},
                    "Parameters": ["SageMakerProjectName", "SageMakerProjectId"],
                }
            ],
            "ParameterLabels": {
                "SageMakerProjectName": {"default": "Project name"},
                "SageMakerProjectId": {"default": "Project id"},
            },
        }
    }


def add_project_tags(stack: Stack) -> None:
    """Tag every resource with the project it belongs to; SageMaker Studio finds a project's resources by these tags."""
    for key, parameter in (
        ("sagemaker:project-id", "SageMakerProjectId"),
        ("sagemaker:project-name", "SageMakerProjectName"),
    ):
        Tags.of(stack).add(key, Fn.ref(parameter), exclude_resource_types=["aws:cdk:stack"])
