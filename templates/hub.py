"""The values of the platform team's hub that a project refers to.

They stand in the mapping ``Hub`` under ``Settings``. The committed template carries a placeholder for each; publishing
writes the real values into the copy it uploads, so that a project's creator neither sees nor changes them.
"""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import CfnMapping, Stack, Token

MAPPING = "Hub"
SETTINGS = "Settings"
PLACEHOLDER = "set-at-publish"


class Setting(StrEnum):
    """One value the hub provides."""

    HUB_BUCKET_NAME = "HubBucketName"
    LOG_BUCKET_NAME = "LogBucketName"
    KMS_KEY_ARN = "KmsKeyArn"
    PROJECT_BOUNDARY_ARN = "ProjectBoundaryArn"
    BUILD_SEED_KEY = "BuildSeedKey"
    DEPLOY_SEED_KEY = "DeploySeedKey"


def add_hub_mapping(stack: Stack) -> None:
    """Declare the mapping with a placeholder for every value."""
    CfnMapping(stack, MAPPING, mapping={SETTINGS: {setting.value: PLACEHOLDER for setting in Setting}})


def lint_metadata() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Tell cfn-lint not to judge placeholders as the ARNs they stand for (W1034); the published copy has real ones."""
    return {"cfn-lint": {"config": {"ignore_checks": ["W1034"]}}}


def lookup(setting: Setting) -> dict[str, list[str]]:
    """The intrinsic that yields the value."""
    return {"Fn::FindInMap": [MAPPING, SETTINGS, setting.value]}


def value(setting: Setting) -> str:
    """The value as a token, for properties that must be text."""
    token: str = Token.as_string(lookup(setting))
    return token
