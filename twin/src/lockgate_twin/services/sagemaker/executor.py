"""Run one execution of a pipeline: steps in dependency order and in parallel, branches, caching, retries, stopping."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, Session, utc_now
from lockgate_twin.services.sagemaker import request_shapes
from lockgate_twin.services.sagemaker.execution_values import ExecutionValues
from lockgate_twin.services.sagemaker.expressions import ExpressionError, resolve, text
from lockgate_twin.services.sagemaker.pipeline_definition import Step
from lockgate_twin.services.sagemaker.pipeline_events import execution_changed, step_changed
from lockgate_twin.services.sagemaker.pipeline_execution import MAX_STEP_REASON, Execution, StepRun
from lockgate_twin.services.sagemaker.pipeline_graph import dependencies
from lockgate_twin.services.sagemaker.retry_policies import policy_for
from lockgate_twin.services.sagemaker.step_cache import CacheEntry, StepCache, StepResult
from lockgate_twin.services.sagemaker.step_runners import Runner, StepCall, StepFailure, StepStopped

FAILED_REASON = "Step failure: One or multiple steps failed."


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Carries executions through, one thread each and one per running step."""

    context: Context
    runners: Mapping[str, Runner]
    cache: StepCache

    def run(self, execution: Execution) -> None:
        """Run an execution to its end."""
        self.context.emit(execution_changed(execution, None))
        try:
            start = execution.start
            session = self.context.assume_role(
                start.role_arn,
                service="sagemaker.amazonaws.com",
                session_name=f"pipelines-{execution.id}",
                region=start.place.region,
                source_arn=start.pipeline_arn,
            )
            _Course(self, execution, session).run()
            self._conclude(execution)
        except ApiError as error:
            self.enter(execution, "Failed", f"ClientError: {error}")
        except Exception as error:
            self.enter(execution, "Failed", f"InternalServerError: {type(error).__name__}: {error}")
            raise
        finally:
            execution.done.set()

    def enter(self, execution: Execution, status: str, reason: str | None = None) -> None:
        """Change an execution's status and tell it."""
        previous = execution.status
        if execution.enter(status, reason):
            self.context.emit(execution_changed(execution, previous))

    def _conclude(self, execution: Execution) -> None:
        if any(run.status == "Failed" for run in execution.steps.values()):
            self.enter(execution, "Failed", FAILED_REASON)
        elif execution.stop_requested.is_set():
            self.enter(execution, "Stopped")
        else:
            self.enter(execution, "Succeeded")


class _Course:
    """One execution under way."""

    def __init__(self, executor: Executor, execution: Execution, session: Session) -> None:
        self._executor = executor
        self._execution = execution
        self._session = session
        self._values = ExecutionValues(execution, session)
        self._needs = dependencies(execution.start.definition)
        self._finished: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> None:
        """Start steps as they become ready until none runs and none can start."""
        running: set[str] = set()
        limit = self._execution.start.max_parallel
        while True:
            for step in self._ready():
                if limit is not None and len(running) >= limit:
                    break
                running.add(step.name)
                self._begin(step)
            if not running:
                return
            running.discard(self._finished.get())

    def _ready(self) -> list[Step]:
        """Return the steps that can start now; after a failure or a stop none can."""
        steps = self._execution.steps
        halted = self._execution.stop_requested.is_set() or any(r.status == "Failed" for r in steps.values())
        ready: list[Step] = []
        changed = not halted
        while changed:
            changed = False
            for step in self._execution.start.definition.steps.values():
                settled = all(n in steps and (steps[n].skipped or steps[n].ended) for n in self._needs[step.name])
                if step.name in steps or step in ready or not settled:
                    continue
                if self._is_skipped(step):
                    steps[step.name] = StepRun(step, skipped=True, status="")
                    changed = True
                else:
                    ready.append(step)
        return ready

    def _is_skipped(self, step: Step) -> bool:
        """Tell whether a step is in the branch not taken, or waits for a step that is skipped."""
        steps = self._execution.steps
        if step.branch and steps[step.branch[0]].properties.get("Outcome") != step.branch[1]:
            return True
        return any(steps[name].skipped for name in self._needs[step.name])

    def _begin(self, step: Step) -> None:
        run = self._execution.steps[step.name] = StepRun(step)
        self._tell(run, None)
        name = f"step {step.name} of {self._execution.id}"
        self._executor.context.in_background(name, lambda: self._step(run))

    def _step(self, run: StepRun) -> None:
        try:
            self._enter(run, "Executing")
            result = self._result(run)
        except StepStopped:
            self._end(run, "Stopped")
        except (StepFailure, ExpressionError, ApiError) as error:
            self._end(run, "Failed", str(error) if isinstance(error, StepFailure) else f"ClientError: {error}")
        except Exception as error:
            self._end(run, "Failed", f"InternalServerError: {type(error).__name__}: {error}")
            raise
        else:
            run.properties, run.metadata = result.properties, result.metadata
            self._end(run, "Succeeded")
        finally:
            self._finished.put(run.step.name)

    def _result(self, run: StepRun) -> StepResult:
        step, pipeline = run.step, self._execution.start.pipeline_arn
        arguments = self._arguments(step)
        entry = self._executor.cache.find(pipeline, step, arguments)
        if entry is not None:
            run.cache_source = entry.execution_arn
            return entry.result
        result = self._tries(run, arguments)
        kept = CacheEntry(execution_arn=self._execution.arn, ended=utc_now(), result=result)
        self._executor.cache.keep(pipeline, step, arguments, kept)
        return result

    def _arguments(self, step: Step) -> dict[str, Any]:
        if step.type == "Condition":
            return {}
        resolved: dict[str, Any] = resolve(step.arguments, self._values)
        if step.type in request_shapes.OPERATIONS:
            resolved = request_shapes.coerced(request_shapes.request_shape(step.type), resolved, text)
        return resolved

    def _tries(self, run: StepRun, arguments: dict[str, Any]) -> StepResult:
        """Try the step, and again as its retry policies say."""
        begun = time.monotonic()
        while True:
            try:
                return self._executor.runners[run.step.type](self._call(run, dict(arguments)))
            except StepFailure as failure:
                policy = policy_for(run.step.retries, failure.exception_type)
                delay = policy.delay(run.attempts, time.monotonic() - begun) if policy else None
                if delay is None:
                    raise
                if self._execution.stop_requested.wait(delay):
                    raise StepStopped from failure
                run.attempts += 1

    def _call(self, run: StepRun, arguments: dict[str, Any]) -> StepCall:
        def started(metadata: Mapping[str, Any]) -> None:
            run.metadata = metadata

        return StepCall(
            step=run.step,
            arguments=arguments,
            execution_id=self._execution.id,
            session=self._session,
            stop=self._execution.stop_requested,
            resolve=lambda value: resolve(value, self._values),
            started=started,
            on_stop=self._execution.on_stop,
        )

    def _enter(self, run: StepRun, status: str) -> None:
        previous, run.status = run.status, status
        self._tell(run, previous)

    def _end(self, run: StepRun, status: str, reason: str | None = None) -> None:
        run.reason, run.ended = (reason[:MAX_STEP_REASON] if reason else None), utc_now()
        self._enter(run, status)

    def _tell(self, run: StepRun, previous: str | None) -> None:
        self._executor.context.emit(step_changed(self._execution, run, previous))
