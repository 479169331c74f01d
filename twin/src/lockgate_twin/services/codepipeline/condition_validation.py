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

Problem = tuple[str, str]
_STAGE = "InvalidStageDeclarationException"
_OPERATORS = {"EQ", "NE", "CONTAINS", "MATCHES"}
_RULES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "VariableCheck": (frozenset({"Variable", "Value", "Operator"}), frozenset()),
    "CloudWatchAlarm": (frozenset({"AlarmName"}), frozenset({"AlarmStates", "WaitTime"})),
}
_RESULTS = {
    "beforeEntry": {"FAIL", "SKIP"},
    "onSuccess": {"FAIL", "ROLLBACK"},
    "onFailure": {"FAIL", "RETRY", "ROLLBACK"},
}


def refuse_conditions(stage: Mapping[str, Any]) -> None:
    """Refuse what the twin would not check.

    Raises:
        NotImplementedByTwin: conditions of onFailure, or a rule whose provider the twin does not have.
    """
    if (stage.get("onFailure") or {}).get("conditions"):
        raise NotImplementedByTwin(f"CodePipeline's conditions in onFailure of stage {stage['name']}")
    for member in ("beforeEntry", "onSuccess"):
        for condition in (stage.get(member) or {}).get("conditions") or []:
            for rule in condition.get("rules") or []:
                _refuse_rule(rule)


def _refuse_rule(rule: Mapping[str, Any]) -> None:
    kind, configuration = rule["ruleTypeId"], rule.get("configuration") or {}
    if kind["provider"] not in _RULES or kind.get("owner", "AWS") != "AWS" or kind.get("version", "1") != "1":
        known = " and ".join(_RULES)
        raise NotImplementedByTwin(
            f"CodePipeline's rule provider {kind['provider']} (rule {rule['name']}; there are {known})"
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
        rollback = stage.on_failure == "ROLLBACK" or any(c.result == "ROLLBACK" for c in stage.on_success)
        if rollback and (index == 0 or pipeline.mode == "PARALLEL"):
            where = "a source stage" if index == 0 else "a pipeline in PARALLEL mode"
            yield _STAGE, f"Stage {stage.name} cannot be rolled back: there is no rollback of {where}"
        for condition in (*stage.before_entry, *stage.on_success):
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


def _rule(stage: Stage, rule: Rule) -> Iterator[Problem]:
    required, optional = _RULES[rule.provider]
    said = f"Rule {rule.name} of stage {stage.name}"
    for key in sorted(required - set(rule.configuration)):
        yield _STAGE, f"{said} is missing required configuration '{key}'"
    for key in sorted(set(rule.configuration) - required - optional):
        yield _STAGE, f"{said} contains unknown configuration '{key}'"
    operator = rule.configuration.get("Operator", "EQ")
    if operator not in _OPERATORS:
        yield _STAGE, f"{said} has the operator {operator}; there are {', '.join(sorted(_OPERATORS))}"
    if operator == "MATCHES":
        try:
            re.compile(rule.configuration.get("Value", ""))
        except re.error as error:
            yield _STAGE, f"{said} has a value that is no regular expression: {error}"
