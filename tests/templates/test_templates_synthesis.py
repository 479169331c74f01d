"""The committed template is what the source synthesizes, byte for byte, wherever and whenever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_committed_equals_synthesized(committed: Path, synthesized: str) -> None:
    """The committed file is the synthesis, byte for byte."""
    assert committed.read_bytes() == synthesized.encode()


def test_check_passes_in_another_environment() -> None:
    """Another hash seed, time zone, locale and directory, and no Node.js of the machine: the same bytes."""
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    environment |= {"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"}
    result = subprocess.run(
        [sys.executable, "-m", "templates.app", "--check"],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_check_names_the_stale_file_in_one_sentence(tmp_path: Path) -> None:
    """A committed file that differs is named with the command that renews it; an equal one is not."""
    from templates.synthesis import stale

    path = tmp_path / "project.template.yaml"
    path.write_text("Resources: {}\n", encoding="utf-8")
    assert stale(path, "Resources: {}\n") == ""
    assert stale(path, "Resources: {A: 1}\n") == (
        f"{path} is not what templates/ synthesizes: renew it with `python -m templates.app`."
    )


def test_check_names_a_missing_file(tmp_path: Path) -> None:
    """A version that was never written is reported, not passed."""
    from templates.synthesis import stale

    assert "does not exist" in stale(tmp_path / "none.yaml", "")


def test_check_fails_when_a_written_file_was_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the application wrote passes its check; once changed by hand, it fails with one sentence."""
    from templates.app import main

    assert main(["--versions", str(tmp_path)]) == 0
    written = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["launch-permissions.json", "project.template.yaml"]
    changed = next(tmp_path.rglob("project.template.yaml"))
    changed.write_text(changed.read_text(encoding="utf-8").replace("QUEUED", "PARALLEL"), encoding="utf-8")
    capsys.readouterr()
    assert main(["--check", "--versions", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{changed} is not what templates/ synthesizes: renew it with `python -m templates.app`."
    ]


def test_the_text_is_the_template(template: dict[str, Any], synthesized: str) -> None:
    """Plain YAML reads the text as the same template: it has long-form intrinsics only."""
    assert yaml.safe_load(synthesized) == template


def test_nothing_of_the_synthesis_is_in_the_template(synthesized: str) -> None:
    """No CDK metadata, asset, bootstrap rule or path of the machine reaches the product."""
    for trace in ("aws:cdk", "AWS::CDK", "BootstrapVersion", "cdk-hnb659fds", str(ROOT)):
        assert trace not in synthesized


def test_a_foreign_section_is_refused() -> None:
    """A section or attribute the product is not meant to have stops the synthesis and is named."""
    from templates.synthesis import UnexpectedContentError, to_yaml

    with pytest.raises(UnexpectedContentError, match="template has Rules"):
        to_yaml({"Resources": {}, "Rules": {}})
    with pytest.raises(UnexpectedContentError, match="Topic has CreationPolicy"):
        to_yaml({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "CreationPolicy": {}}}})
    with pytest.raises(UnexpectedContentError, match="Metadata of Topic has aws:cdk:path"):
        to_yaml({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Metadata": {"aws:cdk:path": "Topic"}}}})


def test_the_template_is_complete(template: dict[str, Any]) -> None:
    """The template holds exactly the resource types of one project, each as often as it is meant to."""
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert {kind: types.count(kind) for kind in sorted(set(types))} == {
        "AWS::CodeBuild::Project": 3,
        "AWS::CodeCommit::Repository": 2,
        "AWS::CodePipeline::Pipeline": 2,
        "AWS::IAM::Role": 5,
        "AWS::Logs::LogGroup": 3,
        "AWS::S3::Bucket": 1,
        "AWS::S3::BucketPolicy": 1,
        "AWS::SageMaker::CodeRepository": 2,
        "AWS::SageMaker::ModelPackageGroup": 1,
    }
