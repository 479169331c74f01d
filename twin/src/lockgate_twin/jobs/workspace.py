"""Lay out /opt/ml for one job exactly as SageMaker documents it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.sandbox import ML, Box

MESSAGE_BYTES = 1024
TRAINING_DIRECTORIES = ("input/config", "input/data", "model", "output/data", "checkpoints", "code")


@dataclass(frozen=True)
class Host:
    """One instance of a job's cluster; `index` counts from 0. Its names are as in resourceconfig.json.

    Assumption: a job's instances do not find each other over the network by these names.
    """

    index: int = 0
    count: int = 1

    @property
    def name(self) -> str:
        """Return the instance's name."""
        return f"algo-{self.index + 1}"

    @property
    def names(self) -> list[str]:
        """Return the names of all instances of the cluster."""
        return [f"algo-{number + 1}" for number in range(self.count)]


class Workspace:
    """The directories of one instance of a job under `root`; `remove()` when the job is over."""

    def __init__(self, root: Path, directories: Sequence[str], host: Host | None = None) -> None:
        self.root = root
        self.host = host or Host()
        self.box = Box(ml=root / "ml", tmp=root / "tmp")
        for directory in (self.box.tmp, *(self.box.ml / name for name in directories)):
            directory.mkdir(parents=True)
        self.box.tmp.chmod(0o1777)

    def local(self, path: str, under: str = ML) -> Path:
        """Return where this machine keeps a path that the job sees.

        Raises:
            JobError: the path is not beneath `under`.
        """
        return self.box.ml / check_local(path, under).relative_to(ML)

    def share(self, source: Mapping[str, Any]) -> tuple[int, int]:
        """Return which part of an S3 source's objects this instance gets (S3DataDistributionType)."""
        sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        return (self.host.index, self.host.count) if sharded else (0, 1)

    def write_config(self, directory: str, files: Mapping[str, Any]) -> None:
        """Write JSON files by stem into a directory of /opt/ml."""
        target = self.box.ml / directory
        target.mkdir(parents=True, exist_ok=True)
        for stem, content in files.items():
            (target / f"{stem}.json").write_text(json.dumps(content))

    def message(self, name: str) -> str | None:
        """Return the first 1024 bytes of /opt/ml/output/<name>, or None if the job wrote nothing there."""
        path = self.box.ml / "output" / name
        if not path.is_file() or path.is_symlink():
            return None
        with path.open("rb") as stream:
            return stream.read(MESSAGE_BYTES).decode(errors="ignore").strip() or None

    def remove(self) -> None:
        """Delete the directories; a job's leftovers never keep the twin from going on."""
        shutil.rmtree(self.root, ignore_errors=True)


def check_local(path: str, under: str) -> PurePosixPath:
    """Return a path that the job sees, if it is beneath `under`.

    Raises:
        JobError: it is not.
    """
    pure = PurePosixPath(path)
    if not pure.is_relative_to(under) or ".." in pure.parts:
        raise JobError(f"ClientError: LocalPath {path!r} must be beneath {under}.")
    return pure


def training_config(request: Mapping[str, Any], host: Host | None = None) -> dict[str, Any]:
    """Return the files of /opt/ml/input/config by stem ("How Amazon SageMaker Provides Training Information")."""
    return {
        "hyperparameters": dict(request.get("HyperParameters", {})),
        "inputdataconfig": {c["ChannelName"]: _channel(c) for c in request.get("InputDataConfig", [])},
        "resourceconfig": _training_resources(request["ResourceConfig"]["InstanceType"], host or Host()),
    }


def _training_resources(instance_type: str, host: Host) -> dict[str, Any]:
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": host.names}
    return {
        "current_host": host.name,
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": host.names,
        "instance_groups": [group],
        "network_interface_name": "lo",
    }


def _channel(channel: Mapping[str, Any]) -> dict[str, str]:
    source = channel["DataSource"]["S3DataSource"]
    described = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {key: value for key, value in described.items() if value}


def processing_config(request: Mapping[str, Any], arn: str, host: Host) -> dict[str, Any]:
    """Return the files of /opt/ml/config by stem ("How Amazon SageMaker Processing Configures Your Container")."""
    job = {key: value for key, value in request.items() if key != "Tags"}
    return {
        "processingjobconfig": {"ProcessingJobArn": arn, **job},
        "resourceconfig": {"current_host": host.name, "hosts": host.names},
    }
