from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.twin.codepipeline.conftest import (
    DEPLOY_ROLE,
    ROLE,
    Pipelines,
    ScriptedStacks,
    approval,
    build,
    deploy,
    stage,
)


def _details(pipelines: Pipelines, execution: dict[str, Any], name: str) -> dict[str, Any]:
    found = pipelines.actions(execution["pipelineExecutionId"])
    return next(details for details in found if details["actionName"] == name)


def test_source_and_build_run_for_real(pipelines: Pipelines) -> None:
    """The source's archive is built; variables, revision and artifacts go from action to action."""
    pipelines.create(stage("Build", build(outputs=["BuildArtifact"])))

    execution = pipelines.run()

    assert execution["status"] == "Succeeded"
    revision = execution["artifactRevisions"][0]
    assert (revision["revisionId"], revision["revisionSummary"]) == (pipelines.tip, "first")
    made = _details(pipelines, execution, "Build")
    assert made["output"]["outputVariables"] == {"MADE": f"first at {pipelines.tip}"}
    assert pipelines.artifact(made).read("out.txt").decode() == f"first at {pipelines.tip}\n"
    key = made["output"]["outputArtifacts"][0]["s3location"]["key"]
    assert key.startswith("shop/BuildArtif/")
    assert made["output"]["executionResult"]["externalExecutionId"].startswith("shop:")
    assert made["startTime"] <= made["lastUpdateTime"]


def test_a_pinned_commit_is_what_is_built(pipelines: Pipelines) -> None:
    """An execution started for a commit takes that commit although the branch has moved on."""
    first = pipelines.tip
    pipelines.commit("second", extra="x")
    pipelines.create(stage("Build", build()))
    pinned = [{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": first}]

    execution = pipelines.run(sourceRevisions=pinned)

    assert execution["artifactRevisions"][0]["revisionId"] == first
    assert _details(pipelines, execution, "Build")["output"]["outputVariables"] == {"MADE": f"first at {first}"}


def test_an_unknown_commit_fails_the_source(pipelines: Pipelines) -> None:
    """A pinned commit that does not exist fails the source action and names it."""
    pipelines.create(stage("Build", build()))
    pinned = [{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "0" * 40}]

    execution = pipelines.run(sourceRevisions=pinned)

    assert execution["status"] == "Failed"
    assert f"The commit {'0' * 40} does not exist in shop" in execution["statusSummary"]


def test_a_failing_build_names_the_log_file(pipelines: Pipelines) -> None:
    """The execution's summary and the action's error name the command that failed and the log file."""
    pipelines.commit("breaks", fail="x")
    pipelines.create(stage("Build", build()), stage("Later", approval()))

    execution = pipelines.run()

    assert execution["status"] == "Failed"
    error = _details(pipelines, execution, "Build")["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "JobFailed"
    assert error["message"].startswith(
        "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR"
    )
    assert "test ! -e fail" in error["message"]
    log = Path(error["message"].rpartition("Log: ")[2])
    assert "Entering phase BUILD" in log.read_text()
    assert str(log) in execution["statusSummary"]
    assert "latestExecution" not in pipelines.state("Later")


def test_the_pipelines_role_does_everything(pipelines: Pipelines) -> None:
    """Every action acts with the pipeline's role, assumed for the pipeline's ARN, and needs AWS's permissions."""
    pipelines.create(stage("Build", build()))
    pipelines.world.required.clear()

    pipelines.run()

    arn = "arn:aws:codepipeline:us-east-1:111122223333:shop"
    assert (ROLE, "codepipeline.amazonaws.com", arn) in pipelines.world.assumed
    repository = ("arn:aws:codecommit:us-east-1:111122223333:shop",)
    project = ("arn:aws:codebuild:us-east-1:111122223333:project/shop",)
    wanted = {
        *(
            (f"codecommit:{a}", repository)
            for a in ("GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus")
        ),
        *((f"codebuild:{a}", project) for a in ("StartBuild", "BatchGetBuilds")),
    }
    asked = {(action, resources) for who, action, resources in pipelines.world.required if "/pipeline/" in who}
    assert wanted <= asked


@pytest.mark.parametrize("denied", ["codecommit:UploadArchive", "codebuild:StartBuild", "s3:PutObject"])
def test_a_missing_permission_fails_the_action(pipelines: Pipelines, denied: str) -> None:
    """What the pipeline's role may not do fails the action with AWS's message."""
    pipelines.create(stage("Build", build()))
    pipelines.world.denied.add(denied)

    execution = pipelines.run()

    assert execution["status"] == "Failed"
    assert f"is not authorized to perform: {denied}" in execution["statusSummary"]


def test_an_encryption_key_needs_its_permissions(pipelines: Pipelines) -> None:
    """With a key on the artifact store the pipeline's role needs to be allowed to use it."""
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    store = {"type": "S3", "location": "artifacts", "encryptionKey": {"id": key, "type": "KMS"}}
    pipelines.create(stage("Build", build()), artifactStore=store)
    pipelines.world.denied.add("kms:GenerateDataKey")

    assert "kms:GenerateDataKey" in pipelines.run()["statusSummary"]


def test_pipeline_variables_reach_the_actions(pipelines: Pipelines) -> None:
    """Given values win over defaults; variables of the service and of earlier actions resolve, too."""
    text = "#{variables.A} #{variables.B} #{codepipeline.PipelineExecutionId} #{Made.MADE}"
    later = build(
        "Later",
        inputs=["SourceArtifact"],
        configuration={"ProjectName": "shop", "EnvironmentVariables": _message(text)},
    )
    variables = [{"name": "A", "defaultValue": "a"}, {"name": "B", "defaultValue": "b"}]
    pipelines.create(stage("Build", build(namespace="Made")), stage("Again", later), variables=variables)

    execution = pipelines.run(variables=[{"name": "B", "value": "given"}])

    resolved = _details(pipelines, execution, "Later")["input"]["resolvedConfiguration"]["EnvironmentVariables"]
    assert f"a given {execution['pipelineExecutionId']} first at {pipelines.tip}" in resolved
    values = {v["name"]: v["resolvedValue"] for v in execution["variables"]}
    assert values == {"Wanted": "x", "A": "a", "B": "given"}


def _message(text: str) -> str:
    return '[{"name": "MESSAGE", "value": "' + text + '"}]'


def test_a_variable_without_a_value_fails_the_action(pipelines: Pipelines) -> None:
    """An output that the earlier action did not make is named."""
    later = build("Later", configuration={"ProjectName": "shop", "EnvironmentVariables": _message("#{Made.NONE}")})
    pipelines.create(stage("Build", build(namespace="Made")), stage("Again", later))

    assert "#{Made.NONE} has no value" in pipelines.run()["statusSummary"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "the variable Wanted has no default value"),
        (
            {"variables": [{"name": "Wanted", "value": "x"}, {"name": "Other", "value": "x"}]},
            "not declare the variable Other",
        ),
        (
            {
                "variables": [{"name": "Wanted", "value": "x"}],
                "sourceRevisions": [{"actionName": "No", "revisionType": "COMMIT_ID", "revisionValue": "x"}],
            },
            "no source action 'No'",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_refused(pipelines: Pipelines, parameters: dict[str, Any], said: str) -> None:
    """Missing and unknown variables and unknown source actions are refused; nothing is started."""
    pipelines.create(stage("Build", build()))

    with pytest.raises(ApiError, match=said) as caught:
        pipelines("StartPipelineExecution", name="shop", **parameters)

    assert caught.value.code == "ValidationException"
    assert pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"] == []


def test_a_token_starts_once(pipelines: Pipelines) -> None:
    """The same client request token returns the same execution, another token a new one."""
    pipelines.create(stage("Build", build()))

    first, again, other = (pipelines.start(clientRequestToken=token) for token in ("a", "a", "b"))

    assert first == again != other
    pipelines.ended(first)
    pipelines.ended(other)
    listed = pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"]
    assert [e["pipelineExecutionId"] for e in listed] == [other, first]
    assert listed[0]["trigger"] == {
        "triggerType": "StartPipelineExecution",
        "triggerDetail": "arn:aws:iam::111122223333:root",
    }
    assert listed[0]["sourceRevisions"][0]["revisionId"] == pipelines.tip


def test_actions_of_one_run_order_run_side_by_side(pipelines: Pipelines, tmp_path: Path) -> None:
    """Two builds of one run order are under way at the same time, the third waits for both."""
    gate = tmp_path / "go"
    pipelines.commit("waits", wait=str(gate))
    pipelines.create(stage("Build", build("A"), build("B"), build("C", run_order=2)))

    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "A")
    pipelines.await_action(execution_id, "B")
    statuses = [(a["actionName"], a["status"]) for a in pipelines.actions(execution_id)[1:]]
    gate.touch()

    assert sorted(statuses) == [("A", "InProgress"), ("B", "InProgress")]
    assert pipelines.ended(execution_id)["status"] == "Succeeded"
    assert [a["actionName"] for a in pipelines.actions(execution_id)][3] == "C"


def test_the_documented_events_are_emitted(pipelines: Pipelines) -> None:
    """Pipeline, stages and actions tell their states in order, with the members AWS documents."""
    pipelines.create(stage("Build", build()))
    execution_id = pipelines.start()
    pipelines.ended(execution_id)

    told = [e for e in pipelines.world.events if e.source == "aws.codepipeline"]
    levels = [
        (e.detail_type.split(" ")[1], e.detail.get("action") or e.detail.get("stage", ""), e.detail["state"])
        for e in told
    ]
    assert levels == [
        ("Pipeline", "", "STARTED"),
        ("Stage", "Source", "STARTED"),
        ("Action", "Source", "STARTED"),
        ("Action", "Source", "SUCCEEDED"),
        ("Stage", "Source", "SUCCEEDED"),
        ("Stage", "Build", "STARTED"),
        ("Action", "Build", "STARTED"),
        ("Action", "Build", "SUCCEEDED"),
        ("Stage", "Build", "SUCCEEDED"),
        ("Pipeline", "", "SUCCEEDED"),
    ]
    assert {e.resources for e in told} == {("arn:aws:codepipeline:us-east-1:111122223333:shop",)}
    assert all(
        (e.detail["pipeline"], e.detail["execution-id"], e.detail["version"]) == ("shop", execution_id, 1) for e in told
    )
    action = told[7].detail
    assert action["type"] == {"owner": "AWS", "category": "Build", "provider": "CodeBuild", "version": "1"}
    assert action["execution-result"]["external-execution-id"].startswith("shop:")
    assert action["input-artifacts"][0]["name"] == "SourceArtifact"


def test_creating_a_pipeline_starts_it(pipelines: Pipelines) -> None:
    """As on AWS a new pipeline runs at once, with the trigger CreatePipeline."""
    from tests.twin.codepipeline.conftest import pipeline

    pipelines("CreatePipeline", pipeline=pipeline(stage("Build", build())))

    started = pipelines("ListPipelineExecutions", pipelineName="shop")["pipelineExecutionSummaries"]
    assert [e["trigger"]["triggerType"] for e in started] == ["CreatePipeline"]
    assert pipelines.ended(started[0]["pipelineExecutionId"])["status"] == "Succeeded"


def test_a_stack_is_created_from_the_artifacts(pipelines: Pipelines, stacks: ScriptedStacks) -> None:
    """Template, configuration and overrides become the request; the stack's outputs become variables."""
    stacks.script = ["CREATE_COMPLETE"]
    settings = '{"Parameters": {"A": "1", "B": "2"}, "Tags": {"team": "x"}}'
    pipelines.commit("configured", settings__json=settings)
    made = deploy(
        TemplateConfiguration="SourceArtifact::settings.json",
        ParameterOverrides='{"B": "#{variables.Wanted}"}',
        Capabilities="CAPABILITY_IAM,CAPABILITY_NAMED_IAM",
    )
    pipelines.create(stage("Deploy", made))

    execution = pipelines.run()

    assert execution["status"] == "Succeeded"
    assert stacks.calls == [
        (
            "create",
            {
                "StackName": "shop",
                "TemplateBody": "Resources: {}",
                "Parameters": [
                    {"ParameterKey": "A", "ParameterValue": "1"},
                    {"ParameterKey": "B", "ParameterValue": "x"},
                ],
                "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
                "RoleARN": DEPLOY_ROLE,
                "Tags": [{"Key": "team", "Value": "x"}],
            },
        )
    ]
    assert _details(pipelines, execution, "Deploy")["output"]["outputVariables"] == {"Endpoint": "shop-1"}


@pytest.mark.parametrize(
    ("mode", "status", "script", "calls"),
    [
        ("CREATE_UPDATE", "CREATE_COMPLETE", ["UPDATE_COMPLETE"], ["update"]),
        ("CREATE_UPDATE", "CREATE_COMPLETE", [], ["update"]),
        ("REPLACE_ON_FAILURE", "UPDATE_COMPLETE", ["UPDATE_COMPLETE"], ["update"]),
        ("REPLACE_ON_FAILURE", "ROLLBACK_COMPLETE", ["CREATE_COMPLETE"], ["delete", "create"]),
        ("DELETE_ONLY", "CREATE_COMPLETE", [], ["delete"]),
    ],
)
def test_an_action_mode_decides_what_happens(
    pipelines: Pipelines, stacks: ScriptedStacks, mode: str, status: str, script: list[str], calls: list[str]
) -> None:
    """A stack is updated, replaced if it failed and if asked to, or deleted; nothing to update is no failure."""
    stacks.script = [status]
    stacks.create_stack(StackName="shop")
    stacks.stacks["shop"]["coming"] = [status]
    stacks.script = script
    stacks.calls.clear()
    pipelines.create(stage("Deploy", deploy(ActionMode=mode)))

    execution = pipelines.run()

    assert execution["status"] == "Succeeded", execution
    assert [name for name, _ in stacks.calls] == calls


def test_a_failed_stack_names_its_first_failure(pipelines: Pipelines, stacks: ScriptedStacks) -> None:
    """The summary tells the stack's state and the first resource that failed, with its reason."""
    stacks.script = ["ROLLBACK_COMPLETE"]
    pipelines.create(stage("Deploy", deploy()))

    summary = pipelines.run()["statusSummary"]

    assert "Stack shop ended with ROLLBACK_COMPLETE: First (AWS::X::Y): quota" in summary


def test_a_missing_template_is_named(pipelines: Pipelines, stacks: ScriptedStacks) -> None:
    """A file that the artifact does not hold fails the action before CloudFormation is asked."""
    pipelines.create(stage("Deploy", deploy(TemplatePath="SourceArtifact::none.yaml")))

    assert "File [none.yaml] does not exist in artifact [SourceArtifact]" in pipelines.run()["statusSummary"]
    assert stacks.calls == []
