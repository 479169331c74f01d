"""Callback steps: a message with a token to a queue, and the API call that answers it.

Source: Developer Guide, "Callback step" (the message's members; a step that runs is told of a stop by a second message
with the status "Stopping", and the execution stops only when the token is answered). The queue is written as the
pipeline's role.

Assumptions: the first message has the status "Executing"; a token that was answered already is a ConflictException,
unless the same answer comes again with the same ClientRequestToken.
"""

from __future__ import annotations

import json
import secrets
import string
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.sagemaker.errors import conflict, not_found
from lockgate_twin.services.sagemaker.names import place
from lockgate_twin.services.sagemaker.step_cache import StepResult
from lockgate_twin.services.sagemaker.step_call import StepCall, StepFailure, StepStopped
from lockgate_twin.services.sagemaker.step_outputs import listed, typed

TOKEN_CHARACTERS = string.ascii_letters + string.digits
TOKEN_LENGTH = 10


@dataclass
class Waiting:
    """A step that waits for its token to be answered; `answer` is the request that did, None when the twin closes."""

    execution_arn: str
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Mapping[str, Any] | None = None


class Callbacks:
    """Runs Callback steps, and the operations that answer them."""

    name = "sagemaker"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "SendPipelineExecutionStepSuccess": self.answer,
            "SendPipelineExecutionStepFailure": self.answer,
        }

    def run(self, call: StepCall) -> StepResult:
        """Send the message and wait for the answer.

        Raises:
            StepFailure: the queue cannot be written, or the answer is a failure.
            StepStopped: the twin is closing.
        """
        url = str(call.resolve(call.step.target))
        token = "".join(secrets.choice(TOKEN_CHARACTERS) for _ in range(TOKEN_LENGTH))
        waiting = Waiting(call.execution_arn)
        with self._lock:
            self._waiting[token] = waiting
        known = {"CallbackToken": token, "SqsQueueUrl": url}
        call.started({"Callback": known})
        _send(call, url, token, "Executing")
        call.on_stop(lambda: self._tell_stopping(call, url, token))
        waiting.answered.wait()
        outputs = typed(call.step, _given(waiting.answer))
        metadata = {"Callback": {**known, "OutputParameters": listed(outputs)}}
        return StepResult(properties={"OutputParameters": outputs}, metadata=metadata)

    def answer(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Answer a token (both operations).

        Raises:
            ApiError: ResourceNotFound for an unknown token, ConflictException for one that was answered.
        """
        request = {"operation": call.operation, **parameters}
        token, where = parameters["CallbackToken"], place(call)
        with self._lock:
            waiting = self._waiting.get(token)
            if waiting is None or not waiting.execution_arn.startswith(where.arn("pipeline", "")):
                raise not_found(f"No callback step waits for the token {token}.")
            if waiting.answered.is_set() and (waiting.answer != request or "ClientRequestToken" not in request):
                raise conflict(f"The callback token {token} was answered already.")
            waiting.answer = request
            waiting.answered.set()
        return {"PipelineExecutionArn": waiting.execution_arn}

    def close(self) -> None:
        """Wait no more."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.answered.set()

    def _tell_stopping(self, call: StepCall, url: str, token: str) -> None:
        # A queue that can no longer be written must not keep the other steps from being stopped.
        with suppress(StepFailure):
            if not self._waiting[token].answered.is_set():
                _send(call, url, token, "Stopping")


def _send(call: StepCall, url: str, token: str, status: str) -> None:
    message = {
        "token": token,
        "pipelineExecutionArn": call.execution_arn,
        "arguments": call.arguments,
        "status": status,
    }
    call.invoke("sqs", "SendMessage", QueueUrl=url, MessageBody=json.dumps(message))


def _given(answer: Mapping[str, Any] | None) -> dict[str, str]:
    if answer is None:
        raise StepStopped
    if answer["operation"] == "SendPipelineExecutionStepFailure":
        raise StepFailure(answer.get("FailureReason") or "The callback step was answered with a failure.")
    return {item["Name"]: item["Value"] for item in answer.get("OutputParameters", [])}
