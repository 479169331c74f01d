"""What follows when a stage fails: retries and rollbacks by themselves and by hand, conditions, parallel executions.

Source: CodePipeline User Guide, "Roll back a stage manually", "Configure a stage for automatic rollback", "Configure a
stage for automatic retry", "Create stage conditions" and "Set or change the pipeline execution mode".
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.errors import ApiError

from tests.twin.codepipeline.conftest import Pipelines, ScriptedStacks, approval, build, deploy, stage


class ScriptedChangeSets(ScriptedStacks):
    """A CloudFormation client whose change sets have the changes of `changes`."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[int] = []
        self.sets: dict[str, dict[str, Any]] = {}

    def create_change_set(self, **request: Any) -> None:
        """Make a change set."""
        self.calls.append(("create set", request))
        count = self.changes.pop(0)
        failed = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
        made = {"Status": "CREATE_COMPLETE", "Changes": [{}] * count} if count else failed
        self.sets[request["ChangeSetName"]] = {**made, "request": request}

    def describe_change_set(self, ChangeSetName: str, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Describe a change set."""
        if ChangeSetName not in self.sets:
            error = {"Error": {"Code": "ChangeSetNotFound", "Message": f"{ChangeSetName} of {StackName}"}}
            raise ClientError(error, "DescribeChangeSet")
        return self.sets[ChangeSetName]

    def delete_change_set(self, **request: Any) -> None:
        """Delete a change set."""
        self.calls.append(("delete set", request))
        del self.sets[request["ChangeSetName"]]

    def execute_change_set(self, **request: Any) -> None:
        """Carry a change set out."""
        self.calls.append(("execute set", request))
        made = self.sets.pop(request["ChangeSetName"])["request"]
        self._begin(made["StackName"], f"{made['ChangeSetType']}_IN_PROGRESS")


def check(result: str, variable: str, operator: str = "EQ", value: str = "yes") -> dict[str, Any]:
    """Return a condition with one VariableCheck."""
    kind = {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"}
    configuration = {"Variable": variable, "Value": value, "Operator": operator}
    return {
        "conditions": [
            {"result": result, "rules": [{"name": "Check", "ruleTypeId": kind, "configuration": configuration}]}
        ]
    }


def statuses(pipelines: Pipelines, execution_id: str) -> list[tuple[str, str]]:
    """Return the runs of actions of an execution, in order."""
    return [(a["actionName"], a["status"]) for a in pipelines.actions(execution_id)]


def summaries(pipelines: Pipelines) -> list[dict[str, Any]]:
    """Return the summaries of all executions, the newest first."""
    found: list[dict[str, Any]] = pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"]
    return found


def refusal(pipelines: Pipelines, **parameters: Any) -> ApiError:
    """Return how a rollback is refused."""
    with pytest.raises(ApiError) as caught:
        pipelines("RollbackStage", pipelineName="shop", **parameters)
    return caught.value


def test_a_stage_is_rolled_back_by_hand(pipelines: Pipelines, stacks: ScriptedStacks) -> None:
    """A new execution of type ROLLBACK runs that stage alone, with the artifacts and revision of its target."""
    stacks.script[:] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE"]
    pipelines.create(stage("Deploy", deploy()), stage("After", build()))
    first = pipelines.run()
    pipelines.commit("second", template__yaml="Resources: {Second: {}}")
    pipelines.run()
    answer = pipelines(
        "RollbackStage", pipelineName="shop", stageName="Deploy", targetPipelineExecutionId=first["pipelineExecutionId"]
    )
    rollback = pipelines.ended(answer["pipelineExecutionId"])
    assert (rollback["status"], rollback["executionType"]) == ("Succeeded", "ROLLBACK")
    assert rollback["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": first["pipelineExecutionId"]}
    assert rollback["trigger"]["triggerType"] == "ManualRollback"
    assert rollback["artifactRevisions"] == first["artifactRevisions"]
    assert statuses(pipelines, rollback["pipelineExecutionId"]) == [("Deploy", "Succeeded")]
    assert [request["TemplateBody"] for _, request in stacks.calls] == [
        "Resources: {}",
        "Resources: {Second: {}}",
        "Resources: {}",
    ]
    assert pipelines.state("Deploy")["latestExecution"]["type"] == "ROLLBACK"


def test_what_cannot_be_rolled_back_is_refused(pipelines: Pipelines) -> None:
    """The source stage, a target that did not succeed, an outdated structure and an unknown stage are refused."""
    declared = pipelines.create(stage("Build", build()), stage("Last", approval()))
    first = pipelines.start()
    pipelines.await_action(first, "Approve")
    target = {"targetPipelineExecutionId": first}
    assert "it is the source stage" in refusal(pipelines, stageName="Source", **target).message
    assert "has not succeeded in it" in refusal(pipelines, stageName="Last", **target).message
    assert refusal(pipelines, stageName="None", **target).code == "StageNotFoundException"
    pipelines("UpdatePipeline", pipeline={k: v for k, v in declared.items() if k != "version"})
    assert refusal(pipelines, stageName="Build", **target).code == "PipelineExecutionOutdatedException"


def test_a_failed_stage_rolls_itself_back(pipelines: Pipelines) -> None:
    """OnFailure ROLLBACK starts a rollback to the latest execution that succeeded in the stage."""
    pipelines.create({**stage("Build", build()), "onFailure": {"result": "ROLLBACK"}})
    good = pipelines.run()
    pipelines.commit("broken", fail="x")
    bad = pipelines.run()
    assert bad["status"] == "Failed"
    pipelines.world.await_event(
        lambda e: e.detail.get("execution-trigger", {}).get("trigger-type") == "AutomatedRollback"
    )
    rollback = next(s for s in summaries(pipelines) if s["executionType"] == "ROLLBACK")
    ended = pipelines.ended(rollback["pipelineExecutionId"])
    assert ended["status"] == "Succeeded"
    assert ended["trigger"]["triggerType"] == "AutomatedRollback"
    assert ended["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == good["pipelineExecutionId"]


def test_without_anything_to_go_back_to_a_stage_only_fails(pipelines: Pipelines) -> None:
    """The first execution of all has no target: it fails and nothing else starts."""
    pipelines.commit("broken", fail="x")
    pipelines.create({**stage("Build", build()), "onFailure": {"result": "ROLLBACK"}})
    assert pipelines.run()["status"] == "Failed"
    assert len(summaries(pipelines)) == 1


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("FAILED_ACTIONS", [("Good", "Succeeded"), ("Bad", "Failed"), ("Bad", "Failed")]),
        ("ALL_ACTIONS", [("Good", "Succeeded"), ("Bad", "Failed"), ("Good", "Succeeded"), ("Bad", "Failed")]),
    ],
)
def test_a_failed_stage_is_retried_once_by_itself(
    pipelines: Pipelines, mode: str, expected: list[tuple[str, str]]
) -> None:
    """OnFailure RETRY runs the failed actions, or all of the stage, once more; then the execution fails."""
    good = build("Good", configuration={"ProjectName": "shop", "EnvironmentVariables": "[]"})
    bad = build("Bad", 2, configuration={"ProjectName": "none"})
    failure = {"result": "RETRY", "retryConfiguration": {"retryMode": mode}}
    pipelines.create({**stage("Build", good, bad), "onFailure": failure})
    ended = pipelines.run()
    assert ended["status"] == "Failed"
    assert statuses(pipelines, ended["pipelineExecutionId"])[1:] == expected
    assert pipelines.state("Build")["retryStageMetadata"] == {
        "autoStageRetryAttempt": 1,
        "latestRetryTrigger": "AutomatedStageRetry",
    }


@pytest.mark.parametrize(
    ("given", "result", "status", "ran"),
    [
        ("yes", "FAIL", "Succeeded", ["Source", "Build", "Last"]),
        ("no", "FAIL", "Failed", ["Source"]),
        ("no", "SKIP", "Succeeded", ["Source", "Last"]),
    ],
)
def test_a_condition_guards_a_stage(pipelines: Pipelines, given: str, result: str, status: str, ran: list[str]) -> None:
    """A rule that is not met before entry fails the stage or skips it; its check is told."""
    guarded = {**stage("Build", build()), "beforeEntry": check(result, "#{variables.Go}")}
    pipelines.create(guarded, stage("End", build("Last")), variables=[{"name": "Go", "defaultValue": "x"}])
    ended = pipelines.run(variables=[{"name": "Go", "value": given}])
    assert ended["status"] == status
    assert [name for name, _ in statuses(pipelines, ended["pipelineExecutionId"])] == ran
    (told,) = pipelines("ListRuleExecutions", pipelineName="shop")["ruleExecutionDetails"]
    met = "Succeeded" if given == "yes" else "Failed"
    assert (told["ruleName"], told["stageName"], told["status"]) == ("Check", "Build", met)
    assert told["input"]["resolvedConfiguration"]["Variable"] == given
    (condition,) = pipelines.state("Build")["beforeEntryConditionState"]["conditionStates"]
    assert condition["ruleStates"][0]["latestExecution"]["status"] == met
    if result == "SKIP":
        assert pipelines.state("Build")["latestExecution"]["status"] == "Skipped"


def test_a_condition_at_the_end_fails_what_has_succeeded(pipelines: Pipelines) -> None:
    """OnSuccess FAIL fails the stage although its actions succeeded; the summary names the rule."""
    pipelines.create({**stage("Build", build()), "onSuccess": check("FAIL", "#{SourceVariables.CommitMessage}")})
    ended = pipelines.run()
    assert ended["status"] == "Failed"
    assert ended["statusSummary"].startswith("Rule Check of stage Build is not met: 'first' EQ 'yes' is false")


def test_an_alarm_keeps_executions_out(pipelines: Pipelines) -> None:
    """The rule CloudWatchAlarm is not met while the alarm is in ALARM, or does not exist."""

    class Alarms:
        """A CloudWatch client with one alarm."""

        def describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803
            """Describe the alarm."""
            return {"MetricAlarms": [{"StateValue": self.state}] if AlarmNames == ["drift"] else []}

        state = "ALARM"

    alarms = Alarms()
    pipelines.world.clients["cloudwatch"] = alarms
    kind = {"category": "Rule", "owner": "AWS", "provider": "CloudWatchAlarm", "version": "1"}
    rule = {"name": "Calm", "ruleTypeId": kind, "configuration": {"AlarmName": "drift"}}
    guarded = {"conditions": [{"result": "FAIL", "rules": [rule]}]}
    pipelines.create({**stage("Build", build()), "beforeEntry": guarded})
    assert pipelines.run()["statusSummary"].endswith("Alarm drift is in state ALARM")
    alarms.state = "OK"
    assert pipelines.run()["status"] == "Succeeded"


def test_parallel_executions_do_not_wait_for_one_another(pipelines: Pipelines) -> None:
    """Two executions are in one stage at once; each approval has its own token, and each goes on by itself.

    Source: CodePipeline API Reference, PutApprovalResult: in PARALLEL mode the token is the externalExecutionId that
    ListActionExecutions tells.
    """
    pipelines.create(stage("Gate", approval()), executionMode="PARALLEL")
    first, second = pipelines.start(), pipelines.start()
    tokens = []
    for execution in (first, second):
        pipelines.await_action(execution, "Approve")
    for execution in (first, second):
        run = next(a for a in pipelines.actions(execution) if a["actionName"] == "Approve")
        tokens.append(run["output"]["executionResult"]["externalExecutionId"])
    pipelines.answer("Gate", "Approved", tokens[0])
    pipelines.answer("Gate", "Rejected", tokens[1])
    assert pipelines.ended(first)["status"] == "Succeeded"
    assert pipelines.ended(second)["status"] == "Failed"
    assert pipelines.get(first)["executionMode"] == "PARALLEL"


def test_reviewers_are_told_by_topic(pipelines: Pipelines) -> None:
    """An approval with a NotificationArn publishes the documented message as the pipeline's role.

    Source: "JSON data format for manual approval notifications in CodePipeline".
    """
    import json
    import threading

    class Topic:
        """An SNS client that takes down what is published."""

        def __init__(self) -> None:
            self.told: dict[str, Any] = {}
            self.came = threading.Event()

        def publish(self, **parameters: Any) -> None:
            """Take down."""
            self.told = parameters
            self.came.set()

    topic = Topic()
    pipelines.world.clients["sns"] = topic
    arn = "arn:aws:sns:us-east-1:111122223333:reviewers"
    pipelines.create(stage("Gate", approval(configuration={"NotificationArn": arn, "CustomData": "look at it"})))
    execution = pipelines.start()
    assert topic.came.wait(60)
    assert topic.told["TopicArn"] == arn
    assert topic.told["Subject"] == "APPROVAL NEEDED: AWS CodePipeline shop for action Approve"
    told = json.loads(topic.told["Message"])["approval"]
    assert (told["customData"], told["token"]) == ("look at it", pipelines.token("Gate"))
    pipelines.answer("Gate", "Approved", told["token"])
    assert pipelines.ended(execution)["status"] == "Succeeded"


def test_a_change_set_is_made_and_executed(pipelines: Pipelines) -> None:
    """CHANGE_SET_REPLACE makes it, in the place of an older one; CHANGE_SET_EXECUTE carries it out, if it has changes.

    Source: CodePipeline User Guide, "CloudFormation deploy action reference".
    """
    stacks = ScriptedChangeSets()
    pipelines.world.clients["cloudformation"] = stacks
    stacks.changes[:], stacks.script[:] = [2, 0], ["CREATE_COMPLETE"]
    plan = deploy("Plan", ActionMode="CHANGE_SET_REPLACE", ChangeSetName="next")
    execute = deploy("Execute", 2, ActionMode="CHANGE_SET_EXECUTE", ChangeSetName="next")
    for key in ("TemplatePath", "RoleArn"):
        del execute["configuration"][key]
    pipelines.create(stage("Deploy", plan, execute))
    assert pipelines.run()["status"] == "Succeeded"
    assert pipelines.run()["status"] == "Succeeded"
    assert [(what, request.get("ChangeSetType", "")) for what, request in stacks.calls] == [
        ("create set", "CREATE"),
        ("execute set", ""),
        ("create set", "UPDATE"),
    ]
    stacks.changes[:], stacks.script[:] = [1], ["UPDATE_ROLLBACK_COMPLETE"]
    assert pipelines.run()["status"] == "Failed"
    assert [what for what, _ in stacks.calls[3:]] == ["delete set", "create set", "execute set"]
