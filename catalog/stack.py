"""Bring a stack to a template and wait until CloudFormation is done."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from catalog.errors import HubError
from catalog.polling import Polling, wait

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
_CASCADES = ("Resource creation cancelled", "Resource update cancelled")
"""Reasons CloudFormation gives for resources that failed only because another one did."""


def create_stack(cloudformation: Any, name: str, template: str, polling: Polling) -> None:
    """Create a stack and wait.

    Raises:
        HubError: the creation failed; names the first resource that did and why.
    """
    created = cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=_CAPABILITIES)
    _finish(cloudformation, (name, created["StackId"]), "CREATE_COMPLETE", polling)


def update_stack(cloudformation: Any, name: str, template: str, polling: Polling) -> None:
    """Update a stack and wait; CloudFormation finding nothing to update is fine.

    Raises:
        HubError: the update failed and was rolled back.
    """
    try:
        updated = cloudformation.update_stack(StackName=name, TemplateBody=template, Capabilities=_CAPABILITIES)
    except ClientError as error:
        if "No updates are to be performed" in error.response["Error"].get("Message", ""):
            return
        raise
    _finish(cloudformation, (name, updated["StackId"]), "UPDATE_COMPLETE", polling)


def delete_stack(cloudformation: Any, name: str, polling: Polling) -> None:
    """Delete a stack and wait.

    Raises:
        HubError: the deletion failed.
    """
    stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack_id)
    _finish(cloudformation, (name, stack_id), "DELETE_COMPLETE", polling)


def _finish(cloudformation: Any, stack: tuple[str, str], wanted: str, polling: Polling) -> None:
    name, stack_id = stack

    def ended() -> str | None:
        status: str = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        return None if status.endswith("_IN_PROGRESS") else status

    status = wait(ended, f"The stack {name}", polling)
    if status != wanted:
        raise HubError(f"The stack {name} is {status}: {_cause(cloudformation, stack_id)}")


def _cause(cloudformation: Any, stack_id: str) -> str:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    events = [event for page in pages for event in page["StackEvents"]]
    failures = [
        event
        for event in _of_last_operation(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and not event.get("ResourceStatusReason", "").startswith(_CASCADES)
    ]
    if not failures:
        return "CloudFormation names no failed resource; look at the stack's events."
    first = failures[-1]
    reason = first.get("ResourceStatusReason", "no reason given").rstrip(".")
    return f"{first['LogicalResourceId']} ({first['ResourceType']}) failed: {reason}."


def _of_last_operation(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events come newest first (DescribeStackEvents); an operation begins with the stack's own *_IN_PROGRESS."""
    starts = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
    for index, event in enumerate(events):
        if event["PhysicalResourceId"] == event["StackId"] and event["ResourceStatus"] in starts:
            return events[: index + 1]
    return events
