"""The production endpoints of projects: what each serves and where it records its traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
STAGE = "-prod"
"""How names of production endpoints end; requests and answers of other stages are tests."""

MOST_PAGES = 100


class UnwatchableError(Exception):
    """The endpoint cannot be watched; the text says why."""


@dataclass(frozen=True)
class Watchable:
    """A production endpoint. `captured` ends in a slash; below it are yyyy/mm/dd/hh."""

    name: str
    model_package_arn: str
    captured: str
    decision: str


def names(sagemaker: Any) -> Iterator[str]:
    """Every endpoint in service whose name is that of a production endpoint, page by page."""
    request: Json = {"NameContains": STAGE, "StatusEquals": "InService", "MaxResults": 100}
    for _ in range(MOST_PAGES):
        page = sagemaker.list_endpoints(**request)
        yield from (e["EndpointName"] for e in page["Endpoints"] if e["EndpointName"].endswith(STAGE))
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def watchable(name: str, sagemaker: Any) -> Watchable:
    """Find out what an endpoint serves and captures.

    Raises:
        UnwatchableError: it is of no project, captures nothing, or serves no decided version.
    """
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    if "sagemaker:project-id" not in tags(endpoint["EndpointArn"], sagemaker):
        raise UnwatchableError("it belongs to no project")
    capture = endpoint.get("DataCaptureConfig", {})
    if not capture.get("EnableCapture"):
        raise UnwatchableError("it captures no data")
    variant = endpoint["ProductionVariants"][0]["VariantName"]
    package = _package(endpoint["EndpointConfigName"], sagemaker)
    described = sagemaker.describe_model_package(ModelPackageName=package)
    decision = described.get("CustomerMetadataProperties", {}).get("DecisionUri")
    if not decision:
        raise UnwatchableError(f"nothing was decided about {package}, so that there is no baseline")
    captured = f"{capture['DestinationS3Uri'].rstrip('/')}/{name}/{variant}/"
    return Watchable(name, package, captured, decision)


def tags(arn: str, sagemaker: Any) -> dict[str, str]:
    """Return a resource's tags."""
    return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def _package(configuration: str, sagemaker: Any) -> str:
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    container = (model.get("Containers") or [model.get("PrimaryContainer", {})])[0]
    package: str | None = container.get("ModelPackageName")
    if package is None:
        raise UnwatchableError("it serves a model that is not from the registry")
    return package
