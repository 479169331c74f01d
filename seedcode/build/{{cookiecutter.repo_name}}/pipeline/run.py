"""`python -m pipeline.run`, what a push does: put the pipeline into SageMaker, start it and wait for its end.

A source that already gave a model version is not built again, unless LOCKGATE_RETRAIN gives a reason to.
Exits 0 when the source has its version, 1 otherwise.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from pipeline import execution, registry
from pipeline.config import Config, load_config
from pipeline.environment import Environment, prepare_sdk, read_environment
from pipeline.errors import ConfigurationError, PipelineError
from pipeline.source import CodeLocations, Files, SourceStore, content_digest, read_files

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "config.toml",
    "policy.yaml",
    "requirements.txt",
    "pipeline/*.py",
    "steps/*.py",
    "vendor/*.whl",
)
LIBRARY = "vendor/lockgate_checks-*.whl"
STEP_FILES = {
    "prepare": ("steps/prepare.py",),
    "train": ("steps/train.py", "steps/inference.py"),
    "evaluate": ("steps/evaluate.py", "steps/archived.py", "steps/evidence.py", "policy.yaml", LIBRARY),
}

Say = Callable[[str], None]


def run(root: Path, environment: Environment, say: Say) -> None:
    """Build a model version from the repository at `root`, unless there is one already.

    Raises:
        PipelineError: the configuration is wrong, or the execution failed.
    """
    config = load_config(root / "config.toml")
    data = read_data(root, config)
    check_files(root)
    source = content_digest({**read_files(root, SOURCES), **data})
    sagemaker = boto3.client("sagemaker", region_name=environment.region)
    if environment.retrain_reason:
        say(f"training again: {environment.retrain_reason}")
    elif not config.data.is_remote:
        known = registry.find_by_source(sagemaker, environment.model_package_group, source)
        if known:
            say(f"unchanged: version {known.version} ({known.approval_status}) has this source: {known.arn}")
            return
    definition = define(root, config, environment, data)
    say(f"pipeline {environment.pipeline_name}: {execution.put_pipeline(sagemaker, environment, definition)}")
    reason = f"Retraining: {environment.retrain_reason}" if environment.retrain_reason else "Push"
    parameters = {"CommitId": environment.commit, "SourceDigest": source, "BuildReason": reason}
    arn = execution.start(sagemaker, environment, parameters)
    say(f"started {arn}")
    steps = execution.wait(sagemaker, arn, execution.Watch(say))
    version = registry.describe(sagemaker, execution.registered_arn(steps))
    say(f"registered version {version.version} ({version.approval_status}): {version.arn}")
    say(f"sha256 of model.tar.gz: {version.properties['ModelDigest']}")


def check_files(root: Path) -> None:
    """Make sure that the evidence can be computed and says what it is to be judged by.

    Raises:
        ConfigurationError: naming what is missing.
    """
    missing = [name for name in (LIBRARY, "policy.yaml") if not any(root.glob(name))]
    if missing:
        raise ConfigurationError("the repository", [f"there is no {name}" for name in missing])


def read_data(root: Path, config: Config) -> dict[str, bytes]:
    """The data file of the repository; nothing if the data is elsewhere.

    Raises:
        ConfigurationError: the file is missing.
    """
    if config.data.is_remote:
        return {}
    path = root / config.data.location
    if not path.is_file():
        raise ConfigurationError("config.toml", [f"data.location: there is no file {config.data.location!r}"])
    return {path.name: path.read_bytes()}


def define(root: Path, config: Config, environment: Environment, data: Files) -> str:
    """Upload code and data under their content, and build the definition that refers to them."""
    store = SourceStore(
        s3=boto3.client("s3", region_name=environment.region),
        bucket=environment.artifact_bucket,
        prefix=f"{environment.pipeline_name}/source",
        kms_key_arn=environment.kms_key_arn,
    )
    code = upload(root, config, store, data)
    prepare_sdk(os.environ, environment.region)
    from pipeline.definition import build_definition  # importing the SDK takes seconds

    return build_definition(config, environment, code, caching=not environment.retrain_reason)


def upload(root: Path, config: Config, store: SourceStore, data: Files) -> CodeLocations:
    """Store what each step runs; a step's address changes only if one of its own files does."""
    files = {name: _side_by_side(read_files(root, names)) for name, names in STEP_FILES.items()}
    table = {**asdict(config.data), **asdict(config.split)}
    table.pop("location")
    files["prepare"]["table.json"] = json.dumps(table, indent=1, sort_keys=True).encode()
    return CodeLocations(
        prepare=store.put("prepare", files["prepare"]),
        train=store.put_archive("train", files["train"]),
        evaluate=store.put("evaluate", files["evaluate"]),
        data=store.put("data", data) if data else config.data.location,
    )


def _side_by_side(files: Files) -> dict[str, bytes]:
    return {Path(name).name: content for name, content in files.items()}


def main() -> int:
    """Run for the repository this file is in; every failure is one clear message."""
    try:
        run(ROOT, read_environment(os.environ), lambda line: print(line, flush=True))
    except (PipelineError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
