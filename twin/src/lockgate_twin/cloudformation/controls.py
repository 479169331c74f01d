"""Operations that steer a stack's updates: stack policies, cancelling, and going on with a failed rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.cloudformation import stack_policy
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.operations import Operations
from lockgate_twin.cloudformation.preparation import Preparer
from lockgate_twin.cloudformation.records import Record, Stacks
from lockgate_twin.cloudformation.stack import Options
from lockgate_twin.ports import Call, Handler


class Controls:
    """The operations on policies and on updates under way."""

    def __init__(self, preparer: Preparer, stacks: Stacks, operations: Operations) -> None:
        self._preparer = preparer
        self._stacks = stacks
        self._operations = operations

    def operations(self) -> dict[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "SetStackPolicy": self._set_stack_policy,
            "GetStackPolicy": self._get_stack_policy,
            "CancelUpdateStack": self._cancel_update_stack,
            "ContinueUpdateRollback": self._continue_update_rollback,
            "ListImports": self._list_imports,
        }

    def _find(self, request: Mapping[str, Any], call: Call) -> Record:
        return self._stacks.find(call.account, call.region, request["StackName"])

    def _set_stack_policy(self, request: dict[str, Any], call: Call) -> None:
        policy = self._preparer.policy(request, call, "StackPolicy")
        if policy is None:
            raise invalid("Either Stack Policy URL or Stack Policy Body must be specified.")
        record = self._find(request, call)
        with record.lock:
            record.change(options=_with_policy(record.stack.options, policy))

    def _get_stack_policy(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        policy = self._find(request, call).stack.options.policy
        return {"StackPolicyBody": policy} if policy else {}

    def _cancel_update_stack(self, request: dict[str, Any], call: Call) -> None:
        record = self._find(request, call)
        with record.lock:
            if record.stack.status != "UPDATE_IN_PROGRESS":
                raise invalid("CancelUpdateStack cannot be called from current stack status")
            record.cancel()

    def _continue_update_rollback(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        record = self._find(request, call)
        stack = record.stack
        role_arn = request.get("RoleARN") or stack.options.role_arn
        session = self._preparer.session(role_arn, stack.identity, call)
        self._operations.continue_rollback(record, session, frozenset(request.get("ResourcesToSkip", [])))
        return {}

    def _list_imports(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        name = request["ExportName"]
        stacks = [record.stack for record in self._stacks.all(call.account, call.region)]
        using = [s.identity.name for s in stacks if s.status != "DELETE_COMPLETE" and name in s.blueprint.imports]
        if not using:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return {"Imports": using}


def _with_policy(options: Options, policy: str) -> Options:
    stack_policy.check(policy)
    return replace(options, policy=policy)
