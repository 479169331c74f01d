"""Nested stacks: made, changed, brought back and removed within the operation of their parent.

Source: "Nested stacks" and "Update behaviors" of the CloudFormation user guide: an updated nested stack keeps what it
replaced (UPDATE_COMPLETE_CLEANUP_IN_PROGRESS) until its root has succeeded, so that it can be rolled back with it. The
permissions are those the provider schema of AWS::CloudFormation::Stack names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.cloudformation import changes
from lockgate_twin.cloudformation.blueprint import Identity
from lockgate_twin.cloudformation.failures import Unsuccessful
from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.cloudformation.keeping import Work
from lockgate_twin.cloudformation.naming import stack_id
from lockgate_twin.cloudformation.operations import Operations
from lockgate_twin.cloudformation.preparation import Prepared, Preparer
from lockgate_twin.cloudformation.records import Record, Stacks
from lockgate_twin.cloudformation.resources.adapter import Made, Request
from lockgate_twin.cloudformation.stack import DELETABLE, UPDATABLE, Options, Stack
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import utc_now

_BUSY = "Stack:{id} is in {{status}} state and can not be changed with its parent."


class NestedStacks:
    """The nested stacks of all stacks. `held` are updated ones that their root can still roll back."""

    def __init__(self, preparer: Preparer, stacks: Stacks, operations: Operations) -> None:
        self._preparer = preparer
        self._stacks = stacks
        self._operations = operations
        self._held: dict[str, Stack] = {}

    def create(self, request: Request) -> Made:
        """Make a nested stack.

        Raises:
            Unsuccessful: it could not be made; what exists of it stays until its parent deletes it.
        """
        session, parent = request.clients.session, self._record(request.around.stack_id)
        name, place = request.name, (session.account, session.region)
        identity = Identity(name, stack_id(name, *place), *place)
        session.require("cloudformation:CreateStack", identity.id)
        prepared = self._prepared(request, identity, parent, None)
        options = _options(parent.stack, request)
        record = self._operations.add(prepared, options, "CREATE_IN_PROGRESS", parent=parent.stack)
        request.identify(identity.id)
        parent.adopt(record)
        with record.working:
            self._operations.engine(record, session).create()
        if record.stack.status != "CREATE_COMPLETE":
            raise Unsuccessful(f"Embedded stack {identity.id} was not successfully created: {record.stack.reason}")
        return _made(record.stack)

    def update(self, request: Request) -> Made:
        """Bring a nested stack to its template and parameters, or back if its parent rolls back.

        Raises:
            Unsuccessful: it could not be changed, and has been rolled back by itself.
        """
        session, record = request.clients.session, self._record(request.physical_id)
        session.require("cloudformation:UpdateStack", request.physical_id)
        engine, before = self._operations.engine(record, session), self._held.pop(request.physical_id, None)
        with record.working:
            if before is not None:
                engine.roll_back(before)
                return _made(record.stack)
            prepared = self._prepared(
                request, record.stack.identity, self._record(request.around.stack_id), record.stack
            )
            if not changes.is_different(record.stack, prepared.blueprint):
                return _made(record.stack)
            before = self._begun(record, prepared, request)
            if not engine.update(before, hold=True):
                raise _not_updated(record.stack)
        self._held[request.physical_id] = before
        return _made(record.stack)

    def _begun(self, record: Record, prepared: Prepared, request: Request) -> Stack:
        options = _options(self._record(request.around.stack_id).stack, request)
        fields: dict[str, Any] = {"blueprint": prepared.blueprint, "options": options, "updated": utc_now()}

        def work(now: Stack) -> Work:
            return Work(principal=request.clients.session.principal, before=now)

        refusal = _BUSY.format(id=record.stack.identity.id)
        try:
            return record.begin(UPDATABLE, "UPDATE_IN_PROGRESS", refusal, work, **fields)
        except ApiError as error:
            raise Unsuccessful(error.message) from error

    def finish(self, ids: Iterable[str], session: Any) -> None:
        """Let held updates of these stacks end: their root has succeeded."""
        for identifier in ids:
            if self._held.pop(identifier, None) is not None:
                record = self._record(identifier)
                with record.working:
                    self._operations.engine(record, session).complete_update()

    def delete(self, request: Request) -> None:
        """Delete a nested stack with all it made.

        Raises:
            Unsuccessful: it could not be deleted.
        """
        session, record = request.clients.session, self._record(request.physical_id)
        if record.stack.status == "DELETE_COMPLETE":
            return
        session.require("cloudformation:DeleteStack", request.physical_id)
        try:
            self._operations.check_exports(record.stack)
            work = Work(principal=session.principal)
            record.begin(DELETABLE, "DELETE_IN_PROGRESS", _BUSY.format(id=request.physical_id), lambda _: work)
        except ApiError as error:
            raise Unsuccessful(error.message) from error
        with record.working:
            self._operations.engine(record, session).delete()
        if record.stack.status != "DELETE_COMPLETE":
            reason = record.stack.reason
            raise Unsuccessful(f"Embedded stack {request.physical_id} was not successfully deleted: {reason}")

    def _record(self, identifier: str) -> Record:
        _, _, _, region, account, _ = identifier.split(":", 5)
        return self._stacks.find(account, region, identifier)

    def _prepared(self, request: Request, identity: Identity, parent: Record, before: Stack | None) -> Prepared:
        asked = {
            "TemplateURL": request.properties["TemplateURL"],
            "Parameters": _parameters(request.properties.get("Parameters", {})),
            "Tags": request.properties.get("Tags", []),
            "Capabilities": parent.stack.options.capabilities,
        }
        try:
            return self._preparer.prepare_as(asked, request.clients.session, identity, before)
        except ApiError as error:
            raise Unsuccessful(error.message) from error


def _parameters(given: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": _text(value)} for key, value in given.items()]


def _text(value: Any) -> str:
    return ",".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)


def _options(parent: Stack, request: Request) -> Options:
    """What has failed waits for the parent to roll it back or to delete it."""
    on_failure = "DO_NOTHING" if not request.physical_id else parent.options.on_failure
    return replace(parent.options, on_failure=on_failure, termination_protection=False)


def _made(stack: Stack) -> Made:
    return Made(stack.identity.id, {f"Outputs.{output.key}": output.value for output in stack.outputs})


def _not_updated(stack: Stack) -> Unsuccessful:
    text = f"Embedded stack {stack.identity.id} was not successfully updated."
    return Unsuccessful(f"{text} Currently in {stack.status} with reason: {stack.reason}")
