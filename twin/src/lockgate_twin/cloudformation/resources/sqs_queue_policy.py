"""AWS::SQS::QueuePolicy: one policy set on queues. Ref and Id are a generated id."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, ignoring, names

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def _set(request: Request) -> None:
    policy = document(request.properties["PolicyDocument"])
    for url in request.properties["Queues"]:
        request.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _clear(request: Request, urls: list[str]) -> None:
    for url in urls:
        with ignoring(*_MISSING):
            request.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _create(request: Request) -> Made:
    request.identify(request.name)
    _set(request)
    return Made(request.name, {"Id": request.name})


def _update(request: Request) -> Made:
    _set(request)
    _clear(request, [url for url in request.previous["Queues"] if url not in request.properties["Queues"]])
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    _clear(request, request.properties["Queues"])


ADAPTER = Adapter(
    type="AWS::SQS::QueuePolicy",
    properties=names("PolicyDocument Queues"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 255),
)
