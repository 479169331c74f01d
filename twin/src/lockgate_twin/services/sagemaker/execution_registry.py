"""The executions of pipelines with their steps, kept step by step."""

from __future__ import annotations

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Table
from lockgate_twin.services.sagemaker.names import Named
from lockgate_twin.services.sagemaker.pipeline_execution import FINAL, Execution, StepRun
from lockgate_twin.services.sagemaker.registry import Registry


class ExecutionRegistry(Registry[Execution]):
    """Executions by ARN; a change of one step writes that step alone."""

    def __init__(self, executions: Table, steps: Table) -> None:
        super().__init__(executions)
        self._steps = steps
        known = {execution.arn: execution for execution in self.all()}
        for arn, run in (record for _, record in steps.items()):
            if arn in known:
                known[arn].steps[run.step.name] = run
        for execution in known.values():
            if execution.status in FINAL:
                execution.done.set()

    def keep_step(self, execution: Execution, run: StepRun) -> None:
        """Keep a step as it is now."""
        with self.lock:
            if self.get(_key(execution)) is execution and not self._closed:
                self._steps.put(_step_key(execution, run), (execution.arn, run))

    def forget_step(self, execution: Execution, run: StepRun) -> None:
        """Keep a step no more: it will run again."""
        with self.lock:
            if not self._closed:
                self._steps.remove(_step_key(execution, run))

    def keep_status(self, execution: Execution) -> None:
        """Keep an execution as it is now, without its steps."""
        self.keep(_key(execution), execution)

    def remove(self, key: Named, missing: ApiError) -> Execution:
        """Take an execution out with its steps, or raise `missing`."""
        with self.lock:
            execution = super().remove(key, missing)
            for run in list(execution.steps.values()):
                self._steps.remove(_step_key(execution, run))
        return execution


def _key(execution: Execution) -> Named:
    return Named(execution.start.place, execution.arn)


def _step_key(execution: Execution, run: StepRun) -> str:
    return f"{execution.arn}/{run.step.name}"
