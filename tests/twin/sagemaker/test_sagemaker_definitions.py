"""Pipeline definitions are checked completely when a pipeline is created; every mistake is named."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.sagemaker.durations import parse_duration
from lockgate_twin.services.sagemaker.expressions import ExpressionError, follow, parse_path

ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
TOKEN = "t" * 32
EXAMPLE = json.loads(Path(__file__).with_name("build_pipeline.json").read_text())


def create(world: Any, definition: dict[str, Any], name: str = "demo") -> str:
    """Create a pipeline and return its ARN."""
    answer = world.call(
        "CreatePipeline",
        PipelineName=name,
        RoleArn=ROLE,
        ClientRequestToken=TOKEN,
        PipelineDefinition=json.dumps(definition),
    )
    return str(answer["PipelineArn"])


def problems(world: Any, definition: dict[str, Any]) -> list[str]:
    """Return what CreatePipeline says is wrong."""
    with pytest.raises(ApiError) as caught:
        create(world, definition)
    assert caught.value.code == "ValidationException"
    assert world.call("ListPipelines")["PipelineSummaries"] == []
    told = caught.value.message.removeprefix("The pipeline definition is not valid: ")
    return told.split("; ")


@pytest.fixture
def definition() -> dict[str, Any]:
    """A build pipeline's definition as the SageMaker SDK generates it."""
    return copy.deepcopy(EXAMPLE)


def test_a_definition_of_the_sdk_is_accepted(world: Any, definition: dict[str, Any]) -> None:
    """A real definition passes every check and is returned unchanged."""
    arn = create(world, definition)
    assert arn == "arn:aws:sagemaker:us-east-1:111122223333:pipeline/demo"
    described = world.call("DescribePipeline", PipelineName="demo")
    assert json.loads(described["PipelineDefinition"]) == definition
    assert (described["PipelineStatus"], described["RoleArn"]) == ("Active", ROLE)
    assert world.call("DescribePipeline", PipelineName=arn) == described


def test_a_definition_in_s3_is_read_as_the_caller(world: Any, definition: dict[str, Any]) -> None:
    """PipelineDefinitionS3Location works; an object that is missing is told."""
    world.put("definition.json", json.dumps(definition))
    where = {"Bucket": "sagemaker-project-p-test", "ObjectKey": "definition.json"}
    request = {"PipelineName": "demo", "RoleArn": ROLE, "ClientRequestToken": TOKEN}
    world.call("CreatePipeline", **request, PipelineDefinitionS3Location=where)
    with pytest.raises(ApiError, match=r"s3://sagemaker-project-p-test/none cannot be read"):
        world.call(
            "CreatePipeline",
            **{**request, "PipelineName": "x"},
            PipelineDefinitionS3Location={**where, "ObjectKey": "none"},
        )
    with pytest.raises(ApiError, match="Exactly one of"):
        world.call("CreatePipeline", **{**request, "PipelineName": "x"})


def test_wrong_fields_are_named_with_their_path(world: Any, definition: dict[str, Any]) -> None:
    """Unknown, missing, mistyped and disallowed fields are all reported together, by path, with near names."""
    train = definition["Steps"][1]["Arguments"]
    train["ResourceConfig"]["VolumeSizeInGb"] = train["ResourceConfig"].pop("VolumeSizeInGB")
    train["HyperParameters"]["max_depth"] = 3
    del train["RoleArn"]
    definition["Steps"][0]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3InputMode"] = "Files"
    found = problems(world, definition)
    assert "Steps[Train].Arguments.ResourceConfig.VolumeSizeInGb: unknown field, did you mean VolumeSizeInGB?" in found
    assert "Steps[Train].Arguments.HyperParameters.max_depth: must be of type string, not 3" in found
    assert "Steps[Train].Arguments.RoleArn: required field missing" in found
    mode = "Steps[Prepare].Arguments.ProcessingInputs[0].S3Input.S3InputMode: 'Files' is not allowed"
    assert [problem for problem in found if problem.startswith(mode)]


def test_a_parameter_of_the_wrong_type_is_named(world: Any, definition: dict[str, Any]) -> None:
    """A String parameter cannot fill an integer field."""
    definition["Steps"][1]["Arguments"]["ResourceConfig"]["InstanceCount"] = {"Get": "Parameters.CommitId"}
    (found,) = problems(world, definition)
    assert found == "Steps[Train].Arguments.ResourceConfig.InstanceCount: an expression of type str is no integer"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ({"Get": "Parameters.Nope"}, "no parameter is named 'Nope'"),
        ({"Get": "Execution.Nope"}, "Execution.Nope is no execution variable"),
        ({"Get": "Steps.Nope.ModelArtifacts"}, "no step is named 'Nope'"),
        ({"Get": "Steps.Train.ModelArtefacts.S3ModelArtifacts"}, "step Train has no property 'ModelArtefacts'"),
        (
            {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['tset'].S3Output.S3Uri"},
            "step Prepare has no Outputs named 'tset' (but train, validation, test)",
        ),
        ({"Get": "Steps.Evaluate.PropertyFiles.EvaluationReport"}, "which only Std:JsonGet reads"),
        ({"Get": "Nope"}, "'Nope' is no reference"),
        ({"Get": "Steps.Train.a..b"}, "malformed at character"),
        ({"Std:Join": {"On": "/"}}, "malformed expression"),
        (
            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Nope"}, "Path": "a"}},
            "step Evaluate has no property file 'Nope'",
        ),
    ],
)
def test_wrong_references_are_named(world: Any, definition: dict[str, Any], expression: Any, reason: str) -> None:
    """A reference to something that does not exist is reported where it stands."""
    definition["Steps"][2]["Arguments"]["AppSpecification"]["ContainerArguments"][1] = expression
    (found,) = problems(world, definition)
    assert found.startswith("Steps[Evaluate].Arguments.AppSpecification.ContainerArguments[1]: ")
    assert reason in found


def test_cycles_are_reported(world: Any, definition: dict[str, Any]) -> None:
    """Steps that wait for each other are named."""
    definition["Steps"][0]["DependsOn"] = ["Evaluate"]
    (found,) = problems(world, definition)
    assert "depend on each other in a circle" in found
    assert "Evaluate" in found


def test_duplicate_and_unknown_names_are_reported(world: Any, definition: dict[str, Any]) -> None:
    """Duplicate steps and parameters, unknown DependsOn, fields and property file outputs are reported."""
    definition["Steps"][1]["Name"] = "Prepare"
    definition["Parameters"].append(definition["Parameters"][0])
    definition["Steps"][2]["Colour"] = "blue"
    found = problems(world, definition)
    assert "two parameters are named 'InputDataUrl'" in found
    assert "two steps are named 'Prepare'" in found
    assert "Steps[Evaluate].Colour: unknown field" in found


def test_other_mistakes_of_form_are_reported(world: Any, definition: dict[str, Any]) -> None:
    """Versions, conditions, caching and retry policies that cannot be are reported together."""
    definition["Version"] = "2021"
    definition["Steps"][0]["CacheConfig"]["ExpireAfter"] = "soon"
    definition["Steps"][0]["RetryPolicies"] = [{"ExceptionType": ["Step.Nope"], "MaxAttempts": 2}]
    definition["Steps"][3]["Arguments"]["Conditions"][0]["Type"] = "GreaterOrEqual"
    definition["Parameters"][1]["DefaultValue"] = "high"
    found = problems(world, definition)
    assert len(found) == 5, found
    assert any("Version must be '2020-12-01'" in problem for problem in found)
    assert any("'soon' is no duration" in problem for problem in found)
    assert any("RetryPolicies[0].ExceptionType" in problem for problem in found)
    assert any("'GreaterOrEqual' is not one of" in problem for problem in found)
    assert any("Parameters[1].DefaultValue" in problem for problem in found)


@pytest.mark.parametrize("text", ["{", "[]", '{"Version": "2020-12-01", "Steps": []}'])
def test_what_is_no_definition_is_refused(world: Any, text: str) -> None:
    """Broken JSON and definitions without steps are refused."""
    with pytest.raises(ApiError, match="The pipeline definition is not valid"):
        world.call("CreatePipeline", PipelineName="x", RoleArn=ROLE, ClientRequestToken=TOKEN, PipelineDefinition=text)


@pytest.mark.parametrize("kind", ["Tuning", "QualityCheck", "Nonsense"])
def test_step_types_the_twin_does_not_run_are_refused(world: Any, definition: dict[str, Any], kind: str) -> None:
    """An unsupported step is refused at CreatePipeline with its name and type."""
    definition["Steps"][3]["Arguments"]["IfSteps"].append({"Name": "Extra", "Type": kind, "Arguments": {}})
    with pytest.raises(NotImplementedByTwin, match=f"Step 'Extra' of type '{kind}'"):
        create(world, definition)


def test_creating_twice(world: Any, definition: dict[str, Any]) -> None:
    """The same request again is the same pipeline; another one of that name is refused as upserts expect."""
    assert create(world, definition) == create(world, definition)
    definition["Metadata"] = {"other": "x"}
    with pytest.raises(ApiError, match=r"ValidationException: Pipeline names must be unique .* already exists"):
        create(world, definition)


def test_an_update_makes_a_version(world: Any, definition: dict[str, Any]) -> None:
    """UpdatePipeline keeps earlier definitions by version; the same definition makes no new one."""
    create(world, definition)
    unchanged = world.call("UpdatePipeline", PipelineName="demo", PipelineDefinition=json.dumps(definition))
    definition["Metadata"] = {"changed": "yes"}
    changed = world.call("UpdatePipeline", PipelineName="demo", PipelineDefinition=json.dumps(definition))
    assert (unchanged["PipelineVersionId"], changed["PipelineVersionId"]) == (1, 2)
    first = world.call("DescribePipeline", PipelineName="demo", PipelineVersionId=1)
    assert json.loads(first["PipelineDefinition"]) == EXAMPLE
    definition["Steps"][0]["Arguments"]["Nope"] = 1
    with pytest.raises(ApiError, match="Nope: unknown field"):
        world.call("UpdatePipeline", PipelineName="demo", PipelineDefinition=json.dumps(definition))
    with pytest.raises(ApiError, match=r"ResourceNotFound: Pipeline '.*pipeline/none' does not exist"):
        world.call("DescribePipeline", PipelineName="none")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P30D", timedelta(days=30)),
        ("30d", timedelta(days=30)),
        ("5y", timedelta(days=1825)),
        ("T16m", timedelta(minutes=16)),
        ("30dT5h", timedelta(days=30, hours=5)),
        ("PT1H", timedelta(hours=1)),
        ("P2M", timedelta(days=60)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    """The spellings that the documentation shows are understood."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "P", "30", "PT5S", "1h"])
def test_what_is_no_duration(text: str) -> None:
    """Anything else is no duration."""
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


def test_paths() -> None:
    """The path grammar reaches into objects and lists; what is not there is named."""
    document = {"a": {"b-c": [{"x y": 1}, {"d": 2}]}}
    assert follow(document, parse_path("a['b-c'][0][\"x y\"]")) == 1
    assert follow(document, parse_path("a.b-c[1].d")) == 2
    with pytest.raises(ExpressionError, match="'e' is not there"):
        follow(document, parse_path("a.b-c[1].e"))
    with pytest.raises(ExpressionError, match="malformed"):
        parse_path("a[b]")
