from __future__ import annotations

from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.twin.codepipeline.conftest import Pipelines, action, approval, build, deploy, pipeline, source, stage

_GITHUB = action("Other", "Source GitHub", outputs=["X"])


def _refusal(pipelines: Pipelines, declaration: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        pipelines("CreatePipeline", pipeline=declaration)
    return caught.value


def _rule(provider: str) -> dict[str, Any]:
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": "Check", "ruleTypeId": kind, "configuration": {}}


@pytest.mark.parametrize(
    ("declaration", "code", "said"),
    [
        (pipeline(), "InvalidStructureException", "Pipeline has only 1 stage(s). There should be a minimum of 2"),
        (
            pipeline(stages=[stage("A", build()), source()]),
            "InvalidStructureException",
            "Pipeline should start with a stage that only contains source actions",
        ),
        (
            pipeline(stage("B", *source()["actions"])),
            "InvalidStructureException",
            "must be in the first stage, not in B",
        ),
        (pipeline(stage("Source", build())), "InvalidStructureException", "Stage names must be unique"),
        (pipeline(stage("B")), "InvalidStageDeclarationException", "Stage B has no actions"),
        (pipeline(stage("B", build(), build())), "InvalidStructureException", "Action names must be unique"),
        (
            pipeline(stage("B", build(outputs=["SourceArtifact"]))),
            "InvalidStructureException",
            "Output Artifact Bundle name must be unique within the pipeline. SourceArtifact has been used more",
        ),
        (
            pipeline(stage("B", build(inputs=["Nothing"]))),
            "InvalidStructureException",
            "Bundle Nothing of action Build",
        ),
        (
            pipeline(stage("B", build("X", inputs=["Y"]), build("Z", outputs=["Y"]))),
            "InvalidStructureException",
            "Bundle Y of action X is no output of an earlier action",
        ),
        (
            pipeline(stage("B", build(inputs=[]))),
            "InvalidActionDeclarationException",
            "Action Build declares 0 input artifacts which is less than the minimum count (1)",
        ),
        (
            pipeline(stage("B", build(configuration={}))),
            "InvalidActionDeclarationException",
            "Action configuration for action 'Build' is missing required configuration 'ProjectName'",
        ),
        (
            pipeline(stage("B", build(configuration={"ProjectName": "x", "Colour": "x"}))),
            "InvalidActionDeclarationException",
            "contains unknown configuration 'Colour'",
        ),
        (
            pipeline(stage("B", build(inputs=["SourceArtifact"], timeoutInMinutes=5))),
            "InvalidActionDeclarationException",
            "cannot have a timeout",
        ),
        (
            pipeline(stage("B", deploy(TemplatePath="Other::x"))),
            "InvalidActionDeclarationException",
            "names the artifact Other, which is not among its input artifacts",
        ),
        (
            pipeline(stage("B", build(configuration={"ProjectName": "#{variables.None}"}))),
            "InvalidActionDeclarationException",
            "refers to #{variables.None}, which nothing before it defines",
        ),
        (pipeline(stage("B", build()), pipelineType="V1"), "InvalidStructureException", "need pipeline type V2"),
        (
            pipeline(stage("B", build()), roleArn="arn:aws:iam::111122223333:role/untrusting"),
            "InvalidStructureException",
            "CodePipeline is not authorized to perform AssumeRole on role",
        ),
        (
            pipeline({**stage("B", build()), "onFailure": {"result": "ROLLBACK"}}, executionMode="PARALLEL"),
            "InvalidStageDeclarationException",
            "there is no rollback of a pipeline in PARALLEL mode",
        ),
        (pipeline(stage("B", build()), triggers=[{}]), "NotImplemented", "triggers, which need a source action with"),
        (
            pipeline({**stage("B", build()), "onFailure": {"conditions": [{"result": "RETRY"}]}}),
            "NotImplemented",
            "RETRY with conditions in onFailure of stage B",
        ),
        (
            pipeline({**stage("B", build()), "beforeEntry": {"conditions": [{"result": "FAIL"}]}}),
            "InvalidStageDeclarationException",
            "A condition in beforeEntry of stage B has no rules",
        ),
        (
            pipeline({**stage("B", build()), "beforeEntry": {"conditions": [{"rules": [_rule("LambdaInvoke")]}]}}),
            "NotImplemented",
            "AWS does not document the event that its function gets",
        ),
        (
            pipeline({**stage("B", build()), "beforeEntry": {"conditions": [{"rules": [_rule("DeploymentWindow")]}]}}),
            "InvalidStageDeclarationException",
            "is missing required configuration 'Cron'",
        ),
        (
            pipeline({**stage("B", build()), "onSuccess": {"conditions": [{"rules": [_rule("VariableCheck")]}]}}),
            "InvalidStageDeclarationException",
            "is missing required configuration 'Operator'",
        ),
        (pipeline(stages=[stage("A", _GITHUB), stage("B", build())]), "NotImplemented", "provider GitHub version 1"),
        (pipeline(stage("B", build(region="eu-west-1"))), "NotImplemented", "in another region"),
        (
            pipeline(stage("B", deploy(ActionMode="CHANGE_SET_REPLACE"))),
            "InvalidActionDeclarationException",
            "is missing required configuration 'ChangeSetName'",
        ),
    ],
)
def test_what_aws_or_the_twin_does_not_take_is_refused(
    pipelines: Pipelines, declaration: dict[str, Any], code: str, said: str
) -> None:
    """Wrong structures have AWS's error; what the twin would ignore is refused by name; nothing is created."""
    refusal = _refusal(pipelines, declaration)

    assert (refusal.code, said in refusal.message) == (code, True), refusal
    assert pipelines("ListPipelines")["pipelines"] == []


def test_polling_sources_are_refused(pipelines: Pipelines) -> None:
    """A source that would poll (AWS's default) is refused, because the twin does not poll."""
    polling = source()
    del polling["actions"][0]["configuration"]["PollForSourceChanges"]

    refusal = _refusal(pipelines, pipeline(stages=[polling, stage("B", build())]))

    assert "PollForSourceChanges other than false" in refusal.message


def test_all_mistakes_are_told_together(pipelines: Pipelines) -> None:
    """Two mistakes in one pipeline are both named."""
    refusal = _refusal(pipelines, pipeline(stage("B", build(inputs=["None"], configuration={}))))

    assert "missing required configuration 'ProjectName'" in refusal.message
    assert "Bundle None of action Build" in refusal.message


def test_a_pipeline_is_described_with_awss_defaults(pipelines: Pipelines) -> None:
    """Version, execution mode, type and run orders are filled in; GetPipeline returns what was created."""
    declaration = pipeline(stage("Approve", approval()), variables=[{"name": "Wanted"}])
    del declaration["stages"][1]["actions"][0]["runOrder"]

    created = pipelines("CreatePipeline", pipeline=declaration, tags=[{"key": "a", "value": "b"}])["pipeline"]

    found = pipelines("GetPipeline", name="shop")
    assert found["pipeline"] == created
    assert (created["version"], created["stages"][1]["actions"][0]["runOrder"]) == (1, 1)
    assert found["metadata"]["pipelineArn"] == "arn:aws:codepipeline:us-east-1:111122223333:shop"
    summary = pipelines("ListPipelines")["pipelines"][0]
    assert (summary["name"], summary["executionMode"], summary["pipelineType"]) == ("shop", "QUEUED", "V2")


def test_an_update_is_a_new_version(pipelines: Pipelines) -> None:
    """An update counts the version up and keeps the old one; an invalid one changes nothing."""
    pipelines.create(stage("Build", build()))

    updated = pipelines("UpdatePipeline", pipeline=pipeline(stage("Other", build())))["pipeline"]
    with pytest.raises(ApiError, match="only 1 stage"):
        pipelines("UpdatePipeline", pipeline=pipeline())

    assert updated["version"] == 2
    assert pipelines("GetPipeline", name="shop")["pipeline"]["stages"][1]["name"] == "Other"
    assert pipelines("GetPipeline", name="shop", version=1)["pipeline"]["stages"][1]["name"] == "Build"


def test_a_pipeline_is_deleted_with_its_executions(pipelines: Pipelines) -> None:
    """Deleting abandons what is under way; deleting twice is no error; then the name is free again."""
    pipelines.create(stage("Production", approval()))
    execution_id = pipelines.start()
    pipelines.await_action(execution_id, "Approve")

    pipelines("DeletePipeline", name="shop")
    pipelines("DeletePipeline", name="shop")

    pipelines.await_action(execution_id, "Approve", "ABANDONED")
    with pytest.raises(ApiError) as caught:
        pipelines("GetPipelineState", name="shop")
    assert caught.value.code == "PipelineNotFoundException"
    pipelines.create(stage("Production", approval()))


def test_a_name_is_taken_once_and_tags_can_be_changed(pipelines: Pipelines) -> None:
    """A second pipeline of the same name is refused; tags are added, removed and listed."""
    pipelines.create(stage("Build", build()))
    arn = "arn:aws:codepipeline:us-east-1:111122223333:shop"

    assert _refusal(pipelines, pipeline(stage("Build", build()))).code == "PipelineNameInUseException"
    pipelines("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    pipelines("UntagResource", resourceArn=arn, tagKeys=["a"])
    assert pipelines("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
