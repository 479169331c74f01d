"""The committed template, parsed, with the values of one project put in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from templates.app import TEMPLATE_FILE, VERSIONS, use_packaged_node
from templates.settings import VERSION
from tests.support.template_rules import load_template
from tests.support.template_values import Values, project_values

use_packaged_node()

NAME, ID = "Fraud-Detection", "p-idy6c3e1fiqj"
HUB = {
    "HubBucketName": "sagemaker-lockgate-hub-111122223333-us-east-1",
    "LogBucketName": "sagemaker-lockgate-logs-111122223333-us-east-1",
    "KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/0f9a4b0e-6f0a-4c38-9b6a-2f4d6c1b7e55",
    "ProjectBoundaryArn": "arn:aws:iam::111122223333:policy/lockgate/sagemaker-lockgate-project-boundary",
    "BuildSeedKey": "seeds/build-0a1b2c.zip",
    "DeploySeedKey": "seeds/deploy-3d4e5f.zip",
}


@pytest.fixture(scope="session")
def committed() -> Path:
    """The committed template of the current version."""
    return VERSIONS / VERSION / TEMPLATE_FILE


@pytest.fixture(scope="session")
def template(committed: Path) -> dict[str, Any]:
    """The committed template, parsed."""
    return load_template(committed)


@pytest.fixture(scope="session")
def published(template: dict[str, Any]) -> dict[str, Any]:
    """The template as publishing makes it: with the hub's values."""
    return template | {"Mappings": {"Hub": {"Settings": HUB}}}


@pytest.fixture(scope="session")
def synthesized() -> str:
    """The template's text, synthesized once in this process."""
    from templates.settings import Settings
    from templates.synthesis import synthesize

    return synthesize(Settings())


@pytest.fixture(scope="session")
def values(published: dict[str, Any]) -> Values:
    """The values of one project, whose name SageMaker would lower-case in ARNs."""
    return project_values(published, NAME, ID)
