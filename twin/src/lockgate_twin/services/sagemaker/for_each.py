"""ForEach steps: run a body of steps once for each item, some at a time (SageMaker SDK v3, `ForEachStep`).

Children are named <body step>-<index>; they read the item as ForEach.CurrentItem and each other within one iteration.
Source: SageMaker SDK v3 (definition and properties); API reference, ForEachStepMetadata and IterationContext.

Assumptions: children count against MaxConcurrency, not against the execution's MaxParallelExecutionSteps; once a child
failed no other starts and the step fails; items are at most 100 however they are given.
"""

from __future__ import annotations

import json
import queue
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lockgate_twin.services.sagemaker.expressions import (
    ExpressionError,
    ItemReference,
    PropertyFileReference,
    Reference,
    StepReference,
    Values,
    follow,
    parse_reference,
    text,
)
from lockgate_twin.services.sagemaker.pipeline_definition import Step
from lockgate_twin.services.sagemaker.pipeline_execution import Execution, StepRun
from lockgate_twin.services.sagemaker.pipeline_graph import needs_of
from lockgate_twin.services.sagemaker.step_cache import StepResult
from lockgate_twin.services.sagemaker.step_call import StepFailure, StepStopped

MAX_ITEMS = 100


class Start(Protocol):
    """Starts a child in the background; its name is put into the queue when it is over."""

    def __call__(self, run: StepRun, values: Values, finished: queue.SimpleQueue[str]) -> None:
        """Start it."""
        ...


@dataclass(frozen=True)
class IterationValues:
    """The values of expressions within one iteration."""

    outer: Values
    siblings: frozenset[str]
    index: int
    item: str

    def of(self, reference: Reference) -> Any:
        """Return a reference's value."""
        if isinstance(reference, ItemReference):
            return self._item(reference)
        if isinstance(reference, StepReference) and reference.step in self.siblings:
            return self.outer.of(replace(reference, step=child_name(reference.step, self.index)))
        return self.outer.of(reference)

    def document(self, reference: PropertyFileReference) -> Any:
        """Return a property file's parsed content."""
        if reference.step in self.siblings:
            reference = replace(reference, step=child_name(reference.step, self.index))
        return self.outer.document(reference)

    def json_object(self, uri: str) -> Any:
        """Return the parsed content of a JSON object in S3."""
        return self.outer.json_object(uri)

    def _item(self, reference: ItemReference) -> Any:
        if not reference.path:
            return self.item
        try:
            return follow(json.loads(self.item), reference.path)
        except ValueError as error:
            raise ExpressionError(f"the item {self.item!r} is no JSON object") from error


def child_name(body: str, index: int) -> str:
    """Return the name of a body step's child."""
    return f"{body}-{index}"


def items_of(given: Any) -> list[str]:
    """Return the items that IterableItems resolved to.

    Raises:
        StepFailure: they are no list, or more than 100.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, list) or len(given) > MAX_ITEMS:
        raise StepFailure(f"ClientError: IterableItems must be a JSON list of at most {MAX_ITEMS} items.")
    return [json.dumps(item) if isinstance(item, dict | list) else text(item) for item in given]


class Loop:
    """One ForEach step under way."""

    def __init__(self, run: StepRun, execution: Execution, values: Values, start: Start) -> None:
        self._run = run
        self._step = run.step
        self._execution = execution
        self._values = values
        self._start = start
        self._children: list[tuple[Step, int, StepRun]] = []
        self._finished: queue.SimpleQueue[str] = queue.SimpleQueue()

    def result(self, items: Sequence[str]) -> StepResult:
        """Run the body for every item and return the step's properties.

        Raises:
            StepFailure: a child failed, or the selector compares what is no number.
            StepStopped: the execution is being stopped.
        """
        siblings = frozenset(step.name for step in self._step.body)
        waiting = [(step, index) for index in range(len(items)) for step in self._step.body]
        self._reuse(waiting)
        running: set[str] = set()
        while True:
            for step, index in self._ready(waiting):
                if len(running) >= self._step.arguments["MaxConcurrency"]:
                    break
                waiting.remove((step, index))
                values = IterationValues(self._values, siblings, index, items[index])
                running.add(self._begin(step, index, values))
            if not running:
                break
            running.discard(self._finished.get())
        return self._concluded(items)

    def _reuse(self, waiting: list[tuple[Step, int]]) -> None:
        """Take over the children that succeeded before a retry of the execution."""
        for step, index in list(waiting):
            run = self._execution.steps.get(child_name(step.name, index))
            if run is not None:
                self._children.append((step, index, run))
                waiting.remove((step, index))

    def _ready(self, waiting: Sequence[tuple[Step, int]]) -> list[tuple[Step, int]]:
        if self._execution.stop_requested.is_set() or any(run.status == "Failed" for _, _, run in self._children):
            return []
        over = {run.step.name for _, _, run in self._children if run.status == "Succeeded"}
        siblings = {step.name for step in self._step.body}
        return [(s, i) for s, i in waiting if all(child_name(n, i) in over for n in needs_of(s) & siblings)]

    def _begin(self, step: Step, index: int, values: IterationValues) -> str:
        child = replace(step, name=child_name(step.name, index))
        iteration = {"ParentStepName": self._step.name, "Index": index, "Item": values.item}
        run = self._execution.steps[child.name] = StepRun(child, iteration=iteration)
        self._children.append((step, index, run))
        self._start(run, values, self._finished)
        return child.name

    def _concluded(self, items: Sequence[str]) -> StepResult:
        statuses = Counter(run.status for _, _, run in self._children)
        counts: dict[str, Any] = {
            "InputItemCount": len(items),
            "TotalStepCount": len(items) * len(self._step.body),
            "SucceededStepCount": statuses["Succeeded"],
            "FailedStepCount": statuses["Failed"],
            "StoppedStepCount": statuses["Stopped"],
        }
        status = "Failed" if statuses["Failed"] else "Succeeded"
        if status == "Succeeded" and statuses["Succeeded"] < counts["TotalStepCount"]:
            status = "Stopped"
        facts = {"Status": status, **counts}
        self._run.metadata = {"ForEach": facts}
        if status == "Failed":
            failed = [run.step.name for _, _, run in self._children if run.status == "Failed"]
            raise StepFailure(f"ClientError: {', '.join(failed)} failed.")
        if status == "Stopped":
            raise StepStopped
        outputs: list[dict[str, Any]] = [{} for _ in items]
        for step, index, run in self._children:
            outputs[index][step.name] = run.properties
        selector, selected = self._selected(outputs)
        properties = {**facts, "IterationOutputs": outputs, **({"Selected": selected} if selector else {})}
        return StepResult(
            properties=properties, metadata={"ForEach": {**facts, **({"Selector": selector} if selector else {})}}
        )

    def _selected(self, outputs: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], Any]:
        given = self._step.arguments.get("Selector")
        if not given or not outputs:
            return {}, None
        body, path = selector_field(given)
        try:
            numbers = [float(follow(output[body], path)) for output in outputs]
        except (TypeError, ValueError) as error:
            raise StepFailure(f"ClientError: the Selector's field is no number: {error}") from error
        pick: Callable[..., int] = max if given["Pick"] == "MaxBy" else min
        index = pick(range(len(numbers)), key=numbers.__getitem__)
        return {"StepName": child_name(body, index), "Index": index}, outputs[index][body]


def selector_field(selector: Mapping[str, Any]) -> tuple[str, tuple[str | int, ...]]:
    """Return the body step and the path that a Selector's Field names.

    Raises:
        ExpressionError: it is no reference to an IterationOutput.
    """
    reference = parse_reference(str(selector["Field"]["Get"]).replace("IterationOutput.", "Steps.", 1))
    if not isinstance(reference, StepReference):
        raise ExpressionError("a Selector's Field is IterationOutput.<body step>.<member>")
    return reference.step, reference.path
