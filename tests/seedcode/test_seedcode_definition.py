from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.seedcode import rendering, request_shapes
from tests.seedcode.definitions import Described

JOBS = ("Prepare", "Train", "Evaluate", "RegisterModel")


def test_the_same_source_gives_the_same_bytes(described: tuple[Described, Described]) -> None:
    """Two processes, two checkouts at different paths, two orders of hashes, twice each: one definition."""
    first, second = described
    assert first.definition == first.again == second.definition == second.again


def test_a_definition_says_nothing_about_the_machine_or_the_moment(
    described: tuple[Described, Described], build_repo: Path
) -> None:
    """No path of the checkout, no date, no commit, and keys in order."""
    text = described[0].definition
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text
    for stranger in (str(build_repo), "/tmp", "0123456789abcdef0123456789abcdef01234567"):  # noqa: S108
        assert stranger not in text
    assert not re.search(r"20\d\d-?[01]\d-?[0-3]\d[-T]?\d\d", text)


def test_code_and_data_are_uploaded_once_under_their_content(described: tuple[Described, Described]) -> None:
    """Building three definitions writes each object once; only a pipeline that differs could need more."""
    keys = described[0].objects
    assert len(keys) == len(set(keys))
    names = [re.sub(r"/[0-9a-f]{64}/", "/#/", key.partition("/")[2]) for key in keys]
    assert names == [
        "source/data/#/arrests.csv",
        *(f"source/evaluate/#/{name}.py" for name in ("archived", "evaluate", "evidence")),
        f"source/evaluate/#/{rendering.LIBRARY.name}",
        "source/evaluate/#/policy.yaml",
        "source/prepare/#/prepare.py",
        "source/prepare/#/table.json",
        "source/train/#/sourcedir.tar.gz",
    ]
    assert keys == described[1].objects


def test_a_hyperparameter_changes_nothing_but_the_training(described: tuple[Described, Described]) -> None:
    """Everything Prepare and Evaluate are cached by stays the same."""
    before, after = (json.loads(text) for text in (described[0].definition, described[0].with_another_hyperparameter))
    assert before != after
    for definition in (before, after):
        del next(step for step in definition["Steps"] if step["Name"] == "Train")["Arguments"]["HyperParameters"]
    assert before == after


@pytest.mark.parametrize("name", JOBS)
def test_sagemaker_would_accept_every_steps_arguments(name: str, described: tuple[Described, Described]) -> None:
    """No unknown member, no wrong type, no value out of its enumeration or pattern."""
    assert request_shapes.mistakes(described[0].steps()[name]) == []


def test_the_check_of_arguments_finds_mistakes(described: tuple[Described, Described]) -> None:
    """A misspelt member, a number for a text, an unknown enumeration value: each is named."""
    step = copy.deepcopy(described[0].steps()["Train"])
    step["Arguments"]["ResourceConfig"]["VolumeSizeInGb"] = 1
    step["Arguments"]["HyperParameters"]["eta"] = 0.1
    step["Arguments"]["ResourceConfig"]["InstanceType"] = "ml.huge"
    found = "\n".join(request_shapes.mistakes(step))
    assert "unknown member Train.ResourceConfig.VolumeSizeInGb" in found
    assert "Train.ResourceConfig.InstanceType is 'ml.huge', not one of" in found
    assert "HyperParameters.eta" in found


def test_what_is_registered_carries_its_evidence_and_waits(described: tuple[Described, Described]) -> None:
    """Pending approval, one container that can serve, all evidence from Evaluate, and the digest of the bytes."""
    package = described[0].steps()["RegisterModel"]["Arguments"]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Image"].endswith("/sagemaker-xgboost:3.2-0")
    assert container["ModelDataUrl"] == {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    assert container["Environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": "us-east-1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }
    properties = package["CustomerMetadataProperties"]
    assert evidence(properties["EvaluationDataUri"]) == "/holdout.csv"
    assert evidence(properties["EvidenceUri"]) == "/"
    assert properties["EvidenceDigest"]["Std:JsonGet"]["Path"] == "evidence_digest"
    assert properties["ModelDigest"]["Std:JsonGet"]["Path"] == "model_digest"
    assert properties["DataDigest"]["Std:JsonGet"]["Path"] == "data_digest"
    assert properties["SourceDigest"] == {"Get": "Parameters.SourceDigest"}
    assert package["MetadataProperties"] == {
        "CommitId": {"Get": "Parameters.CommitId"},
        "Repository": "sagemaker-Demo-p-idy6c3e1fiqj-modelbuild",
        "GeneratedBy": {"Get": "Execution.PipelineExecutionArn"},
        "ProjectId": "p-idy6c3e1fiqj",
    }


def evidence(address: dict[str, Any]) -> str:
    """Name of the file of Evaluate's output that an address refers to."""
    folder, name = address["Std:Join"]["Values"]
    assert address["Std:Join"]["On"] == ""
    assert folder == {"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs['evidence'].S3Output.S3Uri"}
    return str(name)


def test_reports_and_baselines_are_registered_at_creation(described: tuple[Described, Described]) -> None:
    """Every place that ModelMetrics and DriftCheckBaselines have for a report holds the evidence's.

    Source: API reference, UpdateModelPackage: neither can be given later.
    """
    package = described[0].steps()["RegisterModel"]["Arguments"]
    quality = {"Statistics": "/statistics.json", "Constraints": "/constraints.json"}
    data = {name: f"/data_quality{place}" for name, place in quality.items()}
    assert addresses(package["ModelMetrics"]) == {
        "ModelQuality": quality,
        "ModelDataQuality": data,
        "Bias": {"Report": "/analysis.json"},
        "Explainability": {"Report": "/analysis.json"},
    }
    assert addresses(package["DriftCheckBaselines"]) == {
        "ModelQuality": quality,
        "ModelDataQuality": data,
        "Bias": {"PreTrainingConstraints": "/analysis.json", "PostTrainingConstraints": "/analysis.json"},
        "Explainability": {"Constraints": "/analysis.json"},
    }


def addresses(reports: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The file of the evidence at each place."""
    return {
        kind: {place: evidence(source["S3Uri"]) for place, source in places.items()} for kind, places in reports.items()
    }


def test_a_version_says_why_it_was_built(described: tuple[Described, Described]) -> None:
    """Its description has the reason that the build gave, and the commit."""
    package = described[0].steps()["RegisterModel"]["Arguments"]
    words = package["ModelPackageDescription"]["Std:Join"]["Values"]
    assert words == [{"Get": "Parameters.BuildReason"}, "; commit ", {"Get": "Parameters.CommitId"}]


def test_the_evidence_is_told_where_the_model_comes_from(described: tuple[Described, Described]) -> None:
    """Evaluate gets the commit, the image, the seed's version and the cutoff, and writes two folders."""
    arguments = described[0].steps()["Evaluate"]["Arguments"]
    given = arguments["AppSpecification"]["ContainerArguments"]
    told = dict(zip(given[::2], given[1::2], strict=True))
    assert told["--commit"] == {"Get": "Parameters.CommitId"}
    assert told["--image"] == arguments["AppSpecification"]["ImageUri"]
    assert (told["--seed-version"], told["--cutoff"]) == ("0.1.0", "0.58")
    outputs = arguments["ProcessingOutputConfig"]["Outputs"]
    assert [output["OutputName"] for output in outputs] == ["evaluation", "evidence"]


def test_training_again_runs_every_step(described: tuple[Described, Described]) -> None:
    """With a reason to retrain nothing is taken from the cache, and nothing else is different."""
    usual, again = (json.loads(text) for text in (described[0].definition, described[0].without_caching))
    jobs = [step for step in again["Steps"] if "CacheConfig" in step]
    assert [step["CacheConfig"]["Enabled"] for step in jobs] == [False] * 3
    for step in (*jobs, *(step for step in usual["Steps"] if "CacheConfig" in step)):
        del step["CacheConfig"]
    assert usual == again


def test_the_toolkit_installs_the_code_without_the_network(described: tuple[Described, Described]) -> None:
    """Training and serving build the code with the image's own setuptools: the isolated endpoint cannot reach PyPI."""
    steps = described[0].steps()
    (container,) = steps["RegisterModel"]["Arguments"]["InferenceSpecification"]["Containers"]
    for environment in (steps["Train"]["Arguments"]["Environment"], container["Environment"]):
        assert environment["PIP_NO_BUILD_ISOLATION"] == "0"


def test_a_model_below_the_threshold_fails_with_a_reason(described: tuple[Described, Described]) -> None:
    """The gate compares the measured AUC with the parameter, and the reason names metric, value and threshold."""
    gate = described[0].steps()["AucReachesThreshold"]["Arguments"]
    auc = {"Std:JsonGet": {"Path": "auc", "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.EvaluationReport"}}}
    threshold = {"Get": "Parameters.AucThreshold"}
    comparison = {"Type": "GreaterThanOrEqualTo", "LeftValue": auc, "RightValue": threshold}
    assert gate["Conditions"] == [comparison]
    assert [step["Name"] for step in gate["IfSteps"]] == ["RegisterModel"]
    (failure,) = gate["ElseSteps"]
    words = failure["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]
    assert failure["Type"] == "Fail"
    assert words[0].startswith("The AUC")
    assert auc in words
    assert threshold in words


def test_jobs_are_cached_encrypted_and_cut_off(described: tuple[Described, Described]) -> None:
    """Every job can be reused for 30 days, writes with the project's key, and processing has no network."""
    steps = described[0].steps()
    for name in ("Prepare", "Train", "Evaluate"):
        assert steps[name]["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P30D"}
        arguments = steps[name]["Arguments"]
        output = arguments.get("ProcessingOutputConfig") or arguments["OutputDataConfig"]
        assert output["KmsKeyId"].startswith("arn:aws:kms:")
        assert arguments["StoppingCondition"]["MaxRuntimeInSeconds"] == 3600
    for name in ("Prepare", "Evaluate"):
        assert steps[name]["Arguments"]["NetworkConfig"] == {"EnableNetworkIsolation": True}


def test_the_parameters_are_the_documented_ones(described: tuple[Described, Described]) -> None:
    """Each start may give other data, another threshold or other instances; commit and source come with a push."""
    parameters = {item["Name"]: item["DefaultValue"] for item in json.loads(described[0].definition)["Parameters"]}
    bucket = "sagemaker-project-p-idy6c3e1fiqj/sagemaker-Demo-p-idy6c3e1fiqj"
    assert re.fullmatch(rf"s3://{bucket}/source/data/[0-9a-f]{{64}}", parameters.pop("InputDataUrl"))
    assert parameters == {
        "AucThreshold": 0.68,
        "CommitId": "not-recorded",
        "SourceDigest": "not-recorded",
        "BuildReason": "Started by hand",
        "ProcessingInstanceType": "ml.m5.large",
        "TrainingInstanceType": "ml.m5.large",
    }
