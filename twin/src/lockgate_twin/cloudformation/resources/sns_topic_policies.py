"""What the two types for an SNS topic's policy share.

Source: SNS Developer Guide, "Example cases for Amazon SNS access control": a topic without a policy of its own has
the default one, which deleting the policy's resource brings back.
"""

from __future__ import annotations

import json
from typing import Any

from lockgate_twin.cloudformation.resources.adapter import Request, document, ignoring

MISSING = ("NotFound", "NotFoundException")
_OWNER_ACTIONS = (
    "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe"
    " ListSubscriptionsByTopic Publish"
)


def put(request: Request, arn: str, policy: Any) -> None:
    """Set a topic's policy."""
    request.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document(policy))


def reset(request: Request, arn: str) -> None:
    """Give a topic the default policy, if the topic is still there."""
    with ignoring(*MISSING):
        put(request, arn, json.dumps(_default(arn, arn.split(":")[4])))


def _default(arn: str, account: str) -> dict[str, Any]:
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _OWNER_ACTIONS.split()],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
