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


class Jobs:
    """Does the work in the background."""

    def __init__(self, context: Context, state: State) -> None:
        self._context = context
        self._state = state
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

        def work(session: Session) -> None:
            try:
                if not keep_stack:
                    stacks.delete(session, job.provisioned)
            except StackError:
                if not ignore_errors:
                    raise

        self._start(job, work, failed="TAINTED")

    def _start(self, job: Job, work: Callable[[Session], Stack | None], *, failed: str) -> None:
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
        for tell in listeners:
            tell(marked or record)
