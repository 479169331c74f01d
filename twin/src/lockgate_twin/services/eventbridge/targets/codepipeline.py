"""A CodePipeline pipeline as target: its role starts an execution.

Source: EventBridge User Guide, "Amazon EventBridge targets"; `sourceRevisions` in the input pin the revision
(CodePipeline User Guide, "Source revision overrides"). An event without a transformed input starts the newest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Context
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.input_transformer import Matched, target_input
from lockgate_twin.services.eventbridge.targets.role import client_of

_TRANSFORMED = ("Input", "InputPath", "InputTransformer")


class CodePipelineTarget:
    """Starts pipelines."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def deliver(self, matched: Matched) -> None:
        """Start an execution of the pipeline.

        Raises:
            DeliveryError: no such pipeline, no permission, or an input the twin does not understand.
        """
        revisions = _source_revisions(matched)
        client = client_of(self._context, matched, "codepipeline")
        name = str(matched.target["Arn"]).rsplit(":", 1)[1]
        try:
            client.start_pipeline_execution(name=name, **revisions)
        except (ClientError, ParamValidationError) as error:
            raise delivery_error(error) from error


def _source_revisions(matched: Matched) -> Mapping[str, Any]:
    if not any(matched.target.get(name) for name in _TRANSFORMED):
        return {}
    text = target_input(matched)
    try:
        given = json.loads(text)
    except ValueError:
        raise DeliveryError("INVALID_JSON", f"The input for the pipeline is not valid JSON: {text}") from None
    if not isinstance(given, dict):
        raise DeliveryError("INVALID_PARAMETER", f"The input for the pipeline is not a JSON object: {text}")
    if unknown := sorted(set(given) - {"sourceRevisions"}):
        what = f"The input member {', '.join(unknown)} of an EventBridge rule's CodePipeline target"
        raise delivery_error(NotImplementedByTwin(what))
    return given
