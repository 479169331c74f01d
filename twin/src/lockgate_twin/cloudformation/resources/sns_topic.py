"""AWS::SNS::Topic with its subscriptions. Ref is the ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, exists, names, refuse_existing

_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DisplayName": "",
    "FifoTopic": "",
    "KmsMasterKeyId": "",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}


def _attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name: text_of(properties[name]) for name in _DEFAULTS if name in properties}


def _create(request: Request) -> Made:
    sns, name = request.client("sns"), request.name
    if request.properties.get("FifoTopic") and not name.endswith(".fifo"):
        name = f"{name[:251]}.fifo"
    arn = f"arn:aws:sns:{request.region}:{request.account}:{name}"
    refuse_existing(name, found=exists(lambda: sns.get_topic_attributes(TopicArn=arn), "NotFound", "NotFoundException"))
    arn = sns.create_topic(Name=name, Attributes=_attributes(request.properties), **request.pick("Tags"))["TopicArn"]
    request.identify(arn)
    _subscribe(request, arn, request.properties.get("Subscription", []))
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _subscribe(request: Request, arn: str, subscriptions: list[Mapping[str, str]]) -> None:
    for item in subscriptions:
        request.client("sns").subscribe(TopicArn=arn, Protocol=item["Protocol"], Endpoint=item["Endpoint"])


def _update(request: Request) -> Made:
    sns, arn = request.client("sns"), request.physical_id
    before, after = _attributes(request.previous), _attributes(request.properties)
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            value = after.get(name, _DEFAULTS[name])
            sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
    if request.changed("Subscription"):
        _change_subscriptions(request, arn)
    added, removed = request.tag_changes
    if added:
        sns.tag_resource(ResourceArn=arn, Tags=added)
    if removed:
        sns.untag_resource(ResourceArn=arn, TagKeys=removed)
    return Made(arn)


def _change_subscriptions(request: Request, arn: str) -> None:
    before, after = request.previous.get("Subscription", []), request.properties.get("Subscription", [])
    dropped = [(item["Protocol"], item["Endpoint"]) for item in before if item not in after]
    for item in request.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        if (item["Protocol"], item["Endpoint"]) in dropped:
            request.client("sns").unsubscribe(SubscriptionArn=item["SubscriptionArn"])
    _subscribe(request, arn, [item for item in after if item not in before])


def _delete(request: Request) -> None:
    request.client("sns").delete_topic(TopicArn=request.physical_id)


ADAPTER = Adapter(
    type="AWS::SNS::Topic",
    properties=names("Subscription Tags TopicName") | _DEFAULTS.keys(),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("TopicName", 256),
    gone=names("NotFound NotFoundException"),
)
