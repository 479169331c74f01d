"""Conditions after a failure, deployment windows, and going on in spite of a condition.

Source: CodePipeline User Guide, "How do stage conditions work?", "DeploymentWindow" (rule reference); API Reference,
OverrideStageCondition.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lockgate_twin.errors import ApiError
from lockgate_twin.services.codepipeline.deployment_window import is_open, parse_window, parse_zone
from lockgate_twin.services.scheduling.errors import ExpressionError

from tests.twin.codepipeline.conftest import Pipelines, approval, build, stage

# A Wednesday.
_NOON = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)


def _rule(provider: str, **configuration: str) -> dict[str, Any]:
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": "Check", "ruleTypeId": kind, "configuration": configuration}


def _conditions(rule: dict[str, Any], result: str = "FAIL") -> dict[str, Any]:
    return {"conditions": [{"result": result, "rules": [rule]}]}


def _message(value: str) -> dict[str, Any]:
    """Return a rule that is met for commits with this message."""
    return _rule("VariableCheck", Variable="#{SourceVariables.CommitMessage}", Operator="EQ", Value=value)


@pytest.mark.parametrize(
    ("cron", "zone", "open_"),
    [
        ("* * * ? * MON-FRI *", "UTC", True),
        ("0 0 9-17 ? * mon-fri *", "UTC", True),
        ("* * 9-11 ? * * *", "UTC", False),
        ("* * * * * ?", "UTC", True),
        ("* * 7 ? * WED", "America/New_York", True),
        ("* * 14 ? * WED", "UTC+02:00", True),
        ("* 30 * ? * *", "UTC", False),
        ("* * * ? * WED#4 *", "UTC", True),
        ("* * * ? * WED#3 *", "UTC", False),
        ("* * * L * ? *", "UTC", False),
    ],
)
def test_a_window_is_open_in_the_minutes_it_names(cron: str, zone: str, open_: object) -> None:
    """Hours, days and the year count in the window's zone, seconds do not; names are not case sensitive."""
    assert is_open(parse_window(cron), parse_zone(zone), _NOON) is open_


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("* * * ? *", "UTC", "has the fields"),
        ("30 * * ? * *", "UTC", "seconds"),
        ("* * 24 ? * *", "UTC", "not a value from 0 to 23"),
        ("* * * ? * *", "PST", "abbreviation PST is not implemented"),
        ("* * * ? * *", "Mars/Olympus", "no time zone Mars/Olympus"),
        ("* * * ? * *", "UTC+24:00", "no time zone"),
    ],
)
def test_a_window_that_is_none_is_refused(pipelines: Pipelines, cron: str, zone: str, said: str) -> None:
    """A mistake in Cron or TimeZone is told when the pipeline is made, and so is an ambiguous abbreviation."""
    guarded = {
        **stage("Build", build()),
        "beforeEntry": _conditions(_rule("DeploymentWindow", Cron=cron, TimeZone=zone)),
    }
    with pytest.raises(ApiError, match=said):
        pipelines.create(guarded)
    with pytest.raises(ExpressionError, match=said):
        parse_zone(zone) if said.startswith(("abbrev", "no time")) else parse_window(cron)


@pytest.mark.parametrize(("year", "status"), [("*", "Succeeded"), ("1999", "Failed")])
def test_a_closed_window_keeps_executions_out(pipelines: Pipelines, year: str, status: str) -> None:
    """A stage is entered in its window only; the rule's summary names the window."""
    window = _rule("DeploymentWindow", Cron=f"* * * ? * * {year}")
    pipelines.create({**stage("Build", build()), "beforeEntry": _conditions(window)})

    assert pipelines.run()["status"] == status

    (told,) = pipelines("ListRuleExecutions", pipelineName="shop")["ruleExecutionDetails"]
    summary = told["output"]["executionResult"]["externalExecutionSummary"]
    assert summary == f"The window * * * ? * * {year} in UTC is {'open' if year == '*' else 'closed'}"


@pytest.mark.parametrize(("message", "check"), [("breaks", "Succeeded"), ("other", "Failed")])
def test_a_condition_after_a_failure_rolls_back_if_it_is_met(pipelines: Pipelines, message: str, check: str) -> None:
    """The stage goes back to the last good execution only if the failure's rules are met; their check is told."""
    guarded = {**stage("Gate", approval()), "onFailure": _conditions(_message("breaks"), "ROLLBACK")}
    pipelines.create(guarded)
    good = pipelines.start()
    pipelines.await_action(good, "Approve")
    pipelines.answer("Gate", "Approved", pipelines.token("Gate"))
    pipelines.ended(good)
    pipelines.commit(message, a="1")
    bad = pipelines.start()
    pipelines.await_action(bad, "Approve")
    pipelines.answer("Gate", "Rejected", pipelines.token("Gate"))
    pipelines.ended(bad)

    (told,) = pipelines("ListRuleExecutions", pipelineName="shop")["ruleExecutionDetails"]
    assert told["status"] == check
    if check == "Failed":
        assert pipelines.state("Gate")["onFailureConditionState"]["latestExecution"]["status"] == "Failed"
        assert len(pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"]) == 2
        return
    pipelines.world.await_event(
        lambda e: e.detail.get("execution-trigger", {}).get("trigger-type") == "AutomatedRollback"
    )


def test_an_alarm_after_a_failure_is_met_by_its_alarm(pipelines: Pipelines) -> None:
    """After a failure CloudWatchAlarm is met in state ALARM; a condition whose result is FAIL changes nothing."""

    class Alarms:
        """A CloudWatch client whose alarms are in ALARM."""

        def describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803
            """Describe the alarm."""
            return {"MetricAlarms": [{"AlarmName": name, "StateValue": "ALARM"} for name in AlarmNames]}

    pipelines.world.clients["cloudwatch"] = Alarms()
    alarmed = _conditions(_rule("CloudWatchAlarm", AlarmName="drift"))
    pipelines.create({**stage("Gate", approval()), "onFailure": alarmed})
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Approve")
    pipelines.answer("Gate", "Rejected", pipelines.token("Gate"), "no")

    assert pipelines.ended(execution_id)["status"] == "Failed"
    (told,) = pipelines("ListRuleExecutions", pipelineName="shop")["ruleExecutionDetails"]
    assert told["status"] == "Succeeded"
    assert len(pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"]) == 1


@pytest.mark.parametrize(("member", "kind"), [("beforeEntry", "BEFORE_ENTRY"), ("onSuccess", "ON_SUCCESS")])
def test_a_condition_can_be_overridden(pipelines: Pipelines, member: str, kind: str) -> None:
    """An execution that a condition has failed goes on; what has succeeded does not run again."""
    pipelines.create({**stage("Build", build()), member: _conditions(_message("another"))})
    execution_id = pipelines.run()["pipelineExecutionId"]
    assert pipelines.get(execution_id)["status"] == "Failed"
    where = {"pipelineName": "shop", "stageName": "Build", "pipelineExecutionId": execution_id}
    before = len(pipelines.world.events)

    pipelines("OverrideStageCondition", **where, conditionType=kind)

    pipelines.world.await_event(
        lambda e: (
            e in pipelines.world.events[before:]
            and e.detail_type == "CodePipeline Pipeline Execution State Change"
            and e.detail["state"] == "SUCCEEDED"
        )
    )
    assert pipelines.get(execution_id)["status"] == "Succeeded"
    assert [a["actionName"] for a in pipelines.actions(execution_id)] == ["Source", "Build"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "ConditionNotOverridableException"),
        ({"conditionType": "ON_SUCCESS"}, "ConditionNotOverridableException"),
        ({"stageName": "Nowhere"}, "StageNotFoundException"),
        ({"pipelineExecutionId": "first"}, "NotLatestPipelineExecutionException"),
    ],
)
def test_only_a_condition_that_has_failed_can_be_overridden(
    pipelines: Pipelines, changes: dict[str, str], code: str
) -> None:
    """A condition that was met, another kind, an unknown stage and an older execution are refused."""
    pipelines.create({**stage("Build", build()), "beforeEntry": _conditions(_message("first"))})
    first, second = (pipelines.run()["pipelineExecutionId"] for _ in range(2))
    wanted = {"pipelineName": "shop", "stageName": "Build", "conditionType": "BEFORE_ENTRY", **changes}
    wanted["pipelineExecutionId"] = first if changes.get("pipelineExecutionId") else second

    with pytest.raises(ApiError) as caught:
        pipelines("OverrideStageCondition", **wanted)

    assert caught.value.code == code
