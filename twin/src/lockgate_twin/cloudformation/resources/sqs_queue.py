"""AWS::SQS::Queue. Ref is the queue's URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import (
    Adapter,
    Made,
    Request,
    document,
    exists,
    names,
    refuse_existing,
    tag_map,
)

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoQueue": "",
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}


def _attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    given = {name: properties[name] for name in _DEFAULTS if name in properties}
    return {name: document(v) if isinstance(v, dict) else text_of(v) for name, v in given.items()}


def _create(request: Request) -> Made:
    sqs, name = request.client("sqs"), request.name
    if request.properties.get("FifoQueue") and not name.endswith(".fifo"):
        name = f"{name[:75]}.fifo"
    refuse_existing(name, found=exists(lambda: sqs.get_queue_url(QueueName=name), *_MISSING))
    tags = tag_map(request.properties.get("Tags", []))
    attributes = _attributes(request.properties)
    url = sqs.create_queue(QueueName=name, Attributes=attributes, **({"tags": tags} if tags else {}))["QueueUrl"]
    request.identify(url)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _update(request: Request) -> Made:
    sqs, url = request.client("sqs"), request.physical_id
    before = _attributes(request.previous)
    wanted = {**{name: _DEFAULTS[name] for name in before}, **_attributes(request.properties)}
    changed = {name: value for name, value in wanted.items() if before.get(name) != value}
    if changed:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=changed)
    added, removed = request.tag_changes
    if added:
        sqs.tag_queue(QueueUrl=url, Tags=tag_map(added))
    if removed:
        sqs.untag_queue(QueueUrl=url, TagKeys=removed)
    return Made(url)


def _delete(request: Request) -> None:
    request.client("sqs").delete_queue(QueueUrl=request.physical_id)


ADAPTER = Adapter(
    type="AWS::SQS::Queue",
    properties=names("QueueName Tags") | _DEFAULTS.keys(),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("QueueName", 80),
    gone=frozenset(_MISSING),
)
