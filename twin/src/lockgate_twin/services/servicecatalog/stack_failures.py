"""Why a stack operation failed, in one message that names the resource and the reason.

The form is the one Service Catalog passes on from AWS (seen in aws-samples/amazon-sagemaker-from-idea-to-production,
issue 16): "Errors from CloudFormation: [{LogicalResourceId : ..., ResourceType : ..., StatusReason : ...}, ...]".
The twin leaves out events that are no failures and resources that were only cancelled, so that the cause comes first,
and adds the stack and the role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

_STARTS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
_CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled")


def failure_message(events: Iterable[Mapping[str, Any]], stack_reason: str) -> str:
    """Return the message for a failed operation; `events` are newest first, as DescribeStackEvents gives them."""
    causes = [_described(event) for event in _failures(events)]
    if not causes:
        return f"Errors from CloudFormation: [{{StatusReason : {stack_reason}}}]"
    return f"Errors from CloudFormation: [{', '.join(causes)}]"


def refused_message(error: ClientError) -> str:
    """Return the message for a stack operation that CloudFormation did not start."""
    told = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    source = f"(Service: AmazonCloudFormation; Status Code: {status}; Error Code: {told['Code']})"
    return f"AmazonCloudFormationException {told.get('Message', '')} {source}"


def _failures(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the failed resources of the newest operation, the first failure first."""
    found: list[Mapping[str, Any]] = []
    for event in events:
        of_stack = event.get("PhysicalResourceId") == event["StackId"]
        if of_stack and event["ResourceStatus"] in _STARTS:
            break
        if not of_stack and event["ResourceStatus"].endswith("_FAILED") and not _cancelled(event):
            found.insert(0, event)
    return found


def _cancelled(event: Mapping[str, Any]) -> bool:
    return str(event.get("ResourceStatusReason", "")).startswith(_CONSEQUENCES)


def _described(event: Mapping[str, Any]) -> str:
    return (
        f"{{LogicalResourceId : {event['LogicalResourceId']}, ResourceType : {event['ResourceType']}, "
        f"StatusReason : {event.get('ResourceStatusReason', 'none given')}}}"
    )
