"""Invoke, and the settings of asynchronous invocation."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.lambda_.asynchronous import AsynchronousQueue
from lockgate_twin.services.lambda_.destinations import require_sendable
from lockgate_twin.services.lambda_.invocation import Invocation
from lockgate_twin.services.lambda_.invoker import Invoker
from lockgate_twin.services.lambda_.logs import report
from lockgate_twin.services.lambda_.model import Function
from lockgate_twin.services.lambda_.names import LATEST, function_key, key_of
from lockgate_twin.services.lambda_.store import FunctionStore

# Lambda Developer Guide, "Lambda quotas": invocation payload.
_MAX_SYNCHRONOUS_BYTES = 6 * 1024 * 1024
_MAX_ASYNCHRONOUS_BYTES = 1024 * 1024
_TAIL_BYTES = 4096


class InvocationOperations:
    """The operations that run functions."""

    def __init__(self, store: FunctionStore, invoker: Invoker, queue: AsynchronousQueue) -> None:
        self._store = store
        self._invoker = invoker
        self._queue = queue

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "Invoke": self.invoke,
            "PutFunctionEventInvokeConfig": self.put_function_event_invoke_config,
            "UpdateFunctionEventInvokeConfig": self.update_function_event_invoke_config,
            "GetFunctionEventInvokeConfig": self.get_function_event_invoke_config,
            "DeleteFunctionEventInvokeConfig": self.delete_function_event_invoke_config,
        }

    def invoke(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a function and wait (RequestResponse), queue an event (Event), or only check (DryRun)."""
        key = function_key(parameters["FunctionName"], call, parameters.get("Qualifier"))
        function = self._store.get(key)
        kind = parameters.get("InvocationType", "RequestResponse")
        invocation = _invocation(parameters)
        if kind == "DryRun":
            return {"StatusCode": 204, "ExecutedVersion": LATEST, "Payload": b""}
        if kind == "Event":
            self._submit(function, invocation)
            return {"StatusCode": 202, "Payload": b""}
        return self._answer(function, invocation, tail=parameters.get("LogType") == "Tail")

    def invoke_asynchronously(self, function_arn: str, payload: bytes) -> None:
        """Queue an event on behalf of an AWS service that has checked the function's policy.

        Raises:
            ApiError: ResourceNotFoundException or RequestTooLargeException.
        """
        function = self._store.get(key_of(function_arn))
        self._submit(function, Invocation(request_id=str(uuid.uuid4()), payload=payload))

    def put_function_event_invoke_config(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Set retries, event age and destinations."""
        return self._configure(parameters, call, keep=False)

    def update_function_event_invoke_config(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change some of retries, event age and destinations."""
        return self._configure(parameters, call, keep=True)

    def get_function_event_invoke_config(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show retries, event age and destinations."""
        function = self._named(parameters, call)
        if function.invoke_config is None:
            raise _no_config(function)
        return _config_view(function)

    def delete_function_event_invoke_config(self, parameters: dict[str, Any], call: Call) -> None:
        """Return to the defaults."""
        function = self._named(parameters, call)
        if function.invoke_config is None:
            raise _no_config(function)
        self._store.change(function.key, lambda f: replace(f, invoke_config=None))

    def _named(self, parameters: Mapping[str, Any], call: Call) -> Function:
        return self._store.get(function_key(parameters["FunctionName"], call, parameters.get("Qualifier")))

    def _submit(self, function: Function, invocation: Invocation) -> None:
        _require_size(invocation, _MAX_ASYNCHRONOUS_BYTES)
        self._queue.submit(function.key, invocation)

    def _answer(self, function: Function, invocation: Invocation, *, tail: bool) -> dict[str, Any]:
        _require_size(invocation, _MAX_SYNCHRONOUS_BYTES)
        outcome = self._invoker.invoke(function, invocation)
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": LATEST, "Payload": outcome.payload}
        if outcome.function_error:
            answer["FunctionError"] = outcome.function_error
        if tail:
            lines = report(invocation.request_id, outcome, int(function.settings["MemorySize"]))
            text = "".join(f"{line}\n" for line in lines).encode()
            answer["LogResult"] = base64.b64encode(text[-_TAIL_BYTES:]).decode()
        return answer

    def _configure(self, parameters: Mapping[str, Any], call: Call, *, keep: bool) -> dict[str, Any]:
        names = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
        given = {name: parameters[name] for name in names if parameters.get(name) is not None}
        function = self._named(parameters, call)
        if keep and function.invoke_config is None:
            raise _no_config(function)
        for side in (given.get("DestinationConfig") or {}).values():
            if side.get("Destination"):
                require_sendable(side["Destination"], self._invoker.session(function))
        before = (function.invoke_config or {}) if keep else {}
        config = {"DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}, **before, **given}
        return _config_view(self._store.change(function.key, lambda f: replace(f, invoke_config=config)))


def _invocation(parameters: Mapping[str, Any]) -> Invocation:
    payload = bytes(parameters.get("Payload") or b"") or b"{}"
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise ApiError("InvalidRequestContentException", message) from None
    context = parameters.get("ClientContext")
    return Invocation(
        request_id=str(uuid.uuid4()),
        payload=payload,
        client_context=base64.b64decode(context).decode() if context else None,
    )


def _require_size(invocation: Invocation, limit: int) -> None:
    if len(invocation.payload) > limit:
        message = f"{len(invocation.payload)} byte payload is too large for the invocation type (limit {limit} bytes)"
        raise ApiError("RequestTooLargeException", message, 413)


def _config_view(function: Function) -> dict[str, Any]:
    return {
        "LastModified": function.modified,
        "FunctionArn": f"{function.arn}:{LATEST}",
        **(function.invoke_config or {}),
    }


def _no_config(function: Function) -> ApiError:
    message = f"The function {function.arn}:{LATEST} doesn't have an EventInvokeConfig"
    return ApiError("ResourceNotFoundException", message, 404)
