from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.seedcode import modules, processes, rendering

STARTED = """
import json
from pipeline import execution, run
execution.start = lambda client, environment, parameters: print(json.dumps(parameters)) or exit(0)
run.main()
"""
IMPORTS = "import sys; from pipeline.run import main; main(); print('sagemaker' in sys.modules)"


def source_digest(repository: Path) -> str:
    """What a build of the repository records as the digest of its source."""
    run = modules.load(repository, "pipeline.run")
    config = modules.load(repository, "pipeline.config").load_config(repository / "config.toml")
    source = modules.load(repository, "pipeline.source")
    files = {**source.read_files(repository, run.SOURCES), **run.read_data(repository, config)}
    return str(source.content_digest(files))


def register(aws: processes.Aws, digest: str) -> str:
    """Register a version as built from a source; returns its ARN."""
    container = {"Image": "image", "ModelDataUrl": f"s3://{aws.environment['ARTIFACT_BUCKET']}/model.tar.gz"}
    answer = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=aws.group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
        CustomerMetadataProperties={"SourceDigest": digest},
    )
    return str(answer["ModelPackageArn"])


def test_an_unchanged_push_builds_nothing(build_repo: Path, aws: processes.Aws) -> None:
    """A source that has its version ends in success at once: no pipeline, no upload, not even the SDK."""
    arn = register(aws, source_digest(build_repo))
    finished = processes.run_module(build_repo, "pipeline.run", aws.environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"unchanged: version 1 (PendingManualApproval) has this source: {arn}\n"
    assert aws.client("sagemaker").list_pipelines()["PipelineSummaries"] == []
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=aws.environment["ARTIFACT_BUCKET"])
    told = processes.run([sys.executable, "-c", IMPORTS], build_repo, aws.environment)
    assert told.stdout.endswith("\nFalse\n")


def test_a_reason_to_train_again_is_not_skipped(build_repo: Path, aws: processes.Aws) -> None:
    """The same source with a reason makes the pipeline, without step caching, and starts it with that reason."""
    register(aws, source_digest(build_repo))
    reason = {"LOCKGATE_RETRAIN": "age drifted in production"}
    began = processes.run([sys.executable, "-c", STARTED], build_repo, aws.environment | reason)
    assert began.returncode == 0, began.stderr
    said, asked = began.stdout.splitlines()[0], json.loads(began.stdout.splitlines()[-1])
    assert said == "training again: age drifted in production"
    assert asked["BuildReason"] == "Retraining: age drifted in production"
    assert asked["CommitId"] == aws.environment["CODEBUILD_RESOLVED_SOURCE_VERSION"]
    name = aws.environment["SAGEMAKER_PIPELINE_NAME"]
    definition = json.loads(aws.client("sagemaker").describe_pipeline(PipelineName=name)["PipelineDefinition"])
    assert {s["CacheConfig"]["Enabled"] for s in definition["Steps"] if "CacheConfig" in s} == {False}


def test_none_is_no_reason_to_train_again(build_repo: Path, aws: processes.Aws) -> None:
    """What the pipeline's variable says without a reason leaves an unchanged source alone."""
    register(aws, source_digest(build_repo))
    finished = processes.run_module(build_repo, "pipeline.run", aws.environment | {"LOCKGATE_RETRAIN": "none"})
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("unchanged: version 1 ")


@pytest.mark.parametrize(
    "name",
    [
        "config.toml",
        "steps/train.py",
        "data/arrests.csv",
        "requirements.txt",
        "policy.yaml",
        f"vendor/{rendering.LIBRARY.name}",
    ],
)
def test_every_file_a_model_depends_on_changes_the_source(name: str, build_repo: Path, tmp_path: Path) -> None:
    """Configuration, code, data and libraries count; a remark in the README does not."""
    repository = Path(shutil.copytree(build_repo, tmp_path / "repository"))
    before = source_digest(repository)
    with (repository / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("A remark.\n")
    assert source_digest(repository) == before
    with (repository / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert source_digest(repository) != before


def test_a_push_with_mistakes_is_refused_with_all_of_them(tmp_path: Path, aws: processes.Aws) -> None:
    """A bad configuration ends the build with one list before AWS is asked anything."""
    repository = rendering.render("build", tmp_path)
    config = repository / "config.toml"
    text = re.sub(r"(?m)^(eta|max_depth) = .*$", r'\1 = "x"', config.read_text(encoding="utf-8"))
    config.write_text(text.replace("[split]", "[spilt]"), encoding="utf-8")
    nowhere = {**aws.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    finished = processes.run_module(repository, "pipeline.run", nowhere)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.splitlines() == [
        "config.toml has 4 mistakes:",
        "  - [spilt] is not a known section",
        "  - section [split] is missing",
        "  - training.max_depth must be a whole number",
        "  - training.eta must be a number",
    ]


def test_a_build_without_its_environment_says_what_is_missing(build_repo: Path) -> None:
    """Every missing variable is named."""
    environment = {name: value for name, value in processes.project("p-1").items() if "KMS" not in name}
    del environment["ARTIFACT_BUCKET"]
    finished = processes.run_module(build_repo, "pipeline.run", environment)
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[1:] == ["  - ARTIFACT_BUCKET is not set", "  - KMS_KEY_ARN is not set"]


def test_an_unreachable_aws_is_told_in_one_sentence(build_repo: Path) -> None:
    """A build that cannot talk to AWS fails with the address and no traceback."""
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    finished = processes.run_module(build_repo, "pipeline.run", processes.project("p-1") | nowhere)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == 'Could not connect to the endpoint URL: "http://127.0.0.1:9/"\n'


def test_a_repository_without_library_or_policy_is_refused(tmp_path: Path, aws: processes.Aws) -> None:
    """Without them there would be no evidence, or nothing to judge it by: both are named before AWS is asked."""
    repository = rendering.render("build", tmp_path)
    (repository / "policy.yaml").unlink()
    shutil.rmtree(repository / "vendor")
    finished = processes.run_module(repository, "pipeline.run", aws.environment)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.splitlines() == [
        "the repository has 2 mistakes:",
        "  - there is no vendor/lockgate_checks-*.whl",
        "  - there is no policy.yaml",
    ]
