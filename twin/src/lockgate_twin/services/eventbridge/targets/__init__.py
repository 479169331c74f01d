"""The kinds of targets that the twin delivers to, one module each."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.ports import Context
from lockgate_twin.services.eventbridge.ports import Functions, Queues, ServiceMay, TargetKind
from lockgate_twin.services.eventbridge.targets.codepipeline import CodePipelineTarget
from lockgate_twin.services.eventbridge.targets.function import FunctionTarget
from lockgate_twin.services.eventbridge.targets.queue import QueueSender, QueueTarget
from lockgate_twin.services.eventbridge.targets.sagemaker_pipeline import SageMakerPipelineTarget


def standard_targets(
    context: Context, functions: Functions, queues: Queues, may: ServiceMay
) -> Mapping[str, TargetKind]:
    """Return the kinds of targets by the service in their ARN."""
    return {
        "lambda": FunctionTarget(functions, may),
        "codepipeline": CodePipelineTarget(context),
        "sagemaker": SageMakerPipelineTarget(context),
        "sqs": QueueTarget(QueueSender(queues, may)),
    }
