"""Which model version an endpoint really serves.

An InService endpoint proves nothing by itself: after a failed update SageMaker rolls back and ends InService
on the old configuration (Amazon SageMaker developer guide, deployment-guardrails). So the way from endpoint
to package is walked.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import RefusedError


def check_serving(sagemaker: Any, endpoint_name: str, model_package_arn: str) -> None:
    """Check that the endpoint is InService and all of its traffic goes to this model version.

    Raises:
        RefusedError: it does not exist, is not InService, or serves something else.
    """
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        raise RefusedError(f"The endpoint {endpoint_name} cannot be read: {error}") from error
    status = endpoint["EndpointStatus"]
    if status != "InService":
        reason = endpoint.get("FailureReason", "no reason given")
        raise RefusedError(f"The endpoint {endpoint_name} is {status}, not InService: {reason}")
    served = served_packages(sagemaker, endpoint["EndpointConfigName"])
    if served != [model_package_arn]:
        raise RefusedError(
            f"The endpoint {endpoint_name} is InService but serves {' and '.join(served)} instead of "
            f"{model_package_arn}: the update was rolled back, or somebody changed the endpoint."
        )


def served_packages(sagemaker: Any, endpoint_config_name: str) -> list[str]:
    """What a configuration's containers were made from: model package ARNs, or images where there is none."""
    configuration = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint_config_name)
    variants = configuration["ProductionVariants"]
    models = [sagemaker.describe_model(ModelName=variant["ModelName"]) for variant in variants]
    containers = [container for model in models for container in _containers(model)]
    return [
        container.get("ModelPackageName") or container.get("Image", "nothing") for container in containers
    ]


def _containers(model: dict[str, Any]) -> list[dict[str, Any]]:
    primary = model.get("PrimaryContainer")
    return [primary] if primary else list(model.get("Containers", []))
