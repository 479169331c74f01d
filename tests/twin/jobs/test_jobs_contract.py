"""Small parts of the container contract: staging, script mode, images, messages."""

# ruff: noqa: D102 - the methods mean what the ports say

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.jobs import images, staging, toolkit
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.workspace import Workspace, training_config


class Objects:
    """S3 as a job's session sees it."""

    region = "us-east-1"

    def __init__(self, **objects: bytes) -> None:
        self.objects = {key.replace("__", "/"): body for key, body in objects.items()}

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        if bucket != "b":
            raise ApiError("NoSuchBucket", "The specified bucket does not exist", 404)
        return sorted(key for key in self.objects if key.startswith(prefix))

    def read_object(self, _: str, key: str) -> bytes:
        return self.objects[key]

    def write_object(self, _: str, key: str, body: bytes) -> None:
        self.objects[key] = body


@pytest.mark.parametrize(
    ("uri", "names"),
    [
        ("s3://b/data/train", ["a.csv", "sub/b.csv"]),
        ("s3://b/data/train/", ["a.csv", "sub/b.csv"]),
        ("s3://b/data/train/a.csv", ["a.csv"]),
        ("s3://b/data/tr", ["train/a.csv", "train/sub/b.csv"]),
        ("s3://b/data/train/sub/b", ["b.csv"]),
    ],
)
def test_prefixes_become_files(tmp_path: Path, uri: str, names: list[str]) -> None:
    """Keys keep what follows the prefix; a single object keeps its name."""
    session = Objects(**{"data__train__a.csv": b"a", "data__train__sub__b.csv": b"b", "data__train__": b""})
    staging.download(session, uri, tmp_path)  # type: ignore[arg-type]
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == names


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://b/none", "No S3 objects found"),
        ("s3://other/x", "NoSuchBucket"),
        ("https://b/x", "is not an S3 URI"),
        ("s3://b/evil/", "leaves its prefix"),
    ],
)
def test_what_cannot_be_staged_is_told(tmp_path: Path, uri: str, reason: str) -> None:
    """Empty prefixes, unknown buckets, other URIs and keys that climb out are errors."""
    with pytest.raises(JobError, match=reason):
        staging.download(Objects(**{"evil__..__..__x": b""}), uri, tmp_path)  # type: ignore[arg-type]


def test_links_are_not_uploaded(tmp_path: Path) -> None:
    """Symbolic links in an output are left out, as AWS documents."""
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    session = Objects()
    staging.upload(session, tmp_path, "s3://b/out/")  # type: ignore[arg-type]
    assert session.objects == {"out/real": b"x"}


def test_hyperparameters_become_arguments_as_the_toolkit_spells_them() -> None:
    """Names are sorted, single letters get one dash, values are decoded JSON spelled by str()."""
    mode = toolkit.script_mode(
        {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": "s3://b/c.tar.gz",
            "max_depth": "3",
            "e": "0.1",
            "objective": "binary:logistic",
            "flags": '{"b": 1, "a": true}',
        }
    )
    assert mode is not None
    assert (mode.program, mode.submit_directory) == ("train.py", "s3://b/c.tar.gz")
    assert toolkit.command_line(mode.hyperparameters) == [
        "-e",
        "0.1",
        "--flags",
        "a=True,b=1",
        "--max_depth",
        "3",
        "--objective",
        "binary:logistic",
    ]


def test_a_program_needs_its_source() -> None:
    """sagemaker_program without sagemaker_submit_directory is refused; neither is no script mode."""
    assert toolkit.script_mode({"eta": "1"}) is None
    with pytest.raises(JobError, match="needs sagemaker_submit_directory"):
        toolkit.script_mode({"sagemaker_program": "t.py"})


def test_training_configuration_files() -> None:
    """The three files have the documented members."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/x"}}
    request = {
        "HyperParameters": {"a": "1"},
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    files = training_config(request)
    assert files["hyperparameters"] == {"a": "1"}
    assert files["inputdataconfig"] == {
        "train": {
            "ContentType": "text/csv",
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
    }
    resources = files["resourceconfig"]
    assert (resources["current_host"], resources["hosts"]) == ("algo-1", ["algo-1"])
    assert json.dumps(files)


def test_a_message_is_its_first_kilobyte(tmp_path: Path) -> None:
    """A failure or message file counts with its first 1024 bytes; a link does not count."""
    workspace = Workspace(tmp_path / "w", ["output"])
    (workspace.box.ml / "output/failure").write_text("é" * 2000)
    assert workspace.message("failure") == "é" * 512
    (workspace.box.ml / "output/message").symlink_to("/etc/hostname")
    assert workspace.message("message") is None


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0", "sagemaker-xgboost"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost@sha256:ab", "sagemaker-xgboost"),
        ("localhost:5000/team/sagemaker-scikit-learn:1.4", "sagemaker-scikit-learn"),
        ("mine", "mine"),
    ],
)
def test_image_repositories(image: str, name: str) -> None:
    """The repository is found in every form of image URI."""
    assert images.repository(image) == name


def test_images_without_a_stand_in_are_refused_by_name() -> None:
    """An unknown image, or a known one without a program, is named."""
    with pytest.raises(NotImplementedByTwin, match="'mine:1'"):
        images.script_mode_framework("mine:1", program="t.py", purpose="A training job")
    with pytest.raises(NotImplementedByTwin, match="built-in algorithm"):
        images.script_mode_framework("a/sagemaker-xgboost:1", program="", purpose="A training job")
