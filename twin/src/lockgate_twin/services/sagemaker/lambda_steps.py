"""Lambda steps: invoke a function and wait for its answer (Developer Guide, "Lambda step").

The function is invoked synchronously as the pipeline's role. It cannot be stopped: a stop of the execution waits for
it, 10 minutes at most. When the time is over the step fails and the function goes on.

Assumption: how AWS words a failed Lambda step is not documented; the twin says "ClientError: Lambda function … failed"
with the function's own error. A declared output that the answer does not have fails the step.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.services.sagemaker.step_cache import StepResult
from lockgate_twin.services.sagemaker.step_call import StepCall, StepFailure
from lockgate_twin.services.sagemaker.step_outputs import listed, typed

TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class LambdaSteps:
    """Runs Lambda steps."""

    timeout: float = TIMEOUT_SECONDS

    def run(self, call: StepCall) -> StepResult:
        """Invoke the function with the step's arguments; its JSON object gives the step's outputs.

        Raises:
            StepFailure: the role may not invoke it, it failed, it took too long, or an output is missing or wrong.
        """
        arn = str(call.resolve(call.step.target))
        call.started({"Lambda": {"Arn": arn}})
        outputs = typed(call.step, _document(arn, self._answer(call, arn)))
        metadata = {"Lambda": {"Arn": arn, "OutputParameters": listed(outputs)}}
        return StepResult(properties={"OutputParameters": outputs}, metadata=metadata)

    def _answer(self, call: StepCall, arn: str) -> bytes:
        answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

        def invoke() -> None:
            try:
                answers.put(_invoked(call, arn))
            except Exception as error:  # noqa: BLE001  # passed on to the step's thread
                answers.put(error)

        threading.Thread(target=invoke, name=f"lambda of step {call.step.name}", daemon=True).start()
        try:
            answer = answers.get(timeout=self.timeout)
        except queue.Empty:
            raise StepFailure(
                f"ClientError: Lambda function {arn} did not finish within {self.timeout / 60:g} minutes, the limit "
                "of a Lambda step; the function itself goes on."
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def _invoked(call: StepCall, arn: str) -> bytes:
    payload = json.dumps(call.arguments).encode()
    response = call.invoke("lambda", "Invoke", FunctionName=arn, InvocationType="RequestResponse", Payload=payload)
    body = response.get("Payload") or b""
    answer: bytes = body if isinstance(body, bytes) else body.read()
    if response.get("FunctionError"):
        raise StepFailure(f"ClientError: Lambda function {arn} failed: {_told(answer)}")
    return answer


def _told(answer: bytes) -> str:
    try:
        error = json.loads(answer)
        return f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}"
    except (ValueError, AttributeError):
        return answer.decode(errors="replace")


def _document(arn: str, answer: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(answer or b"null")
    except ValueError as error:
        raise StepFailure(f"ClientError: Lambda function {arn} answered with no JSON: {error}") from error
    return document if isinstance(document, Mapping) else {}
