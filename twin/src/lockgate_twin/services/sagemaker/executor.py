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
from lockgate_twin.services.sagemaker.execution_registry import ExecutionRegistry
from lockgate_twin.services.sagemaker.execution_values import ExecutionValues
from lockgate_twin.services.sagemaker.expressions import ExpressionError, Values, resolve, text
from lockgate_twin.services.sagemaker.for_each import Loop, items_of
from lockgate_twin.services.sagemaker.pipeline_definition import Step
from lockgate_twin.services.sagemaker.pipeline_events import execution_changed, step_changed
from lockgate_twin.services.sagemaker.pipeline_execution import MAX_STEP_REASON, Execution, StepRun
from lockgate_twin.services.sagemaker.pipeline_graph import dependencies
from lockgate_twin.services.sagemaker.retry_policies import policy_for
from lockgate_twin.services.sagemaker.step_cache import CacheEntry, StepCache, StepResult
from lockgate_twin.services.sagemaker.step_call import StepCall, StepFailure, StepStopped
from lockgate_twin.services.sagemaker.step_runners import Runner

FAILED_REASON = "Step failure: One or multiple steps failed."
TWIN_ENDED = "The twin ended while this ran; start the pipeline again."


@dataclass(frozen=True, kw_only=True)
class Executor:
    """Carries executions through, one thread each and one per running step."""

    context: Context
    runners: Mapping[str, Runner]
    cache: StepCache
    executions: ExecutionRegistry

    def run(self, execution: Execution, previous: str | None = None) -> None:
        """Run an execution to its end; `previous` is the status that a retry found it in."""
        # A retry gives the execution another event; this run ends the one it began with.
        done = execution.done
        self.context.emit(execution_changed(execution, previous))
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
            done.set()

    def enter(self, execution: Execution, status: str, reason: str | None = None) -> None:
        """Change an execution's status and tell it."""
        previous = execution.status
        if execution.enter(status, reason):
            self.executions.keep_status(execution)
            self.context.emit(execution_changed(execution, previous))

    def tell(self, execution: Execution, run: StepRun, previous: str | None) -> None:
        """Keep a step that entered its status, and tell it."""
        self.executions.keep_step(execution, run)
        self.context.emit(step_changed(execution, run, previous))

    def give_up(self, execution: Execution) -> None:
        """Stop an execution, and those of its steps that ran, because the twin that ran it has ended."""
        for run in execution.steps.values():
            if run.ended is None and not run.skipped:
                previous, run.status, run.reason, run.ended = run.status, "Stopped", TWIN_ENDED, utc_now()
                self.tell(execution, run, previous)
        self.enter(execution, "Stopped", TWIN_ENDED)
        execution.done.set()

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
        while True:
            limit = self._execution.max_parallel
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
        self._start(run, self._values, self._finished)

    def _start(self, run: StepRun, values: Values, finished: queue.SimpleQueue[str]) -> None:
        name = f"step {run.step.name} of {self._execution.id}"
        self._executor.context.in_background(name, lambda: self._step(run, values, finished))

    def _start_child(self, run: StepRun, values: Values, finished: queue.SimpleQueue[str]) -> None:
        self._tell(run, None)
        self._start(run, values, finished)

    def _step(self, run: StepRun, values: Values, finished: queue.SimpleQueue[str]) -> None:
        try:
            self._enter(run, "Executing")
            result = self._looped(run) if run.step.type == "ForEach" else self._result(run, values)
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
            finished.put(run.step.name)

    def _looped(self, run: StepRun) -> StepResult:
        items = items_of(resolve(run.step.arguments["IterableItems"], self._values))
        return Loop(run, self._execution, self._values, self._start_child).result(items)

    def _result(self, run: StepRun, values: Values) -> StepResult:
        step, pipeline = run.step, self._execution.start.pipeline_arn
        arguments = _arguments(step, values)
        attributes = arguments
        if step.target is not None:
            attributes = {"arguments": arguments, "target": resolve(step.target, values)}
        entry = self._executor.cache.find(pipeline, step, attributes)
        if entry is not None:
            run.cache_source = entry.execution_arn
            return entry.result
        result = self._tries(run, arguments, values)
        kept = CacheEntry(execution_arn=self._execution.arn, ended=utc_now(), result=result)
        self._executor.cache.keep(pipeline, step, attributes, kept)
        return result

    def _tries(self, run: StepRun, arguments: dict[str, Any], values: Values) -> StepResult:
        """Try the step, and again as its retry policies say."""
        begun = time.monotonic()
        while True:
            try:
                return self._executor.runners[run.step.type](self._call(run, dict(arguments), values))
            except StepFailure as failure:
                policy = policy_for(run.step.retries, failure.exception_type)
                delay = policy.delay(run.attempts, time.monotonic() - begun) if policy else None
                if delay is None:
                    raise
                if self._execution.stop_requested.wait(delay):
                    raise StepStopped from failure
                run.attempts += 1

    def _call(self, run: StepRun, arguments: dict[str, Any], values: Values) -> StepCall:
        def started(metadata: Mapping[str, Any]) -> None:
            run.metadata = metadata

        return StepCall(
            step=run.step,
            arguments=arguments,
            execution_id=self._execution.id,
            execution_arn=self._execution.arn,
            session=self._session,
            stop=self._execution.stop_requested,
            resolve=lambda value: resolve(value, values),
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
        self._executor.tell(self._execution, run, previous)


def _arguments(step: Step, values: Values) -> dict[str, Any]:
    if step.type == "Condition":
        return {}
    resolved: dict[str, Any] = resolve(step.arguments, values)
    if step.type in request_shapes.OPERATIONS:
        resolved = request_shapes.coerced(request_shapes.request_shape(step.type), resolved, text)
    return resolved
