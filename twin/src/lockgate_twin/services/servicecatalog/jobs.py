"""The work behind a record: launching, updating, terminating, and what becomes of record and provisioned product.

Statuses: botocore, ProvisionedProductDetail. A failed launch leaves ERROR, a failed update TAINTED
(hashicorp/terraform-provider-aws, pull request 30663).

Assumption: the code of a record's error is the exception that the real service puts first in its messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Session, utc_now
from lockgate_twin.services.servicecatalog import stacks
from lockgate_twin.services.servicecatalog.constraints import SERVICE
from lockgate_twin.services.servicecatalog.model import Artifact, ProvisionedProduct, Record
from lockgate_twin.services.servicecatalog.stacks import Stack, StackError
from lockgate_twin.services.servicecatalog.state import State

_ENDED = frozenset({"SUCCEEDED", "FAILED"})
_ERROR_CODE = "AmazonCloudFormationException"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One request at work; `role` acts, or the caller if it is None."""

    record: Record
    provisioned: ProvisionedProduct
    role: str | None
    call: Call
    keep_stack: bool = False
    ignore_errors: bool = False


class Jobs:
    """Does the work in the background."""

    def __init__(self, context: Context, state: State) -> None:
        self._context = context
        self._state = state
        self._table = context.table("servicecatalog.jobs")
        self._listeners: dict[str, list[Callable[[Record], None]]] = {}

    def on_end(self, record_id: str, tell: Callable[[Record], None]) -> None:
        """Call `tell` once with the record when its work has ended, at once if it has."""
        with self._state.lock:
            record = self._state.records.find(record_id)
            if record is None or record.status not in _ENDED:
                self._listeners.setdefault(record_id, []).append(tell)
                return
        tell(record)

    def launch(self, job: Job, artifact: Artifact) -> None:
        """Create the stack of a new provisioned product."""
        self._start(job, lambda session: stacks.create(session, job.provisioned, artifact), failed="ERROR")

    def update(self, job: Job, artifact: Artifact) -> None:
        """Update the stack; the previous version and parameters stay what they were if it fails."""
        self._start(job, lambda session: stacks.update(session, job.provisioned, artifact), failed="TAINTED")

    def terminate(self, job: Job, *, keep_stack: bool, ignore_errors: bool) -> None:
        """Delete the stack (unless it is kept), then forget the provisioned product."""
        asked = replace(job, keep_stack=keep_stack, ignore_errors=ignore_errors)
        self._start(asked, lambda session: _terminate(session, asked), failed="TAINTED")

    def resume(self) -> None:
        """Go on with what an earlier twin had under way, once CloudFormation has ended its part of it.

        A launch whose stack was being created has failed, since that is rolled back; an update is tried once more.
        """
        for job in dict(self._table.items()).values():
            self._resume(job)
        self._fail_unstarted()

    def _resume(self, job: Job) -> None:
        kind, artifact = job.record.kind, self._artifact(job)
        failed = "ERROR" if kind == "PROVISION_PRODUCT" else "TAINTED"
        self._start(job, lambda session: _AGAIN[kind](session, job, artifact), failed=failed)

    def _fail_unstarted(self) -> None:
        begun, text = dict(self._table.items()), "The twin ended before this began."
        for record in self._state.records.all():
            if record.status not in _ENDED and record.id not in begun:
                self._mark(record, status="FAILED", errors=((_ERROR_CODE, text),))
        for provisioned in self._state.provisioned.all():
            if provisioned.status == "UNDER_CHANGE" and provisioned.last_record not in begun:
                self._state.provisioned.change(provisioned.id, lambda p: replace(p, status="ERROR", message=text))

    def _artifact(self, job: Job) -> Artifact | None:
        product = self._state.products.find(job.record.product_id)
        return next((a for a in product.artifacts if a.id == job.record.artifact_id), None) if product else None

    def _start(self, job: Job, work: Callable[[Session], Stack | None], *, failed: str) -> None:
        self._table.put(job.record.id, job)
        name = f"{job.record.kind} of {job.provisioned.name}"
        self._context.in_background(name, lambda: self._run(job, work, failed))

    def _run(self, job: Job, work: Callable[[Session], Stack | None], failed: str) -> None:
        self._mark(job.record, status="IN_PROGRESS")
        try:
            stack = work(self._session(job))
        except StackError as error:
            self._failed(job, error.message, error.stack_id, failed)
        except ApiError as error:
            self._failed(job, f"{error.code}: {error.message}", job.provisioned.stack_id, failed)
        except Exception as error:
            # A defect of the twin fails the record; it never leaves it in progress for ever.
            told = f"InternalServerError: {type(error).__name__}: {error}"
            self._failed(job, told, job.provisioned.stack_id, failed)
            raise
        else:
            self._succeeded(job, stack)

    def _session(self, job: Job) -> Session:
        if job.role is None:
            return self._context.session(job.call)
        return self._context.assume_role(
            job.role,
            service=SERVICE,
            session_name="servicecatalog",
            region=job.provisioned.region,
            source_arn=job.provisioned.arn,
        )

    def _succeeded(self, job: Job, stack: Stack | None) -> None:
        if stack is None:
            self._state.provisioned.remove(job.provisioned.id)
            self._mark(job.record, status="SUCCEEDED")
            return
        done = replace(
            job.provisioned,
            status="AVAILABLE",
            message="",
            stack_id=stack.id,
            last_successful_record=job.record.id,
        )
        self._state.provisioned.change(done.id, lambda _: done)
        self._mark(job.record, status="SUCCEEDED", outputs=stack.outputs)

    def _failed(self, job: Job, message: str, stack_id: str | None, status: str) -> None:
        who = f"role {job.role}" if job.role else f"the caller {job.call.principal.arn}"
        text = f"{message} (stack {job.provisioned.stack_name}, with {who})"
        self._state.provisioned.change(
            job.provisioned.id,
            lambda current: replace(current, status=status, message=text, stack_id=stack_id or current.stack_id),
        )
        self._mark(job.record, status="FAILED", errors=((_ERROR_CODE, text),))

    def _mark(self, record: Record, **changes: object) -> None:
        with self._state.lock:
            now = utc_now()
            marked = self._state.records.change(
                record.id,
                lambda r: replace(r, updated=now, **changes),  # type: ignore[arg-type]
            )
            ended = marked is not None and marked.status in _ENDED
            listeners = self._listeners.pop(record.id, []) if ended else []
            if ended:
                self._table.remove(record.id)
        for tell in listeners:
            tell(marked or record)


def _terminate(session: Session, job: Job) -> None:
    try:
        if not job.keep_stack:
            stacks.delete(session, job.provisioned)
    except StackError:
        if not job.ignore_errors:
            raise


def _launch_again(session: Session, job: Job, artifact: Artifact | None) -> Stack:
    return stacks.launch_again(session, job.provisioned, _still_there(job, artifact))


def _update_again(session: Session, job: Job, artifact: Artifact | None) -> Stack:
    stacks.settle(session, job.provisioned)
    return stacks.update(session, job.provisioned, _still_there(job, artifact))


def _terminate_again(session: Session, job: Job, _: Artifact | None) -> None:
    stacks.settle(session, job.provisioned)
    _terminate(session, job)


def _still_there(job: Job, artifact: Artifact | None) -> Artifact:
    if artifact is None:
        raise StackError(f"The version {job.record.artifact_id} of the product is gone.", job.provisioned.stack_id)
    return artifact


_AGAIN: dict[str, Callable[[Session, Job, Artifact | None], Stack | None]] = {
    "PROVISION_PRODUCT": _launch_again,
    "UPDATE_PROVISIONED_PRODUCT": _update_again,
    "TERMINATE_PROVISIONED_PRODUCT": _terminate_again,
}
