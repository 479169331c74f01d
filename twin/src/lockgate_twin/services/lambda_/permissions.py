"""A function's resource policy: AddPermission, RemovePermission, GetPolicy.

Source: botocore's AddPermission and the Lambda Developer Guide, "Working with resource-based IAM policies in Lambda".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.lambda_.model import Function
from lockgate_twin.services.lambda_.names import function_key
from lockgate_twin.services.lambda_.store import FunctionStore


def policy_of(function: Function) -> dict[str, Any] | None:
    """Return the function's policy document, or None if it has no statement."""
    if not function.statements:
        return None
    return {"Version": "2012-10-17", "Id": "default", "Statement": [dict(s) for s in function.statements]}


class PermissionOperations:
    """The operations on function policies."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "AddPermission": self.add_permission,
            "RemovePermission": self.remove_permission,
            "GetPolicy": self.get_policy,
        }

    def add_permission(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Add a statement."""
        key = function_key(parameters["FunctionName"], call, parameters.get("Qualifier"))

        def change(function: Function) -> Function:
            if any(s["Sid"] == parameters["StatementId"] for s in function.statements):
                message = f"The statement id ({parameters['StatementId']}) provided already exists. Please provide "
                raise ApiError(
                    "ResourceConflictException", f"{message}a new statement id, or remove the existing statement.", 409
                )
            return replace(function, statements=(*function.statements, _statement(parameters, function.arn)))

        changed = self._store.change(key, change, revision=parameters.get("RevisionId"))
        return {"Statement": json.dumps(changed.statements[-1])}

    def remove_permission(self, parameters: dict[str, Any], call: Call) -> None:
        """Remove a statement."""
        key = function_key(parameters["FunctionName"], call, parameters.get("Qualifier"))
        sid = parameters["StatementId"]

        def change(function: Function) -> Function:
            left = tuple(s for s in function.statements if s["Sid"] != sid)
            if len(left) == len(function.statements):
                raise ApiError("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.", 404)
            return replace(function, statements=left)

        self._store.change(key, change, revision=parameters.get("RevisionId"))

    def get_policy(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the policy as JSON text."""
        key = function_key(parameters["FunctionName"], call, parameters.get("Qualifier"))
        function = self._store.get(key)
        policy = policy_of(function)
        if policy is None:
            raise ApiError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return {"Policy": json.dumps(policy), "RevisionId": function.revision_id}


def _statement(parameters: Mapping[str, Any], arn: str) -> dict[str, Any]:
    statement = {
        "Sid": parameters["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(parameters["Principal"]),
        "Action": parameters["Action"],
        "Resource": arn,
    }
    conditions = _conditions(parameters)
    return {**statement, "Condition": conditions} if conditions else statement


def _principal(principal: str) -> Any:
    if principal == "*":
        return "*"
    if re.fullmatch(r"\d{12}", principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    return {"AWS": principal} if principal.startswith("arn:") else {"Service": principal}


def _conditions(parameters: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    equal = {
        "AWS:SourceAccount": parameters.get("SourceAccount"),
        "aws:PrincipalOrgID": parameters.get("PrincipalOrgID"),
        "lambda:EventSourceToken": parameters.get("EventSourceToken"),
        "lambda:FunctionUrlAuthType": parameters.get("FunctionUrlAuthType"),
    }
    like = {"AWS:SourceArn": parameters.get("SourceArn")}
    found = {
        "StringEquals": {name: value for name, value in equal.items() if value},
        "ArnLike": {name: value for name, value in like.items() if value},
    }
    return {operator: keys for operator, keys in found.items() if keys}
