"""Conditions at a stage's entry and end: rules that are checked, and what follows when one is not met.

Source: "Create stage conditions", "How do stage conditions work?" and "Rule structure reference" (CodePipeline User
Guide). The twin checks the rules VariableCheck, DeploymentWindow and CloudWatchAlarm (without a wait); validation
refuses the others by name. A condition at the entry or after success leads to its result when it is not met, one after
a failure when it is met; there, an alarm meets its rule by being in one of its AlarmStates.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, utc_now
from lockgate_twin.services.codepipeline.declaration import Condition, Rule, Stage
from lockgate_twin.services.codepipeline.deployment_window import is_open, parse_window, parse_zone
from lockgate_twin.services.codepipeline.execution import Execution, RuleRun
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord
from lockgate_twin.services.codepipeline.role_sessions import role_session
from lockgate_twin.services.codepipeline.variables import UnresolvedVariableError, resolve
from lockgate_twin.services.scheduling.errors import ExpressionError

BEFORE_ENTRY, ON_SUCCESS, ON_FAILURE = "BEFORE_ENTRY", "ON_SUCCESS", "ON_FAILURE"
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
        if kind in execution.stages[stage.name].overridden:
            return ""
        unmet = ""
        for number, condition in enumerate(conditions):
            if not self._holds(record, execution, stage, (kind, number, condition)):
                unmet = unmet or condition.result
        with record.changed:
            execution.stages[stage.name].unmet = unmet
            record.keep(execution)
        return unmet

    def engage(self, record: PipelineRecord, execution: Execution, stage: Stage) -> None:
        """Check the conditions of a stage that has failed, and keep the result of the first that is met."""
        if not stage.failure_conditions:
            return
        engaged = ""
        for number, condition in enumerate(stage.failure_conditions):
            if self._holds(record, execution, stage, (ON_FAILURE, number, condition)):
                engaged = engaged or condition.result
        with record.changed:
            execution.stages[stage.name].engaged = engaged
            record.keep(execution)

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
            met, run.summary = self._verdict(execution, run)
            run.status = "Succeeded" if met else "Failed"
        except UnresolvedVariableError as error:
            run.status, run.summary = "Failed", str(error)
        except ApiError as error:
            run.status, run.summary = "Failed", error.message
        except ClientError as error:
            run.status, run.summary = "Failed", error.response["Error"]["Message"]
        return run

    def _verdict(self, execution: Execution, run: RuleRun) -> Verdict:
        if run.rule.provider == "VariableCheck":
            return variable_check(run.configuration)
        if run.rule.provider == "DeploymentWindow":
            return window_check(run.configuration, utc_now())
        session = role_session(self._context, execution, run.rule.role_arn, f"rule-{uuid.uuid4().hex[:12]}")
        return alarm_check(session.client("cloudwatch"), run.configuration, after_failure=run.kind == ON_FAILURE)


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


def window_check(configuration: Mapping[str, str], now: datetime) -> Verdict:
    """Look at the clock: the rule is met while its window is open."""
    cron, zone = configuration["Cron"], configuration.get("TimeZone", "UTC")
    try:
        met = is_open(parse_window(cron), parse_zone(zone), now)
    except ExpressionError as error:
        return False, str(error)
    return met, f"The window {cron} in {zone} is {'open' if met else 'closed'}"


def alarm_check(cloudwatch: Any, configuration: Mapping[str, str], *, after_failure: bool = False) -> Verdict:
    """Look at an alarm: the rule is not met while it is in one of AlarmStates (ALARM unless told otherwise).

    After a failure it is met just then.
    """
    name = configuration["AlarmName"]
    refused = {state.strip() for state in configuration.get("AlarmStates", "ALARM").split(",")}
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not found:
        return False, f"There is no alarm {name}"
    state = found[0]["StateValue"]
    return (state in refused) is after_failure, f"Alarm {name} is in state {state}"
