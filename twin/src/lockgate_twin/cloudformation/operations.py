"""Starts a stack's operations: the state changes at once, the work goes on in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from lockgate_twin.cloudformation import changes
from lockgate_twin.cloudformation.engine import Engine
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.preparation import Prepared
from lockgate_twin.cloudformation.records import Record, Stacks
from lockgate_twin.cloudformation.stack import DELETABLE, UPDATABLE, Options, Stack
from lockgate_twin.cloudformation.worker import Worker
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, Session, utc_now

_NOT_UPDATABLE = "Stack:{id} is in {{status}} state and can not be updated."
_NOT_DELETABLE = "Stack [{name}] cannot be deleted while in status {{status}}"
_FAILED = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
}
_log = logging.getLogger(__name__)


class Operations:
    """What can be done to stacks. One operation works on a stack at a time."""

    def __init__(self, context: Context, stacks: Stacks) -> None:
        self._context = context
        self._stacks = stacks

    def add(self, prepared: Prepared, options: Options, status: str) -> Record:
        """Add a stack without resources.

        Raises:
            ApiError: AlreadyExistsException when its name is in use.
        """
        record = Record(
            Stack(
                identity=prepared.blueprint.identity,
                blueprint=prepared.blueprint,
                options=options,
                status=status,
                created=utc_now(),
            )
        )
        self._stacks.add(record)
        record.move(status, "User Initiated")
        return record

    def create(self, prepared: Prepared, options: Options) -> Record:
        """Start creating a new stack.

        Raises:
            ApiError: AlreadyExistsException when its name is in use.
        """
        record = self.add(prepared, options, "CREATE_IN_PROGRESS")
        self._run(record, self._engine(record, prepared.session).create)
        return record

    def create_reviewed(self, record: Record, prepared: Prepared, options: Options) -> None:
        """Start creating a stack that a change set has brought into review.

        Raises:
            ApiError: ValidationError when it is no longer in review.
        """
        refusal = _NOT_UPDATABLE.format(id=record.stack.identity.id)
        fields = {"blueprint": prepared.blueprint, "options": options}
        record.begin({"REVIEW_IN_PROGRESS"}, "CREATE_IN_PROGRESS", refusal, **fields)
        self._run(record, self._engine(record, prepared.session).create)

    def update(self, record: Record, prepared: Prepared, options: Options) -> None:
        """Start updating a stack.

        Raises:
            ApiError: ValidationError when its status does not allow it or nothing would change.
        """
        refusal = _NOT_UPDATABLE.format(id=record.stack.identity.id)
        before = record.stack
        if before.status in UPDATABLE:
            changes.check_types(before, prepared.blueprint)
            if not changes.is_different(before, prepared.blueprint):
                raise invalid("No updates are to be performed.")
        fields = {"blueprint": prepared.blueprint, "options": options, "updated": utc_now()}
        before = record.begin(UPDATABLE, "UPDATE_IN_PROGRESS", refusal, **fields)
        engine = self._engine(record, prepared.session)
        self._run(record, lambda: engine.update(before))

    def delete(self, record: Record, session: Session, retained: Iterable[str], token: str) -> None:
        """Start deleting a stack; a creation under way is cancelled first.

        Raises:
            ApiError: ValidationError when its status, protection or exports do not allow it.
        """
        stack = record.stack
        if stack.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
            return
        if stack.options.termination_protection:
            raise invalid(f"Stack [{stack.identity.name}] cannot be deleted while TerminationProtection is enabled")
        self._check_exports(stack)
        refusal = _NOT_DELETABLE.format(name=stack.identity.name)
        record.begin(DELETABLE, "DELETE_IN_PROGRESS", refusal, options=replace(stack.options, token=token))
        kept = frozenset(retained)
        engine = self._engine(record, session)
        self._run(record, lambda: engine.delete(kept))

    def _engine(self, record: Record, session: Session) -> Engine:
        identity = record.stack.identity

        def exporter(name: str) -> str | None:
            _, stack = self._stacks.exports(identity.account, identity.region).get(name, ("", None))
            return stack.identity.name if stack is not None and stack.identity.id != identity.id else None

        return Engine(record, Worker(record, session), exporter)

    def _check_exports(self, stack: Stack) -> None:
        """Assumption: AWS cancels such a deletion; that it is refused at once is the twin's."""
        exported = {output.export for output in stack.outputs if output.export}
        for record in self._stacks.all(stack.identity.account, stack.identity.region):
            other = record.stack
            if other.status == "DELETE_COMPLETE" or other.identity.id == stack.identity.id:
                continue
            used = sorted(exported & other.blueprint.imports)
            if used:
                raise _in_use(used[0], other)

    def _run(self, record: Record, work: Callable[[], None]) -> None:
        def guarded() -> None:
            with record.working:
                try:
                    work()
                except Exception as error:
                    status = record.stack.status
                    record.move(_FAILED.get(status, "UPDATE_ROLLBACK_FAILED"), f"Internal Failure: {error}")
                    _log.exception("An operation on the stack %s broke off", record.stack.identity.name)
                    raise

        self._context.in_background(f"cloudformation {record.stack.identity.name}", guarded)


def _in_use(export: str, other: Stack) -> ApiError:
    return invalid(f"Export {export} cannot be deleted as it is in use by {other.identity.name}")
