"""The stack of a provisioned product: created, updated and deleted with the launch role, and waited for.

Source: Administrator Guide, "AWS Service Catalog Launch Constraints": the launch role is assumed to launch, update and
terminate, and must be able to read the template in a bucket of the service, whose objects are tagged
servicecatalog:provisioning=true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.ports import Session
from lockgate_twin.services.servicecatalog.model import Artifact, ProvisionedProduct
from lockgate_twin.services.servicecatalog.stack_failures import failure_message, refused_message

_POLL_SECONDS = 0.05
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
_STACK_OUTPUT = {
    "OutputKey": "CloudformationStackARN",
    "Description": "The ARN of the launched Cloudformation Stack",
}


class StackError(Exception):
    """The stack operation failed. `stack_id` is the stack's ARN, or None if there is no stack."""

    def __init__(self, message: str, stack_id: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.stack_id = stack_id


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack that is as it was asked for."""

    id: str
    outputs: tuple[Mapping[str, Any], ...] = ()


def create(session: Session, provisioned: ProvisionedProduct, artifact: Artifact) -> Stack:
    """Create the stack and wait.

    Raises:
        StackError: it was refused or rolled back.
        ApiError: the launch role may not read the template.
    """
    _require_template(session, artifact)
    client = session.client("cloudformation")
    stack_id = _ask(
        lambda: client.create_stack(
            StackName=provisioned.stack_name,
            TemplateBody=artifact.template,
            Parameters=_parameters(provisioned.parameters),
            Tags=[{"Key": key, "Value": value} for key, value in provisioned.tags.items()],
            Capabilities=_CAPABILITIES,
        )["StackId"],
        provisioned.stack_id,
    )
    return wait(client, stack_id, "CREATE_COMPLETE")


def update(session: Session, provisioned: ProvisionedProduct, artifact: Artifact) -> Stack:
    """Update the stack and wait.

    Assumption: an update that changes nothing succeeds.

    Raises:
        StackError: it was refused or rolled back.
        ApiError: the launch role may not read the template.
    """
    _require_template(session, artifact)
    client = session.client("cloudformation")
    stack_id = provisioned.stack_id or provisioned.stack_name
    try:
        client.update_stack(
            StackName=stack_id,
            TemplateBody=artifact.template,
            Parameters=_parameters(provisioned.parameters),
            Capabilities=_CAPABILITIES,
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise StackError(refused_message(error), provisioned.stack_id) from error
        return _described(_find(client, stack_id))
    return wait(client, stack_id, "UPDATE_COMPLETE")


def delete(session: Session, provisioned: ProvisionedProduct) -> None:
    """Delete the stack and wait.

    Raises:
        StackError: something could not be deleted.
    """
    if provisioned.stack_id is None:
        return
    client = session.client("cloudformation")
    _ask(lambda: client.delete_stack(StackName=provisioned.stack_id), provisioned.stack_id)
    wait(client, provisioned.stack_id, "DELETE_COMPLETE")


def launch_again(session: Session, provisioned: ProvisionedProduct, artifact: Artifact) -> Stack:
    """Go on with a launch that an earlier twin began: CloudFormation has ended what it had under way.

    Raises:
        StackError: it was refused or rolled back.
        ApiError: the launch role may not read the template.
    """
    client = session.client("cloudformation")
    try:
        stack_id = str(_find(client, provisioned.stack_name)["StackId"])
    except ClientError:
        return create(session, provisioned, artifact)
    return wait(client, stack_id, "CREATE_COMPLETE")


def settle(session: Session, provisioned: ProvisionedProduct) -> None:
    """Wait until nothing works on the stack of a provisioned product any more.

    Raises:
        StackError: the stack cannot be read.
    """
    stack_id, client = provisioned.stack_id, session.client("cloudformation")
    if stack_id is not None:
        while _ask(lambda: _find(client, stack_id), stack_id)["StackStatus"].endswith("_IN_PROGRESS"):
            time.sleep(_POLL_SECONDS)


def _require_template(session: Session, artifact: Artifact) -> None:
    region = session.region
    session.require(
        "s3:GetObject",
        f"arn:aws:s3:::cf-templates-servicecatalog-{region}/{artifact.id}.template",
        context={"s3:ExistingObjectTag/servicecatalog:provisioning": "true"},
    )


def _parameters(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def _ask(request: Callable[[], Any], stack_id: str | None) -> Any:
    try:
        return request()
    except ClientError as error:
        raise StackError(refused_message(error), stack_id) from error


def wait(client: Any, stack_id: str, wanted: str) -> Stack:
    """Wait until a stack operation has come to its end.

    Raises:
        StackError: it ended in another status than `wanted`, or the stack cannot be read.
    """
    while True:
        stack = _ask(lambda: _find(client, stack_id), stack_id)
        status = stack["StackStatus"]
        if status == wanted:
            return _described(stack)
        if not status.endswith("_IN_PROGRESS"):
            raise StackError(_explained(client, stack), stack_id)
        time.sleep(_POLL_SECONDS)


def _find(client: Any, stack_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.describe_stacks(StackName=stack_id)["Stacks"][0]
    return found


def _explained(client: Any, stack: Mapping[str, Any]) -> str:
    reason = f"{stack['StackStatus']}: {stack.get('StackStatusReason', 'no reason given')}"
    try:
        pages = client.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
        return failure_message((event for page in pages for event in page["StackEvents"]), reason)
    except ClientError as error:
        return f"{reason}; its events cannot be read: {error}"


def _described(stack: Mapping[str, Any]) -> Stack:
    own = {**_STACK_OUTPUT, "OutputValue": stack["StackId"]}
    others = [
        {k: v for k, v in output.items() if k in {"OutputKey", "OutputValue", "Description"}}
        for output in stack.get("Outputs", ())
    ]
    return Stack(id=str(stack["StackId"]), outputs=(own, *others))
