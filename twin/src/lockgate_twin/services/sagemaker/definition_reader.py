"""Read a pipeline definition's JSON; every mistake in its form is reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.services.sagemaker import conditions, step_outputs
from lockgate_twin.services.sagemaker.durations import parse_duration
from lockgate_twin.services.sagemaker.expressions import is_expression
from lockgate_twin.services.sagemaker.pipeline_definition import (
    TYPES,
    Definition,
    DefinitionError,
    Parameter,
    PropertyFile,
    Step,
)
from lockgate_twin.services.sagemaker.retry_policies import EXCEPTION_TYPES, RetryPolicy

VERSION = "2020-12-01"
TOP_LEVEL = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"})
COMMON = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
JOB_FIELDS = frozenset({"CacheConfig", "RetryPolicies"})
STEP_FIELDS: dict[str, frozenset[str]] = {
    "Processing": COMMON | JOB_FIELDS | {"PropertyFiles"},
    "Training": COMMON | JOB_FIELDS,
    "Transform": COMMON | JOB_FIELDS,
    "Model": COMMON | {"RetryPolicies"},
    "RegisterModel": COMMON | {"RetryPolicies"},
    "Condition": COMMON,
    "Fail": COMMON,
    # Lambda and Callback steps are not among the steps that retry policies support.
    "Lambda": COMMON | {"CacheConfig", "FunctionArn", "OutputParameters"},
    "Callback": COMMON | {"CacheConfig", "SqsQueueUrl", "OutputParameters"},
}
STEP_FIELDS["ForEach"] = COMMON
NOT_IN_BODIES = frozenset({"Condition", "Fail", "ForEach"})
# What a step calls, where that is not among its arguments.
TARGETS = {"Lambda": "FunctionArn", "Callback": "SqsQueueUrl"}
FIELD = re.compile(r"IterationOutput\.([A-Za-z0-9\-_]+)[.\[].+")
NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


def parse(text: str) -> Definition:
    """Read a definition's JSON.

    Raises:
        DefinitionError: with everything that is wrong with its form.
        NotImplementedByTwin: a step's type is not one the twin runs; the step is named.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DefinitionError([f"the definition is not JSON: {error}"]) from error
    if not isinstance(document, dict) or not isinstance(document.get("Steps"), list) or not document["Steps"]:
        raise DefinitionError(["the definition is an object with at least one step in Steps"])
    reader = _Reader()
    reader.top_level(document)
    parameters = list(reader.parameters(document.get("Parameters") or []))
    steps = list(reader.steps(document["Steps"], "Steps", None))
    reader.unique("parameter", [p.name for p in parameters])
    bodies = [body.name for s in steps for body in s.body]
    reader.unique("step", [*(s.name for s in steps), *bodies])
    children = re.compile("|".join(f"{re.escape(name)}-[0-9]+" for name in bodies) or "(?!)")
    taken = [step for step in steps if children.fullmatch(step.name)]
    reader.problems += [f"{step.path}: the name is that of a child of a ForEach step" for step in taken]
    if reader.problems:
        raise DefinitionError(reader.problems)
    return Definition(text=text, parameters={p.name: p for p in parameters}, steps={s.name: s for s in steps})


class _Reader:
    """Reads the parts of a definition and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def unique(self, what: str, names: list[str]) -> None:
        self.problems += [f"two {what}s are named {n!r}" for n in sorted({n for n in names if names.count(n) > 1})]

    def unknown(self, path: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
        self.problems += [f"{path}.{name}: unknown field" for name in given if name not in known]

    def top_level(self, document: Mapping[str, Any]) -> None:
        if document.get("Version") != VERSION:
            self.problems.append(f"Version must be {VERSION!r}, not {document.get('Version')!r}")
        self.problems += [f"{name}: unknown field" for name in document if name not in TOP_LEVEL]
        if document.get("MlflowConfig"):
            raise NotImplementedByTwin("A pipeline definition with MlflowConfig")

    def parameters(self, items: list[Any]) -> Iterator[Parameter]:
        known = frozenset({"Name", "Type", "DefaultValue", "EnumValues"})
        for index, item in enumerate(items):
            path = f"Parameters[{index}]"
            if not isinstance(item, dict) or not item.get("Name") or item.get("Type") not in TYPES:
                self.problems.append(f"{path}: a parameter has a Name and a Type of {', '.join(TYPES)}")
                continue
            self.unknown(path, item, known)
            choices = tuple(item["EnumValues"]) if item.get("EnumValues") else None
            default = item.get("DefaultValue")
            parameter = Parameter(name=item["Name"], type=item["Type"], default=default, choices=choices)
            if default is not None and not parameter.accepts(default):
                self.problems.append(f"{path}.DefaultValue: {default!r} is no {parameter.type} it allows")
            yield parameter

    def steps(self, items: Any, path: str, branch: tuple[str, bool] | None) -> Iterator[Step]:
        if not isinstance(items, list):
            self.problems.append(f"{path}: must be a list of steps")
            return
        for index, item in enumerate(items):
            named = isinstance(item, dict) and isinstance(item.get("Name"), str) and NAME.fullmatch(item["Name"])
            if not named:
                self.problems.append(f"{path}[{index}]: a step is an object with a Name of {NAME.pattern}")
                continue
            if item.get("Type") not in STEP_FIELDS:
                raise NotImplementedByTwin(f"Step {item['Name']!r} of type {item.get('Type')!r} in a pipeline")
            where = f"{path}[{item['Name']}]"
            yield self.step(item, where, branch)
            if item["Type"] == "Condition" and isinstance(item.get("Arguments"), dict):
                for name, outcome in (("IfSteps", True), ("ElseSteps", False)):
                    nested = item["Arguments"].get(name) or []
                    yield from self.steps(nested, f"{where}.Arguments.{name}", (item["Name"], outcome))

    def step(self, item: Mapping[str, Any], path: str, branch: tuple[str, bool] | None) -> Step:
        self.unknown(path, item, STEP_FIELDS[item["Type"]])
        arguments = item.get("Arguments", {} if item["Type"] in TARGETS else None)
        if not isinstance(arguments, dict):
            self.problems.append(f"{path}.Arguments: an object is required")
            arguments = {}
        if item["Type"] == "Condition":
            self.condition(arguments, f"{path}.Arguments")
        elif item["Type"] == "Fail" and set(arguments) != {"ErrorMessage"}:
            self.problems.append(f"{path}.Arguments: a Fail step has exactly ErrorMessage")
        body = self.body(arguments, f"{path}.Arguments") if item["Type"] == "ForEach" else ()
        cached, expire_after = self.cache(item.get("CacheConfig"), path)
        return Step(
            name=item["Name"],
            type=item["Type"],
            arguments=arguments,
            path=path,
            depends_on=tuple(self.dependencies(item.get("DependsOn") or [], path)),
            branch=branch,
            cached=cached,
            expire_after=expire_after,
            retries=tuple(self.retries(item.get("RetryPolicies") or [], path)),
            property_files=self.property_files(item, path),
            target=self.target(item, path),
            outputs=self.outputs(item, path),
            body=body,
            display_name=item.get("DisplayName"),
            description=item.get("Description"),
        )

    def body(self, arguments: Mapping[str, Any], path: str) -> tuple[Step, ...]:
        """Read a ForEach step's arguments (SageMaker SDK v3, `ForEachStep`: the limits of its members)."""
        self.unknown(path, arguments, frozenset({"IterableItems", "MaxConcurrency", "Selector", "ForEachBody"}))
        items, most = arguments.get("IterableItems"), arguments.get("MaxConcurrency")
        if not is_expression(items) and not (isinstance(items, list) and 1 <= len(items) <= 100):
            self.problems.append(f"{path}.IterableItems: must be an expression or a list of 1 to 100 items")
        if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= 50:
            self.problems.append(f"{path}.MaxConcurrency: must be a number from 1 to 50")
        found = tuple(self.steps(arguments.get("ForEachBody"), f"{path}.ForEachBody", None))
        if not found:
            self.problems.append(f"{path}.ForEachBody: at least one step is required")
        for step in found:
            if step.type in NOT_IN_BODIES:
                self.problems.append(f"{step.path}: a step of type {step.type} cannot be in a ForEachBody")
        self.problems += selector_problems(arguments.get("Selector"), [s.name for s in found], f"{path}.Selector")
        return found

    def target(self, item: Mapping[str, Any], path: str) -> Any:
        member = TARGETS.get(item["Type"])
        if member is None:
            return None
        found = item.get(member)
        if not is_expression(found) and not (isinstance(found, str) and found):
            self.problems.append(f"{path}.{member}: required field missing")
        return found

    def outputs(self, item: Mapping[str, Any], path: str) -> dict[str, str]:
        given = item.get("OutputParameters") or []
        wrong = list(step_outputs.problems(given, f"{path}.OutputParameters"))
        self.problems += wrong
        return {} if wrong else step_outputs.declared(given)

    def condition(self, arguments: Mapping[str, Any], path: str) -> None:
        self.unknown(path, arguments, frozenset({"Conditions", "IfSteps", "ElseSteps"}))
        given = arguments.get("Conditions")
        if not isinstance(given, list) or not given:
            self.problems.append(f"{path}.Conditions: at least one condition is required")
            return
        for index, condition in enumerate(given):
            self.problems += conditions.problems(condition, f"{path}.Conditions[{index}]")

    def dependencies(self, items: list[Any], path: str) -> Iterator[str]:
        for item in items:
            if isinstance(item, str):
                yield item
            else:
                raise NotImplementedByTwin(f"{path}.DependsOn with {item!r} (only step names)")

    def cache(self, config: Any, path: str) -> tuple[bool, timedelta | None]:
        if not isinstance(config, dict) or not config.get("Enabled"):
            return False, None
        self.unknown(f"{path}.CacheConfig", config, frozenset({"Enabled", "ExpireAfter"}))
        if not config.get("ExpireAfter"):
            return True, None
        try:
            return True, parse_duration(config["ExpireAfter"])
        except ValueError as error:
            self.problems.append(f"{path}.CacheConfig.ExpireAfter: {error}")
            return True, None

    def retries(self, items: list[Any], path: str) -> Iterator[RetryPolicy]:
        known = frozenset({"ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin"})
        for index, item in enumerate(items):
            where = f"{path}.RetryPolicies[{index}]"
            self.unknown(where, item, known)
            kinds = item.get("ExceptionType") or []
            kinds = frozenset([kinds] if isinstance(kinds, str) else kinds)
            if not kinds or kinds - EXCEPTION_TYPES:
                self.problems.append(f"{where}.ExceptionType: not of {', '.join(sorted(EXCEPTION_TYPES))}")
            yield RetryPolicy(
                exception_types=kinds,
                interval=item.get("IntervalSeconds", 1),
                backoff=item.get("BackoffRate", 2.0),
                max_attempts=item.get("MaxAttempts", None if "ExpireAfterMin" in item else 5),
                expire_after_minutes=item.get("ExpireAfterMin"),
            )

    def property_files(self, item: Mapping[str, Any], path: str) -> dict[str, PropertyFile]:
        found = {}
        for index, given in enumerate(item.get("PropertyFiles") or []):
            where = f"{path}.PropertyFiles[{index}]"
            missing = {"PropertyFileName", "OutputName", "FilePath"} - set(given)
            if missing:
                self.problems.append(f"{where}: {', '.join(sorted(missing))} missing")
                continue
            name = given["PropertyFileName"]
            found[name] = PropertyFile(name=name, output=given["OutputName"], path=given["FilePath"])
        return found


def selector_problems(selector: Any, bodies: list[str], path: str) -> Iterator[str]:
    """Give what is wrong with a ForEach step's Selector."""
    if selector is None:
        return
    field = selector.get("Field") if isinstance(selector, Mapping) else None
    found = FIELD.fullmatch(str(field.get("Get"))) if isinstance(field, Mapping) else None
    if not isinstance(selector, Mapping) or set(selector) != {"Pick", "Field"}:
        yield f"{path}: a Selector has exactly Pick and Field"
    elif selector["Pick"] not in {"MaxBy", "MinBy"}:
        yield f"{path}.Pick: {selector['Pick']!r} is not MaxBy or MinBy"
    elif found is None or found.group(1) not in bodies:
        yield f"{path}.Field: must be IterationOutput.<body step>.<member>, of {', '.join(bodies)}"
