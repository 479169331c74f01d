"""Running executions, stage after stage. One thread follows each execution; it waits on its pipeline's condition.

Source: "How pipeline executions work" and "Stop a pipeline execution" (CodePipeline User Guide).
"""

from __future__ import annotations

import itertools

from lockgate_twin.ports import Context, Event, utc_now
from lockgate_twin.services.codepipeline.action_runs import TWIN_ENDED, ActionRuns
from lockgate_twin.services.codepipeline.conditions import BEFORE_ENTRY, ON_SUCCESS, Conditions
from lockgate_twin.services.codepipeline.declaration import Stage
from lockgate_twin.services.codepipeline.events import pipeline_event, stage_event
from lockgate_twin.services.codepipeline.execution import RUNNING, Execution, StageRun, Trigger
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord
from lockgate_twin.services.codepipeline.rollback import AUTOMATIC, last_good, rollback_of

MANUAL_RETRY, AUTOMATIC_RETRY = "ManualStageRetry", "AutomatedStageRetry"


class Executor:
    """Runs the executions of all pipelines."""

    def __init__(self, context: Context, action_runs: ActionRuns) -> None:
        self._context = context
        self._action_runs = action_runs
        self._conditions = Conditions(context)

    def start(self, record: PipelineRecord, execution: Execution) -> None:
        """Line an execution up for its first stage (a rollback for its only one) and run it."""
        with record.changed:
            record.executions[execution.execution_id] = execution
            index = execution.position[0]
            superseded = _arrive(record, execution, execution.pipeline.stages[index].name)
            record.keep(execution)
        self._launch(record, execution, index, [pipeline_event(execution, "STARTED"), *superseded])

    def retry(self, record: PipelineRecord, execution: Execution, stage: str, *, everything: bool) -> None:
        """Run a failed execution on from a stage: its failed actions alone, or everything in it again."""
        with record.changed:
            run = execution.stages[stage]
            run.unmet, run.engaged, run.overridden = "", "", ()
            run.manual_retries, run.latest_retry = run.manual_retries + 1, MANUAL_RETRY
            if everything:
                run.actions.clear()
        self._go_on(record, execution, stage)

    def override(self, record: PipelineRecord, execution: Execution, stage: str, kind: str) -> None:
        """Run an execution on from a stage whose conditions of a kind were not met, and no longer count."""
        with record.changed:
            run = execution.stages[stage]
            # Conditions after success come after those at the entry, which are not asked again.
            run.unmet, run.overridden = "", (BEFORE_ENTRY, kind)
        self._go_on(record, execution, stage)

    def _go_on(self, record: PipelineRecord, execution: Execution, stage: str) -> None:
        with record.changed:
            execution.end("InProgress", "")
            execution.attempt += 1
            superseded = _arrive(record, execution, stage)
            record.keep(execution)
        index = [s.name for s in execution.pipeline.stages].index(stage)
        self._launch(record, execution, index, [pipeline_event(execution, "RESUMED"), *superseded])

    def resume(self, record: PipelineRecord) -> None:
        """Go on with the executions that an earlier twin left under way.

        Approvals go on waiting; other actions that ran have failed with that twin, and their stages can be retried.
        """
        with record.changed:
            left = [execution for execution in record.executions.values() if execution.status in RUNNING]
            for execution in left:
                index, inside = execution.position
                gate = record.gates[execution.pipeline.stages[index].name]
                gate.return_to(execution.execution_id, execution.pipeline.mode, inside=inside)
        for execution in left:
            self._launch(record, execution, execution.position[0], [])

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
            if _is_inside(execution, stage.name):
                self._run_on(record, execution, stage)
            elif self._enter(record, execution, stage.name):
                resumed = position == index and execution.attempt > 1
                self._emit(stage_event(execution, stage.name, "RESUMED" if resumed else "STARTED"))
                if not self._conditions.unmet(record, execution, stage, BEFORE_ENTRY):
                    self._run_stage(record, execution, stage)
            else:
                return
            while self._retries_itself(record, execution, stage):
                self._run_stage(record, execution, stage)
            if _stage_status(execution.stages[stage.name], stage) == "Succeeded":
                self._conditions.unmet(record, execution, stage, ON_SUCCESS)
            if execution.stages[stage.name].failure is not None:
                self._conditions.engage(record, execution, stage)
            last = position + 1 == len(stages) or execution.only_stage is not None
            following = None if last else stages[position + 1].name
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
                run.status, run.entered = "InProgress", utc_now()
                record.passes[stage] = (execution, run)
                record.keep(execution)
                return True
            gate.leave(execution_id)
            record.changed.notify_all()
            if execution.status != "Stopping":
                return False
            execution.end("Stopped", execution.summary)
            record.keep(execution)
        self._emit(pipeline_event(execution, "STOPPED"))
        return False

    def _run_on(self, record: PipelineRecord, execution: Execution, stage: Stage) -> None:
        """Go on in a stage that an earlier twin was in."""
        with record.changed:
            run = execution.stages[stage.name]
            left = [action for action in run.actions if action.status == "InProgress"]
        for action in left:
            if not action.token:
                self._action_runs.finish(record, execution, action, TWIN_ENDED)
        self._action_runs.wait(record, execution, left)
        if run.failure is not None or run.unmet:
            return
        # Without any action yet, the twin may have ended before it knew whether the stage may be entered.
        if run.actions or not self._conditions.unmet(record, execution, stage, BEFORE_ENTRY):
            self._run_stage(record, execution, stage)

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

    def _retries_itself(self, record: PipelineRecord, execution: Execution, stage: Stage) -> bool:
        """Tell whether a failed stage is run once more by itself, and prepare that.

        Source: "Configure a stage for automatic retry" (CodePipeline User Guide): one retry.
        """
        with record.changed:
            run = execution.stages[stage.name]
            failed = run.failure is not None and execution.status == "InProgress"
            if stage.on_failure != "RETRY" or not failed or run.automatic_retries > 0:
                return False
            run.automatic_retries, run.latest_retry = 1, AUTOMATIC_RETRY
            if stage.retry_mode == "ALL_ACTIONS":
                run.actions.clear()
            record.keep(execution)
        self._emit(stage_event(execution, stage.name, "FAILED"), stage_event(execution, stage.name, "RESUMED"))
        return True

    def _leave(self, record: PipelineRecord, execution: Execution, stage: Stage, following: str | None) -> bool:
        """Free the stage and line up for the next; False if the execution has ended."""
        with record.changed:
            run = execution.stages[stage.name]
            run.status = _stage_status(run, stage)
            record.gates[stage.name].leave(execution.execution_id)
            events = [stage_event(execution, stage.name, run.status.upper())]
            goes_on = (
                run.status in {"Succeeded", "Skipped"} and execution.status == "InProgress" and following is not None
            )
            if goes_on and following is not None:
                events += _arrive(record, execution, following)
            else:
                _conclude(execution, run)
                events.append(pipeline_event(execution, execution.status.upper()))
            record.keep(execution)
            record.changed.notify_all()
        self._emit(*events)
        if not goes_on:
            self._roll_back(record, execution, stage)
        return goes_on

    def _roll_back(self, record: PipelineRecord, execution: Execution, stage: Stage) -> None:
        """Roll a stage that failed back by itself, if it says so and there is something to go back to."""
        with record.changed:
            run = execution.stages[stage.name]
            always = stage.on_failure == "ROLLBACK" and not stage.failure_conditions
            wanted = always or "ROLLBACK" in {run.unmet, run.engaged}
            if not wanted or execution.status != "Failed" or execution.rolled_back_to:
                return
            target = last_good(record, execution, stage.name)
            if target is None:
                return
            trigger = Trigger(type=AUTOMATIC, detail=f"Execution {execution.execution_id} failed in {stage.name}")
            rollback = rollback_of(record, target, stage.name, trigger)
        self.start(record, rollback)

    def _emit(self, *events: Event) -> None:
        for event in events:
            self._context.emit(event)


def _give_up(record: PipelineRecord, execution: Execution) -> None:
    """End an execution that a defect of the twin has stopped, so that it holds no stage."""
    with record.changed:
        for gate in record.gates.values():
            gate.leave(execution.execution_id)
        execution.end("Failed", "A defect of the twin, told in its own log")
        record.keep(execution)
        record.changed.notify_all()


def _arrive(record: PipelineRecord, execution: Execution, stage: str) -> list[Event]:
    """Line up for a stage, and return the events of the executions that this supersedes."""
    overtaken = record.gates[stage].arrive(execution.execution_id, execution.pipeline.mode)
    superseded = [record.executions[execution_id] for execution_id in overtaken]
    for other in superseded:
        other.end("Superseded", f"Superseded by execution {execution.execution_id}")
        record.keep(other)
    record.changed.notify_all()
    return [pipeline_event(other, "SUPERSEDED") for other in superseded]


def _is_inside(execution: Execution, stage: str) -> bool:
    run = execution.stages.get(stage)
    return run is not None and run.status == "InProgress"


def _stage_status(run: StageRun, stage: Stage) -> str:
    if run.unmet == "SKIP":
        return "Skipped"
    if run.failure is not None or run.unmet:
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
    elif run.status == "Failed":
        failed = next(rule for rule in reversed(run.rules) if rule.status == "Failed")
        execution.end("Failed", f"Rule {failed.rule.name} of stage {run.name} is not met: {failed.summary}")
    else:
        execution.end("Succeeded", "")
