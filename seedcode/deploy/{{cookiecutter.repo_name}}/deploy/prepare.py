"""`python -m deploy.prepare`: check the model version and write what CloudFormation deploys to each stage."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy import model_package
from deploy.environment import Environment, read_environment
from deploy.errors import DeployError
from deploy.model_package import ModelPackage
from deploy.stages import Stage, load_stages

ROOT = Path(__file__).resolve().parent.parent


def stage_parameters(stage: Stage, package: ModelPackage, environment: Environment) -> dict[str, str]:
    """What one stage's stack is told, but for the digest of it all."""
    return {
        "SageMakerProjectName": environment.project_name,
        "SageMakerProjectId": environment.project_id,
        "StageName": stage.name,
        "EndpointName": environment.endpoint_name(stage.name),
        "ModelPackageArn": package.arn,
        "ModelDigest": package.digest,
        "ModelExecutionRoleArn": environment.execution_role_arn,
        "KmsKeyArn": environment.kms_key_arn,
        "InstanceType": stage.instance_type,
        "InstanceCount": str(stage.instance_count),
        "DataCapturePercentage": str(stage.data_capture_percentage),
        "DataCaptureUri": f"s3://{environment.artifact_bucket}/data-capture/{stage.name}",
        "RetrainOnDrift": str(stage.retrain_on_drift).lower(),
    }


def deployment_id(template: str, parameters: Mapping[str, str]) -> str:
    """Twelve hexadecimal digits that differ whenever the template or a parameter does."""
    content = json.dumps([template, parameters], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def prepare(root: Path, package: ModelPackage, environment: Environment) -> list[Path]:
    """Write template-export.yaml and one template configuration for each stage; returns the files."""
    template = (root / "endpoint.template.yaml").read_text(encoding="utf-8")
    contents = {"template-export.yaml": template}
    for stage in load_stages(root / "stages.toml").values():
        parameters = stage_parameters(stage, package, environment)
        parameters["DeploymentId"] = deployment_id(template, parameters)
        tags = {
            "sagemaker:project-name": environment.project_name,
            "sagemaker:project-id": environment.project_id,
        }
        configuration = {"Parameters": parameters, "Tags": tags}
        contents[f"{stage.name}-config-export.json"] = json.dumps(configuration, indent=2)
    for name, content in contents.items():
        (root / name).write_text(content, encoding="utf-8")
    return [root / name for name in contents]


def main() -> int:
    """Run for the repository this file is in; every failure is one clear message."""
    try:
        environment = read_environment(os.environ)
        sagemaker, s3 = (boto3.client(name, region_name=environment.region) for name in ("sagemaker", "s3"))
        package = model_package.deployable(sagemaker, s3, environment)
        print(package.verified)
        for path in prepare(ROOT, package, environment):
            print(f"wrote {path.name}")
    except (DeployError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
