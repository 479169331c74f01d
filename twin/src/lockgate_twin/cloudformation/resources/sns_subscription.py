"""AWS::SNS::Subscription. Ref and Arn are the subscription's ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, names

_ATTRIBUTES = (
    "DeliveryPolicy FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy ReplayPolicy SubscriptionRoleArn"
)
_CLEARED = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}


def _attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    given = {name: properties[name] for name in _ATTRIBUTES.split() if name in properties}
    return {name: document(v) if isinstance(v, dict) else text_of(v) for name, v in given.items()}


def _create(request: Request) -> Made:
    values = request.pick("TopicArn", "Protocol", "Endpoint")
    attributes = _attributes(request.properties)
    arn = request.client("sns").subscribe(**values, Attributes=attributes, ReturnSubscriptionArn=True)[
        "SubscriptionArn"
    ]
    request.identify(arn)
    return Made(arn, {"Arn": arn})


def _update(request: Request) -> Made:
    before, after = _attributes(request.previous), _attributes(request.properties)
    for name in {**before, **after}:
        value = after.get(name, _CLEARED.get(name, "{}"))
        if before.get(name) != after.get(name):
            arn = request.physical_id
            request.client("sns").set_subscription_attributes(
                SubscriptionArn=arn, AttributeName=name, AttributeValue=value
            )
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("sns").unsubscribe(SubscriptionArn=request.physical_id)


ADAPTER = Adapter(
    type="AWS::SNS::Subscription",
    properties=names(f"Endpoint Protocol TopicArn {_ATTRIBUTES}"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("NotFound NotFoundException"),
)
