"""Running executions, stage after stage. One thread follows each execution; it waits on its pipeline's condition.

Source: "How pipeline executions work" and "Stop a pipeline execution" (CodePipeline User Guide).
"""

from __future__ import annotations

import itertools

from lockgate_twin.ports import Context, Event
from lockgate_twin.services.codepipeline.action_runs import ActionRuns
from lockgate_twin.services.codepipeline.declaration import Stage
from lockgate_twin.services.codepipeline.events import pipeline_event, stage_event
from lockgate_twin.services.codepipeline.execution import Execution, StageRun
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord


class Executor:
    """Runs the executions of all pipelines."""

    def __init__(self, context: Context, action_runs: ActionRuns) -> None:
        self._context = context
        self._action_runs = action_runs

    def start(self, record: PipelineRecord, execution: Execution) -> None:
        """Line an execution up for its first stage and run it."""
        with record.changed:
            record.executions[execution.execution_id] = execution
            superseded = _arrive(record, execution, execution.pipeline.stages[0].name)
        self._launch(record, execution, 0, [pipeline_event(execution, "STARTED"), *superseded])

    def retry(self, record: PipelineRecord, execution: Execution, stage: str, *, everything: bool) -> None:
        """Run a failed execution on from a stage: its failed actions alone, or everything in it again."""
        with record.changed:
            if everything:
                execution.stages[stage].actions.clear()
            execution.end("InProgress", "")
            execution.attempt += 1
            superseded = _arrive(record, execution, stage)
        index = [s.name for s in execution.pipeline.stages].index(stage)
        self._launch(record, execution, index, [pipeline_event(execution, "RESUMED"), *superseded])

    def _launch(self, record: PipelineRecord, execution: Execution, index: int, events: list[Event]) -> None:
        def run() -> None:
            try:
                self._emit(*events)
                self._run(record, execution, index)
            except Exception:
                _give_up(record, execution)
                raise

        self._context.in_background(f"codepipeline {execution.execution_id}", run)

    def _run(self, record: PipelineRecord, execution: Execution, index: int) -> None:
        stages = execution.pipeline.stages
        for position in range(index, len(stages)):
            stage = stages[position]
            if not self._enter(record, execution, stage.name):
                return
            resumed = position == index and execution.attempt > 1
            self._emit(stage_event(execution, stage.name, "RESUMED" if resumed else "STARTED"))
            self._run_stage(record, execution, stage)
            following = stages[position + 1].name if position + 1 < len(stages) else None
            if not self._leave(record, execution, stage, following):
                return

    def _enter(self, record: PipelineRecord, execution: Execution, stage: str) -> bool:
        """Wait for a stage; False if the execution ends before its turn comes."""
        gate, execution_id = record.gates[stage], execution.execution_id
        with record.changed:
            record.changed.wait_for(lambda: gate.admits(execution_id) or execution.status != "InProgress")
            if execution.status == "InProgress":
                gate.enter(execution_id)
                run = execution.stages.setdefault(stage, StageRun(name=stage))
                run.status = "InProgress"
                record.passes[stage] = (execution, run)
                return True
            gate.leave(execution_id)
            record.changed.notify_all()
            if execution.status != "Stopping":
                return False
            execution.end("Stopped", execution.summary)
        self._emit(pipeline_event(execution, "STOPPED"))
        return False

    def _run_stage(self, record: PipelineRecord, execution: Execution, stage: Stage) -> None:
        by_order = sorted(stage.actions, key=lambda action: action.run_order)
        for _, group in itertools.groupby(by_order, key=lambda action: action.run_order):
            with record.changed:
                if execution.status != "InProgress":
                    return
                done = execution.stages[stage.name]
                todo = [a for a in group if (run := done.latest(a.name)) is None or run.status != "Succeeded"]
            runs = [self._action_runs.start(record, execution, stage.name, action) for action in todo]
            self._action_runs.wait(record, execution, runs)
            if any(run.status != "Succeeded" for run in runs):
                return

    def _leave(self, record: PipelineRecord, execution: Execution, stage: Stage, following: str | None) -> bool:
        """Free the stage and line up for the next; False if the execution has ended."""
        with record.changed:
            run = execution.stages[stage.name]
            run.status = _stage_status(run, stage)
            record.gates[stage.name].leave(execution.execution_id)
            events = [stage_event(execution, stage.name, run.status.upper())]
            goes_on = run.status == "Succeeded" and execution.status == "InProgress" and following is not None
            if goes_on and following is not None:
                events += _arrive(record, execution, following)
            else:
                _conclude(execution, run)
                events.append(pipeline_event(execution, execution.status.upper()))
            record.changed.notify_all()
        self._emit(*events)
        return goes_on

    def _emit(self, *events: Event) -> None:
        for event in events:
            self._context.emit(event)


def _give_up(record: PipelineRecord, execution: Execution) -> None:
    """End an execution that a defect of the twin has stopped, so that it holds no stage."""
    with record.changed:
        for gate in record.gates.values():
            gate.leave(execution.execution_id)
        execution.end("Failed", "A defect of the twin, told in its own log")
        record.changed.notify_all()


def _arrive(record: PipelineRecord, execution: Execution, stage: str) -> list[Event]:
    """Line up for a stage, and return the events of the executions that this supersedes."""
    overtaken = record.gates[stage].arrive(execution.execution_id, execution.pipeline.mode)
    superseded = [record.executions[execution_id] for execution_id in overtaken]
    for other in superseded:
        other.end("Superseded", f"Superseded by execution {execution.execution_id}")
    record.changed.notify_all()
    return [pipeline_event(other, "SUPERSEDED") for other in superseded]


def _stage_status(run: StageRun, stage: Stage) -> str:
    if run.failure is not None:
        return "Failed"
    latest = [run.latest(action.name) for action in stage.actions]
    return "Succeeded" if all(r is not None and r.status == "Succeeded" for r in latest) else "Stopped"


def _conclude(execution: Execution, run: StageRun) -> None:
    """Give an execution the status that follows from its last stage."""
    if run.failure is not None:
        failure = run.failure
        summary = f"Action {failure.action.name} of stage {run.name} failed: {failure.summary}"
        execution.end("Failed", summary)
    elif execution.status == "Stopping":
        execution.end("Stopped", execution.summary)
    else:
        execution.end("Succeeded", "")
