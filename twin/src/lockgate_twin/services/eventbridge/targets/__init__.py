"""The kinds of targets that the twin delivers to, one module each."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.ports import Administrators, Context
from lockgate_twin.services.eventbridge.ports import Functions, Queues, ServiceMay, TargetKind
from lockgate_twin.services.eventbridge.targets.codepipeline import CodePipelineTarget
from lockgate_twin.services.eventbridge.targets.function import FunctionTarget
from lockgate_twin.services.eventbridge.targets.log_group import LogGroupTarget
from lockgate_twin.services.eventbridge.targets.queue import QueueSender, QueueTarget
from lockgate_twin.services.eventbridge.targets.sagemaker_pipeline import SageMakerPipelineTarget
from lockgate_twin.services.eventbridge.targets.topic import TopicTarget
from lockgate_twin.services.topics import Topics


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


def messaging_targets(context: Context, administrators: Administrators, topics: Topics) -> Mapping[str, TargetKind]:
    """Return the kinds of targets that the accounts' administrators write to, after their own policies were asked."""
    return {"sns": TopicTarget(topics), "logs": LogGroupTarget(context, administrators, topics.may)}
