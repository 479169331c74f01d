"""Starts a stack's operations: the state changes at once, the work goes on in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from lockgate_twin.cloudformation import changes, resuming
from lockgate_twin.cloudformation.engine import Engine
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.keeping import Work
from lockgate_twin.cloudformation.preparation import Prepared
from lockgate_twin.cloudformation.records import Record, Stacks
from lockgate_twin.cloudformation.resources.adapter import Around, Nested
from lockgate_twin.cloudformation.signals import Signals
from lockgate_twin.cloudformation.stack import DELETABLE, UPDATABLE, Options, Stack
from lockgate_twin.cloudformation.worker import Worker
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, Principal, Session, utc_now

_NOT_UPDATABLE = "Stack:{id} is in {{status}} state and can not be updated."
_NOT_DELETABLE = "Stack [{name}] cannot be deleted while in status {{status}}"
_FAILED = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
}
_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
_NOT_CONTINUABLE = "Stack [{name}] is in {{status}} state. Its rollback cannot be continued."
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Removal:
    """How a stack is to be deleted: without the retained resources, and with `force` without those that fail."""

    retained: frozenset[str] = frozenset()
    token: str = ""
    force: bool = False


class Operations:
    """What can be done to stacks. One operation works on a stack at a time."""

    def __init__(self, context: Context, stacks: Stacks) -> None:
        self._context = context
        self._stacks = stacks
        self.signals = Signals(context.settings.endpoint_url)
        self.nested: Nested | None = None

    def add(self, prepared: Prepared, options: Options, status: str, parent: Stack | None = None) -> Record:
        """Add a stack without resources, nested if it has a parent.

        Raises:
            ApiError: AlreadyExistsException when its name is in use.
        """
        stack = Stack(
            identity=prepared.blueprint.identity,
            blueprint=prepared.blueprint,
            options=options,
            status=status,
            created=utc_now(),
            parent_id=parent.identity.id if parent else "",
            root_id=(parent.root_id or parent.identity.id) if parent else "",
        )
        return self._stacks.add(stack, Work(principal=prepared.session.principal))

    def resume(self, session_again: Callable[[Stack, Principal], Session]) -> None:
        """End what an earlier twin had under way; see `resuming`."""
        for record, work in self._stacks.interrupted:
            if resuming.is_under_way(record):
                self._resume(record, work, session_again)
        self._stacks.interrupted.clear()

    def _resume(self, record: Record, work: Work, session_again: Callable[[Stack, Principal], Session]) -> None:
        resuming.fail_resources(record)
        try:
            session = session_again(record.stack, work.principal)
        except ApiError as error:
            reason = f"{resuming.ENDED}What it has made stays: {error.message}"
            record.move(_FAILED.get(record.stack.status, "UPDATE_ROLLBACK_FAILED"), reason)
            return
        self._run(record, resuming.ending(record, work, self.engine(record, session)))

    def create(self, prepared: Prepared, options: Options) -> Record:
        """Start creating a new stack.

        Raises:
            ApiError: AlreadyExistsException when its name is in use.
        """
        record = self.add(prepared, options, "CREATE_IN_PROGRESS")
        self._run(record, self.engine(record, prepared.session).create)
        return record

    def create_reviewed(self, record: Record, prepared: Prepared, options: Options) -> None:
        """Start creating a stack that a change set has brought into review.

        Raises:
            ApiError: ValidationError when it is no longer in review.
        """
        refusal = _NOT_UPDATABLE.format(id=record.stack.identity.id)
        fields = {"blueprint": prepared.blueprint, "options": options}
        work = Work(principal=prepared.session.principal)
        record.begin({"REVIEW_IN_PROGRESS"}, "CREATE_IN_PROGRESS", refusal, lambda _: work, **fields)
        self._run(record, self.engine(record, prepared.session).create)

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

        def work(now: Stack) -> Work:
            return Work(principal=prepared.session.principal, before=now)

        before = record.begin(UPDATABLE, "UPDATE_IN_PROGRESS", refusal, work, **fields)
        engine = self.engine(record, prepared.session)
        self._run(record, lambda: engine.update(before))

    def continue_rollback(self, record: Record, session: Session, skipped: frozenset[str]) -> None:
        """Go on with a rollback that has failed, without the skipped resources.

        Raises:
            ApiError: ValidationError when the stack's rollback has not failed, or a skipped resource is not one that
                failed.
        """
        stack, goal = record.stack, record.stack.goal
        refusal = _NOT_CONTINUABLE.format(name=stack.identity.name)
        if stack.status != _ROLLBACK_FAILED or goal is None:
            raise invalid(refusal.format(status=stack.status))
        wrong = sorted(n for n in skipped if n not in stack.resources or stack.resources[n].status != "UPDATE_FAILED")
        if wrong:
            raise invalid(f"Resources not in UPDATE_FAILED state cannot be skipped: [{', '.join(wrong)}]")
        work = Work(principal=session.principal, before=goal)
        record.begin({_ROLLBACK_FAILED}, "UPDATE_ROLLBACK_IN_PROGRESS", refusal, lambda _: work)
        engine = self.engine(record, session)
        self._run(record, lambda: engine.roll_back_update(goal, skipped))

    def delete(self, record: Record, session: Session, removal: Removal) -> None:
        """Start deleting a stack; a creation under way is cancelled first.

        Raises:
            ApiError: ValidationError when its status, protection or exports do not allow it.
        """
        stack = record.stack
        if stack.status in {"DELETE_IN_PROGRESS", "DELETE_COMPLETE"}:
            return
        if stack.options.termination_protection:
            raise invalid(f"Stack [{stack.identity.name}] cannot be deleted while TerminationProtection is enabled")
        self.check_exports(stack)
        refusal = _NOT_DELETABLE.format(name=stack.identity.name)
        work = Work(principal=session.principal, retained=removal.retained)
        options = replace(stack.options, token=removal.token)
        record.begin(DELETABLE, "DELETE_IN_PROGRESS", refusal, lambda _: work, options=options)
        engine = self.engine(record, session)
        self._run(record, lambda: engine.delete(removal.retained, force=removal.force))

    def engine(self, record: Record, session: Session) -> Engine:
        """Return what carries out an operation on a stack with a session."""
        identity = record.stack.identity

        def exporter(name: str) -> str | None:
            _, stack = self._stacks.exports(identity.account, identity.region).get(name, ("", None))
            return stack.identity.name if stack is not None and stack.identity.id != identity.id else None

        if self.nested is None:
            raise RuntimeError("The operations on stacks are not wired with the nested stacks.")
        around = Around(stack_id=identity.id, signals=self.signals, nested=self.nested, cancelled=record.cancelled)
        return Engine(record, Worker(record, session, around), exporter)

    def check_exports(self, stack: Stack) -> None:
        """Refuse the deletion of a stack whose exports are in use.

        Assumption: AWS cancels such a deletion; that it is refused at once is the twin's.
        """
        exported = {output.export for output in stack.outputs if output.export}
        for record in self._stacks.all(stack.identity.account, stack.identity.region):
            other = record.stack
            if other.status == "DELETE_COMPLETE" or other.identity.id == stack.identity.id:
                continue
            used = sorted(exported & other.blueprint.imports)
            if used:
                raise _in_use(used[0], other)

    def _run(self, record: Record, work: Callable[[], object]) -> None:
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
