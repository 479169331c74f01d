"""The model package group: the project's versions of its model, and where their approval is recorded."""

from __future__ import annotations

from aws_cdk import Fn, Stack
from aws_cdk import aws_sagemaker as sagemaker

from templates import names
from templates.storage import keep


def add_model_package_group(stack: Stack) -> sagemaker.CfnModelPackageGroup:
    """Make the group. Its tags name the project: versions in a group cannot carry tags of their own."""
    group = sagemaker.CfnModelPackageGroup(
        stack,
        "ModelPackageGroup",
        model_package_group_name=Fn.sub(names.MODEL_PACKAGE_GROUP),
        model_package_group_description=Fn.sub(f"Model versions of SageMaker project {names.PROJECT_NAME}"),
    )
    keep(group)
    return group
