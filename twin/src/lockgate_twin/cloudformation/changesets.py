"""Change sets: a plan that is looked at before it is carried out.

Source: CreateChangeSet, DescribeChangeSet, ExecuteChangeSet, DeleteChangeSet and ListChangeSets (API reference).
A change set is computed before CreateChangeSet answers, where AWS first says CREATE_IN_PROGRESS.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from lockgate_twin.cloudformation import changes
from lockgate_twin.cloudformation.blueprint import Blueprint, Identity
from lockgate_twin.cloudformation.changes import Action, Change
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.naming import check_stack_name, stack_id
from lockgate_twin.cloudformation.operations import Operations
from lockgate_twin.cloudformation.preparation import Prepared, Preparer
from lockgate_twin.cloudformation.records import Record, Stacks
from lockgate_twin.cloudformation.stack import Options, Stack
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler, Session, Table, utc_now

_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """A plan for a stack, with what is needed to carry it out."""

    id: str
    name: str
    record: Record
    blueprint: Blueprint
    session: Session | None
    options: Options
    creates: bool
    created: datetime
    changes: tuple[Change, ...]
    description: str = ""
    execution: str = "AVAILABLE"

    @property
    def is_empty(self) -> bool:
        """Tell whether it would change nothing; such a change set has failed."""
        return not self.creates and not changes.is_different(self.record.stack, self.blueprint)


class ChangeSets:
    """The operations on change sets."""

    def __init__(self, preparer: Preparer, stacks: Stacks, operations: Operations, table: Table) -> None:
        self._preparer = preparer
        self._stacks = stacks
        self._operations = operations
        self._table = table
        self._lock = threading.Lock()
        self._items = {key: _restored(members, stacks) for key, members in table.items()}

    def operations(self) -> dict[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateChangeSet": self._create,
            "DescribeChangeSet": self._describe,
            "ExecuteChangeSet": self._execute,
            "DeleteChangeSet": self._delete,
            "ListChangeSets": self._list,
        }

    def _create(self, request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        creates = request.get("ChangeSetType", "UPDATE") == "CREATE"
        if request.get("ChangeSetType") == "IMPORT":
            raise invalid("ChangeSetType IMPORT is not implemented by the twin.")
        made = self._created(request, call) if creates else self._planned(request, call)
        with self._lock:
            if self._named(made.record.stack, made.name) is not None:
                raise ApiError("AlreadyExistsException", f"ChangeSet {made.name} already exists")
            self._put(made)
        return {"Id": made.id, "StackId": made.record.stack.identity.id}

    def _created(self, request: Mapping[str, Any], call: Call) -> ChangeSet:
        name = request["StackName"]
        record = self._stacks.named(call.account, call.region, name)
        if record is not None and record.stack.status != "REVIEW_IN_PROGRESS":
            raise invalid(f"Stack [{name}] already exists and cannot be created again with the changeSet.")
        if record is None:
            check_stack_name(name)
        new = Identity(name, stack_id(name, call.account, call.region), call.account, call.region)
        identity = record.stack.identity if record else new
        prepared = self._preparer.prepare(request, call, identity, request.get("RoleARN"))
        options = _options(request, request.get("RoleARN"))
        record = record or self._operations.add(prepared, options, "REVIEW_IN_PROGRESS")
        return _change_set(request, record, prepared, options, creates=True)

    def _planned(self, request: Mapping[str, Any], call: Call) -> ChangeSet:
        record = self._stacks.find(call.account, call.region, request["StackName"])
        stack = record.stack
        role_arn = request.get("RoleARN") or stack.options.role_arn
        prepared = self._preparer.prepare(request, call, stack.identity, role_arn, stack)
        changes.check_types(stack, prepared.blueprint)
        return _change_set(request, record, prepared, _options(request, role_arn), creates=False)

    def _describe(self, request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return _described(self._find(request, call))

    def _execute(self, request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        found = self._find(request, call)
        if found.is_empty or found.execution != "AVAILABLE":
            raise ApiError(
                "InvalidChangeSetStatusException",
                f"ChangeSet [{found.id}] cannot be executed in its current status of [{_status(found)}]",
            )
        standing = found.record.stack.options
        options = replace(
            found.options,
            token=request.get("ClientRequestToken", ""),
            policy=standing.policy,
            termination_protection=standing.termination_protection,
        )
        if request.get("DisableRollback"):
            options = replace(options, on_failure="DO_NOTHING")
        start = self._operations.create_reviewed if found.creates else self._operations.update
        prepared = self._with_session(found, call)
        start(found.record, prepared, options)
        with self._lock:
            others = [i for i in self._items.values() if i.record is found.record and i.id != found.id]
            for other in others:
                self._remove(other)
            self._put(replace(found, execution="EXECUTE_COMPLETE"))
        return {}

    def _with_session(self, found: ChangeSet, call: Call) -> Prepared:
        """A change set that an earlier twin kept is carried out by whoever asks for that, or by the stack's role."""
        role_arn, identity = found.options.role_arn, found.record.stack.identity
        session = found.session or self._preparer.session(role_arn, identity, call)
        return Prepared(blueprint=found.blueprint, session=session)

    def _put(self, item: ChangeSet) -> None:
        self._table.put(item.id, _members(item))
        self._items[item.id] = item

    def _remove(self, item: ChangeSet) -> None:
        self._table.remove(item.id)
        self._items.pop(item.id, None)

    def _delete(self, request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        found = self._find(request, call)
        with self._lock:
            self._remove(found)
        return {}

    def _list(self, request: Mapping[str, Any], call: Call) -> dict[str, Any]:
        stack = self._stacks.find(call.account, call.region, request["StackName"]).stack
        items = [i for i in self._items.values() if i.record.stack.identity.id == stack.identity.id]
        return {"Summaries": [_common(item) for item in items]}

    def _find(self, request: Mapping[str, Any], call: Call) -> ChangeSet:
        name = request["ChangeSetName"]
        found = self._items.get(name)
        if found is None and "StackName" in request:
            stack = self._stacks.find(call.account, call.region, request["StackName"]).stack
            found = self._named(stack, name)
        if found is None or found.record.stack.identity.account != call.account:
            raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return found

    def _named(self, stack: Stack, name: str) -> ChangeSet | None:
        items = self._items.values()
        return next((i for i in items if i.name == name and i.record.stack.identity.id == stack.identity.id), None)


def _members(item: ChangeSet) -> dict[str, Any]:
    """Return what is kept of a change set."""
    known = {f.name: getattr(item, f.name) for f in fields(item) if f.name not in {"record", "session"}}
    return {**known, "stack": item.record.stack.identity}


def _restored(members: dict[str, Any], stacks: Stacks) -> ChangeSet:
    identity = members.pop("stack")
    record = stacks.find(identity.account, identity.region, identity.id)
    return ChangeSet(**members, record=record, session=None)


def _options(request: Mapping[str, Any], role_arn: str | None) -> Options:
    return Options(
        role_arn=role_arn,
        capabilities=tuple(request.get("Capabilities", [])),
        on_failure=request.get("OnStackFailure", "ROLLBACK"),
    )


def _change_set(
    request: Mapping[str, Any], record: Record, prepared: Prepared, options: Options, *, creates: bool
) -> ChangeSet:
    identity = record.stack.identity
    name = request["ChangeSetName"]
    return ChangeSet(
        id=f"arn:aws:cloudformation:{identity.region}:{identity.account}:changeSet/{name}/{uuid.uuid4()}",
        name=name,
        record=record,
        blueprint=prepared.blueprint,
        session=prepared.session,
        options=options,
        creates=creates,
        created=utc_now(),
        changes=changes.plan(record.stack, prepared.blueprint),
        description=request.get("Description", ""),
    )


def _status(item: ChangeSet) -> str:
    return "FAILED" if item.is_empty and item.execution == "AVAILABLE" else "CREATE_COMPLETE"


def _common(item: ChangeSet) -> dict[str, Any]:
    stack = item.record.stack
    failed = _status(item) == "FAILED"
    shown = {
        "ChangeSetId": item.id,
        "ChangeSetName": item.name,
        "StackId": stack.identity.id,
        "StackName": stack.identity.name,
        "CreationTime": item.created,
        "ExecutionStatus": "UNAVAILABLE" if failed else item.execution,
        "Status": _status(item),
        "Description": item.description,
    }
    if failed:
        shown["StatusReason"] = _NO_CHANGES
    return {name: member for name, member in shown.items() if member != ""}


def _described(item: ChangeSet) -> dict[str, Any]:
    blueprint = item.blueprint
    return {
        **_common(item),
        "Parameters": [parameter.described() for parameter in blueprint.parameters.values()],
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": list(item.options.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in blueprint.tags.items()],
        "Changes": [{"Type": "Resource", "ResourceChange": _resource_change(change)} for change in item.changes],
        "IncludeNestedStacks": False,
    }


def _resource_change(change: Change) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Action": "Modify" if change.action is Action.REPLACE else change.action.value,
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type,
        "Scope": _scope(change),
        "Details": [{"Target": _target(name), "Evaluation": "Static"} for name in change.changed],
    }
    if change.physical_id:
        shown["PhysicalResourceId"] = change.physical_id
    if change.action is Action.REPLACE:
        shown["Replacement"] = "True" if change.certain else "Conditional"
    elif change.action is Action.UPDATE:
        shown["Replacement"] = "False"
    return shown


def _target(name: str) -> dict[str, str]:
    return {"Attribute": "Tags"} if name == "Tags" else {"Attribute": "Properties", "Name": name}


def _scope(change: Change) -> list[str]:
    return sorted({_target(name)["Attribute"] for name in change.changed})
