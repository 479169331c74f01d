"""Selective execution: run some steps of a pipeline with what an earlier execution left.

Source: Developer Guide, "Selective execution of pipeline steps"; API reference, SelectiveExecutionConfig: all steps on
all paths between two selected steps are selected too; the reference execution is over; it is required if a selected
step needs what an unselected one left; parameters that the request does not give have the reference's values.

Assumption: a selected step behind a condition that is not selected runs whatever the condition's outcome was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.ports import utc_now
from lockgate_twin.services.sagemaker.errors import validation
from lockgate_twin.services.sagemaker.pipeline_definition import Definition, Step
from lockgate_twin.services.sagemaker.pipeline_execution import FINAL, Execution, StepRun
from lockgate_twin.services.sagemaker.pipeline_graph import dependencies


def selected(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the selected steps."""
    return [item["StepName"] for item in config["SelectedSteps"]]


def begin(definition: Definition, names: Collection[str], source: Execution | None) -> dict[str, StepRun]:
    """Return the steps that an execution of the selected steps begins with: those reused, and those that never run.

    Raises:
        ApiError: ValidationException naming everything that is wrong with the selection.
    """
    if source is not None and source.status not in FINAL:
        raise validation(f"The reference execution {source.arn} is {source.status}; it must be over.")
    problems = [f"no step is named {name!r}" for name in names if name not in definition.steps]
    if problems:
        raise _refusal(problems)
    needs = dependencies(definition)
    problems += [f"step {name} lies between selected steps and must be selected" for name in _between(needs, names)]
    problems += list(_torn(definition, names))
    conditions = {step.branch[0] for step in _chosen(definition, names) if step.branch} - set(names)
    needed = {need for name in names for need in needs[name]} - set(names) - conditions
    problems += [problem for name in sorted(needed) if (problem := _unusable(name, source))]
    if problems:
        raise _refusal(problems)
    return {step.name: run for step in definition.steps.values() if (run := _first(step, names, needed, source))} | {
        step.branch[0]: _decided(definition.steps[step.branch[0]], step.branch)
        for step in _chosen(definition, names)
        if step.branch and step.branch[0] in conditions
    }


def _refusal(problems: list[str]) -> Exception:
    return validation(f"The SelectiveExecutionConfig is not valid: {'; '.join(problems)}")


def _chosen(definition: Definition, names: Collection[str]) -> list[Step]:
    return [definition.steps[name] for name in names]


def _between(needs: Mapping[str, set[str]], names: Collection[str]) -> list[str]:
    """Return the unselected steps that come after one selected step and before another."""
    before = {name: _ancestors(needs, name) for name in needs}
    chosen = set(names)
    upstream = {ancestor for name in chosen for ancestor in before[name]}
    return sorted(name for name in upstream - chosen if before[name] & chosen)


def _ancestors(needs: Mapping[str, set[str]], name: str) -> set[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        fresh = needs[todo.pop()] - found
        found |= fresh
        todo += fresh
    return found


def _torn(definition: Definition, names: Collection[str]) -> Iterator[str]:
    branches = {step.branch for step in _chosen(definition, names) if step.branch and step.branch[0] not in names}
    for condition in sorted({name for name, _ in branches}):
        if {(condition, True), (condition, False)} <= branches:
            yield f"steps of both branches of {condition} are selected; select the condition too"


def _unusable(name: str, source: Execution | None) -> str | None:
    if source is None:
        return f"selected steps need {name}, which is not selected; give a SourcePipelineExecutionArn"
    run = source.steps.get(name)
    if run is None or run.status != "Succeeded":
        return f"selected steps need {name}, which did not succeed in {source.arn}"
    return None


def _first(step: Step, names: Collection[str], needed: set[str], source: Execution | None) -> StepRun | None:
    if step.name in names:
        return None
    if step.name in needed and source is not None:
        run = source.steps[step.name]
        return replace(run, selective_source=run.selective_source or source.arn, cache_source=None)
    return StepRun(step, skipped=True, status="")


def _decided(condition: Step, branch: tuple[str, bool]) -> StepRun:
    """Return the run of a condition that is not asked; it is not listed among the steps."""
    return StepRun(condition, status="", ended=utc_now(), properties={"Outcome": branch[1]}, hidden=True)
