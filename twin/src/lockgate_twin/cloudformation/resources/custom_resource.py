"""AWS::CloudFormation::CustomResource and Custom::*: a Lambda function or a topic's subscriber does the work.

Ref is the provider's PhysicalResourceId, Fn::GetAtt reads its Data.
Source: "Custom resource request objects", "Lambda-backed custom resources" and "AWS::CloudFormation::CustomResource"
of the CloudFormation guides: the function is invoked asynchronously, and the response is awaited for ServiceTimeout
(3,600 s); a new PhysicalResourceId on an update means a replacement, whose old one is deleted in the clean-up.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import Unsuccessful
from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.cloudformation.resources import custom_responses
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.custom_responses import Response

TYPE = "AWS::CloudFormation::CustomResource"
_TIMEOUT = 3600.0
_SUBJECT = "AWS CloudFormation custom resource request"


def _create(request: Request) -> Made:
    answer = _ask(request, "Create", {})
    if answer.failed:
        # What a failed creation may have left behind is deleted under this id.
        request.identify(answer.physical_id or request.name)
        raise _refused(answer)
    request.identify(answer.physical_id)
    return _made(answer)


def _update(request: Request) -> Made:
    old = {"PhysicalResourceId": request.physical_id, "OldResourceProperties": as_text(request.previous)}
    answer = _ask(request, "Update", old)
    if answer.failed:
        raise _refused(answer)
    return _made(answer)


def _delete(request: Request) -> None:
    answer = _ask(request, "Delete", {"PhysicalResourceId": request.physical_id})
    if answer.failed:
        raise _refused(answer)


def _made(answer: Response) -> Made:
    return Made(answer.physical_id, answer.data, no_echo=answer.no_echo)


def _refused(answer: Response) -> Unsuccessful:
    return Unsuccessful(f"Received response status [FAILED] from custom resource. Message returned: {answer.reason}")


def _ask(request: Request, kind: str, more: Mapping[str, Any]) -> Response:
    around, request_id = request.around, str(uuid.uuid4())
    seconds = float(request.properties.get("ServiceTimeout", _TIMEOUT))
    url = around.signals.open(around.stack_id, f"{request.logical_id}|{request_id}", once=True, seconds=seconds)
    asked = {
        "RequestType": kind,
        "ServiceToken": request.properties["ServiceToken"],
        "ResponseURL": url,
        "StackId": around.stack_id,
        "RequestId": request_id,
        "LogicalResourceId": request.logical_id,
        "ResourceType": request.type,
        "ResourceProperties": as_text(request.properties),
        **more,
    }
    try:
        _send(request, json.dumps(asked))
        # Only a creation is cancelled, by the deletion of its stack.
        cancelled = around.cancelled if kind == "Create" else threading.Event()
        body = around.signals.wait(url, seconds, cancelled)
    finally:
        around.signals.close(url)
    if body is None:
        raise _silent(request_id, cancelled=cancelled.is_set())
    return custom_responses.read(body, asked)


def _send(request: Request, message: str) -> None:
    token = str(request.properties["ServiceToken"])
    if token.startswith("arn:") and token.split(":")[2:4] == ["lambda", request.region]:
        request.client("lambda").invoke(FunctionName=token, InvocationType="Event", Payload=message.encode())
    elif token.startswith("arn:") and token.split(":")[2:4] == ["sns", request.region]:
        request.client("sns").publish(TopicArn=token, Subject=_SUBJECT, Message=message)
    else:
        raise Unsuccessful(
            f"Invalid service token: {token} is neither a Lambda function nor an SNS topic of the region."
        )


def _silent(request_id: str, *, cancelled: bool) -> Unsuccessful:
    if cancelled:
        return Unsuccessful("Resource creation cancelled")
    return Unsuccessful(
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{request_id}]. If you are using the Python cfn-response module, you may need to update your Lambda function "
        "code so that CloudFormation can attach the updated version."
    )


def as_text(value: Any) -> Any:
    """Return properties as a provider gets them: numbers and booleans become text."""
    if isinstance(value, Mapping):
        return {key: as_text(member) for key, member in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return text_of(value)


ADAPTER = Adapter(
    type=TYPE,
    properties=names("ServiceTimeout ServiceToken"),
    create=_create,
    update=_update,
    delete=_delete,
    open_ended=True,
    keeps_attributes=False,
)
