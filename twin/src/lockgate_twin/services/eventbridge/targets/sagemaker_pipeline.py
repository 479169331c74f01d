"""A SageMaker pipeline as target: its role starts an execution with parameters taken from the event.

Source: SageMaker Developer Guide, "Run a pipeline using Amazon EventBridge": parameter values are constants or
JSON paths into the event (dynamic path parameters refer to the original event, not to a transformed one).
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Context
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched, compact
from lockgate_twin.services.eventbridge.json_path import ABSENT, JsonPathError, resolve
from lockgate_twin.services.eventbridge.targets.role import client_of


class SageMakerPipelineTarget:
    """Starts SageMaker pipelines; the request token makes a repeated attempt harmless."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def deliver(self, matched: Matched) -> None:
        """Start an execution of the pipeline.

        Raises:
            DeliveryError: no such pipeline, no permission, or a path that points at nothing.
        """
        arn = str(matched.target["Arn"])
        kind, _, name = arn.split(":", 5)[5].partition("/")
        if kind != "pipeline":
            raise delivery_error(NotImplementedByTwin(f"A SageMaker {kind} as an EventBridge target"))
        parameters = [_parameter(p, matched) for p in _parameter_list(matched)]
        client = client_of(self._context, matched, "sagemaker")
        try:
            client.start_pipeline_execution(
                PipelineName=name, PipelineParameters=parameters, ClientRequestToken=str(matched.event["id"])
            )
        except (ClientError, ParamValidationError) as error:
            raise delivery_error(error) from error


def _parameter_list(matched: Matched) -> list[dict[str, str]]:
    given = matched.target.get("SageMakerPipelineParameters") or {}
    return list(given.get("PipelineParameterList") or [])


def _parameter(parameter: dict[str, str], matched: Matched) -> dict[str, str]:
    value = parameter["Value"]
    if value.startswith("$"):
        value = _text(_resolved(value, matched))
    return {"Name": parameter["Name"], "Value": value}


def _resolved(path: str, matched: Matched) -> Any:
    try:
        value = resolve(path, matched.event)
    except JsonPathError as error:
        raise DeliveryError("INVALID_PARAMETER", str(error)) from error
    if value is ABSENT:
        raise DeliveryError("INVALID_PARAMETER", f"The event has nothing at {path}.")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)
