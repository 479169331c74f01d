"""Checking what a stage does when it fails, and its conditions.

Source: "Create stage conditions", "Configure a stage for automatic rollback" and "Rule structure reference"
(CodePipeline User Guide).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.services.codepipeline.declaration import Pipeline, Rule, Stage
from lockgate_twin.services.codepipeline.deployment_window import parse_window, parse_zone
from lockgate_twin.services.scheduling.errors import ExpressionError

Problem = tuple[str, str]
_STAGE = "InvalidStageDeclarationException"
_OPERATORS = {"EQ", "NE", "CONTAINS", "MATCHES"}
_RULES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "VariableCheck": (frozenset({"Variable", "Value", "Operator"}), frozenset()),
    "CloudWatchAlarm": (frozenset({"AlarmName"}), frozenset({"AlarmStates", "WaitTime"})),
    "DeploymentWindow": (frozenset({"Cron"}), frozenset({"TimeZone"})),
}
# Why the twin does not have a rule, where there is more to say than that.
_WHY = {"LambdaInvoke": ": AWS does not document the event that its function gets, nor how it answers"}
_RESULTS = {
    "beforeEntry": {"FAIL", "SKIP"},
    "onSuccess": {"FAIL", "ROLLBACK"},
    "onFailure": {"FAIL", "RETRY", "ROLLBACK"},
}


def refuse_conditions(stage: Mapping[str, Any]) -> None:
    """Refuse what the twin would not check.

    Raises:
        NotImplementedByTwin: a retry by condition, or a rule whose provider the twin does not have.
    """
    failure = stage.get("onFailure") or {}
    results = {failure.get("result"), *(c.get("result") for c in failure.get("conditions") or [])}
    if failure.get("conditions") and "RETRY" in results:
        raise NotImplementedByTwin(f"CodePipeline's result RETRY with conditions in onFailure of stage {stage['name']}")
    for member in _RESULTS:
        for condition in (stage.get(member) or {}).get("conditions") or []:
            for rule in condition.get("rules") or []:
                _refuse_rule(rule)


def _refuse_rule(rule: Mapping[str, Any]) -> None:
    kind, configuration = rule["ruleTypeId"], rule.get("configuration") or {}
    if kind["provider"] not in _RULES or kind.get("owner", "AWS") != "AWS" or kind.get("version", "1") != "1":
        known, why = ", ".join(_RULES), _WHY.get(kind["provider"], "")
        raise NotImplementedByTwin(
            f"CodePipeline's rule provider {kind['provider']} (rule {rule['name']}; there are {known}){why}"
        )
    if rule.get("commands") or rule.get("inputArtifacts"):
        raise NotImplementedByTwin(f"Commands and input artifacts of a CodePipeline rule (rule {rule['name']})")
    if configuration.get("WaitTime", "0") != "0":
        raise NotImplementedByTwin(f"WaitTime of a CodePipeline rule (rule {rule['name']})")


def condition_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield what is wrong with failure results and conditions."""
    for index, (stage, raw) in enumerate(zip(pipeline.stages, pipeline.raw["stages"], strict=True)):
        members = [member for member in _RESULTS if raw.get(member)]
        if members and pipeline.raw["pipelineType"] == "V1":
            yield _STAGE, f"{members[0]} of stage {stage.name} needs pipeline type V2"
        yield from _results(stage, raw)
        ends = (*stage.on_success, *stage.failure_conditions)
        rollback = stage.on_failure == "ROLLBACK" or any(c.result == "ROLLBACK" for c in ends)
        if rollback and (index == 0 or pipeline.mode == "PARALLEL"):
            where = "a source stage" if index == 0 else "a pipeline in PARALLEL mode"
            yield _STAGE, f"Stage {stage.name} cannot be rolled back: there is no rollback of {where}"
        for condition in (*stage.before_entry, *ends):
            for rule in condition.rules:
                yield from _rule(stage, rule)


def _results(stage: Stage, raw: Mapping[str, Any]) -> Iterator[Problem]:
    for member, allowed in _RESULTS.items():
        given = raw.get(member) or {}
        results = [given.get("result"), *(c.get("result") for c in given.get("conditions") or [])]
        for result in results:
            if result is not None and result not in allowed:
                yield _STAGE, f"The result {result} is not valid in {member} of stage {stage.name}"
        if any(not c.get("rules") for c in given.get("conditions") or []):
            yield _STAGE, f"A condition in {member} of stage {stage.name} has no rules"


def _window_problems(rule: Rule) -> Iterator[str]:
    if rule.provider != "DeploymentWindow":
        return
    for read, text in (
        (parse_window, rule.configuration.get("Cron", "* * * * * ?")),
        (parse_zone, rule.configuration.get("TimeZone", "UTC")),
    ):
        try:
            read(text)
        except ExpressionError as error:
            yield str(error)


def _rule(stage: Stage, rule: Rule) -> Iterator[Problem]:
    required, optional = _RULES[rule.provider]
    said = f"Rule {rule.name} of stage {stage.name}"
    for key in sorted(required - set(rule.configuration)):
        yield _STAGE, f"{said} is missing required configuration '{key}'"
    for key in sorted(set(rule.configuration) - required - optional):
        yield _STAGE, f"{said} contains unknown configuration '{key}'"
    yield from ((_STAGE, f"{said}: {problem}") for problem in _window_problems(rule))
    operator = rule.configuration.get("Operator", "EQ")
    if operator not in _OPERATORS:
        yield _STAGE, f"{said} has the operator {operator}; there are {', '.join(sorted(_OPERATORS))}"
    if operator == "MATCHES":
        try:
            re.compile(rule.configuration.get("Value", ""))
        except re.error as error:
            yield _STAGE, f"{said} has a value that is no regular expression: {error}"
