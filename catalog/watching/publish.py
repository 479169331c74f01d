"""Publishes what a watch measured as metrics in CloudWatch; the endpoint's own alarm judges them."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

import boto3

Json = dict[str, Any]
NAMESPACE = "Lockgate"
METRICS = ("Rows", "UnreadRecords", "FailingChecks", "LargestDrift")
MOST_BYTES = 8 * 1024**2
_client = lru_cache(boto3.client)


class UnusableError(Exception):
    """The watch's result is not what it should be."""


def handler(event: Json, _context: Any) -> Json:
    """Publish the result at event["result"] for event["endpoint"]; the outputs of the pipeline's step Publish."""
    bucket, _, key = str(event["result"]).removeprefix("s3://").partition("/")
    content = _client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(MOST_BYTES)
    metrics = metrics_of(content, str(event["endpoint"]))
    dimensions = [{"Name": "EndpointName", "Value": str(event["endpoint"])}]
    data = [{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in metrics.items()]
    _client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)
    print(json.dumps({"endpoint": event["endpoint"], **metrics}))
    return {name: str(value) for name, value in metrics.items()}


def metrics_of(content: bytes, endpoint: str) -> dict[str, float]:
    """Read the metrics of a watch of this endpoint.

    Raises:
        UnusableError: it is not the result of a watch of this endpoint, or a metric is no finite number.
    """
    try:
        result = json.loads(content)
        found = {name: float(result["metrics"][name]) for name in METRICS if name in result["metrics"]}
        watched = result["endpoint"]
    except (ValueError, TypeError, KeyError) as error:
        raise UnusableError(f"the result of the watch cannot be read: {type(error).__name__} {error}") from None
    if watched != endpoint:
        raise UnusableError(f"the result is of {watched}, not of {endpoint}")
    if "FailingChecks" not in found or not all(map(math.isfinite, found.values())):
        raise UnusableError("the result lacks FailingChecks, or a metric is no finite number")
    return found
