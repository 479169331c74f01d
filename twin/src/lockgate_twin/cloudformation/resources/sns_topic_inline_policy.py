"""AWS::SNS::TopicInlinePolicy: the policy of one topic. Ref is the topic's ARN."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.sns_topic_policies import put, reset


def _create(request: Request) -> Made:
    arn = request.properties["TopicArn"]
    put(request, arn, request.properties["PolicyDocument"])
    request.identify(arn)
    return Made(arn)


def _update(request: Request) -> Made:
    put(request, request.physical_id, request.properties["PolicyDocument"])
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    reset(request, request.physical_id)


ADAPTER = Adapter(
    type="AWS::SNS::TopicInlinePolicy",
    properties=names("PolicyDocument TopicArn"),
    create=_create,
    update=_update,
    delete=_delete,
)
