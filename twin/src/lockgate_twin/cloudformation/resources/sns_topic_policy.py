"""AWS::SNS::TopicPolicy: one policy set on topics. Ref and Id are a generated id."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.sns_topic_policies import put, reset


def _set(request: Request) -> None:
    for arn in request.properties["Topics"]:
        put(request, arn, request.properties["PolicyDocument"])


def _create(request: Request) -> Made:
    request.identify(request.name)
    _set(request)
    return Made(request.name, {"Id": request.name})


def _update(request: Request) -> Made:
    _set(request)
    for arn in request.previous["Topics"]:
        if arn not in request.properties["Topics"]:
            reset(request, arn)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    for arn in request.properties["Topics"]:
        reset(request, arn)


ADAPTER = Adapter(
    type="AWS::SNS::TopicPolicy",
    properties=names("PolicyDocument Topics"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 255),
)
