"""Conditions at a stage's entry and end: rules that are checked, and what follows when one is not met.

Source: "Create stage conditions" and "Rule structure reference" (CodePipeline User Guide). The twin checks the rules
VariableCheck and CloudWatchAlarm (without a wait); validation refuses the others by name.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context
from lockgate_twin.services.codepipeline.declaration import Condition, Rule, Stage
from lockgate_twin.services.codepipeline.execution import Execution, RuleRun
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord
from lockgate_twin.services.codepipeline.role_sessions import role_session
from lockgate_twin.services.codepipeline.variables import UnresolvedVariableError, resolve

BEFORE_ENTRY, ON_SUCCESS = "BEFORE_ENTRY", "ON_SUCCESS"
Verdict = tuple[bool, str]


class Conditions:
    """Checks conditions. Its methods are called without the pipeline's lock."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def unmet(self, record: PipelineRecord, execution: Execution, stage: Stage, kind: str) -> str:
        """Check a stage's conditions and return the result of the first that is not met, or "".

        Every rule's check is kept with the stage's run.
        """
        conditions = stage.before_entry if kind == BEFORE_ENTRY else stage.on_success
        unmet = ""
        for number, condition in enumerate(conditions):
            if not self._holds(record, execution, stage, (kind, number, condition)):
                unmet = unmet or condition.result
        with record.changed:
            execution.stages[stage.name].unmet = unmet
            record.keep(execution)
        return unmet

    def _holds(
        self, record: PipelineRecord, execution: Execution, stage: Stage, which: tuple[str, int, Condition]
    ) -> bool:
        kind, number, condition = which
        runs = [self._check(execution, stage, rule, (kind, number)) for rule in condition.rules]
        with record.changed:
            execution.stages[stage.name].rules += runs
            record.keep(execution)
        return all(run.status == "Succeeded" for run in runs)

    def _check(self, execution: Execution, stage: Stage, rule: Rule, place: tuple[str, int]) -> RuleRun:
        run = RuleRun(kind=place[0], condition=place[1], stage=stage.name, rule=rule)
        try:
            run.configuration = resolve(rule.configuration, execution.namespaces)
            met, run.summary = self._verdict(execution, rule, run.configuration)
            run.status = "Succeeded" if met else "Failed"
        except UnresolvedVariableError as error:
            run.status, run.summary = "Failed", str(error)
        except ApiError as error:
            run.status, run.summary = "Failed", error.message
        except ClientError as error:
            run.status, run.summary = "Failed", error.response["Error"]["Message"]
        return run

    def _verdict(self, execution: Execution, rule: Rule, configuration: Mapping[str, str]) -> Verdict:
        if rule.provider == "VariableCheck":
            return variable_check(configuration)
        session = role_session(self._context, execution, rule.role_arn, f"rule-{uuid.uuid4().hex[:12]}")
        return alarm_check(session.client("cloudwatch"), configuration)


def variable_check(configuration: Mapping[str, str]) -> Verdict:
    """Compare a resolved variable with a value."""
    variable, value, operator = (configuration[name] for name in ("Variable", "Value", "Operator"))
    met = {
        "EQ": variable == value,
        "NE": variable != value,
        "CONTAINS": value in variable,
        "MATCHES": operator == "MATCHES" and re.fullmatch(value, variable) is not None,
    }[operator]
    return met, f"'{variable}' {operator} '{value}' is {str(met).lower()}"


def alarm_check(cloudwatch: Any, configuration: Mapping[str, str]) -> Verdict:
    """Look at an alarm: the rule is not met while it is in one of AlarmStates (ALARM unless told otherwise)."""
    name = configuration["AlarmName"]
    refused = {state.strip() for state in configuration.get("AlarmStates", "ALARM").split(",")}
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not found:
        return False, f"There is no alarm {name}"
    state = found[0]["StateValue"]
    return state not in refused, f"Alarm {name} is in state {state}"
