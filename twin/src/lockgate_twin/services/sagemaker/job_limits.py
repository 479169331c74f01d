"""What of a Create request the twin's jobs cannot do; all of it is told at once, by the request's own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.services.sagemaker.errors import limit

MAX_INSTANCES = 20

# Recorded and returned, without effect here: instances, volumes, networks, encryption of volumes and outputs, debugger
# and profiler, experiments. A job's network isolation is enforced where this machine can (jobs/sandbox.py).
REFUSED_TRAINING = (
    "CheckpointConfig",
    "TensorBoardOutputConfig",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
    "SessionChainingConfig",
    "ServerlessJobConfig",
    "MlflowConfig",
    "ModelPackageConfig",
)


def check_training(request: Mapping[str, Any]) -> None:
    """Check a CreateTrainingJob request.

    Raises:
        NotImplementedByTwin: naming every member that the twin does not do.
    """
    found = [name for name in REFUSED_TRAINING if name in request]
    algorithm, resources = request["AlgorithmSpecification"], request.get("ResourceConfig", {})
    if algorithm["TrainingInputMode"] == "Pipe":
        found.append("AlgorithmSpecification.TrainingInputMode Pipe")
    if "TrainingImage" not in algorithm:
        found.append("AlgorithmSpecification without TrainingImage")
    if "InstanceType" not in resources or "InstanceCount" not in resources:
        found.append("ResourceConfig other than instances of one InstanceType")
    if request["OutputDataConfig"].get("CompressionType") == "NONE":
        found.append("OutputDataConfig.CompressionType NONE")
    for channel in request.get("InputDataConfig", []):
        found += [f"InputDataConfig[{channel['ChannelName']}] {problem}" for problem in _channel(channel)]
    _refuse("CreateTrainingJob", found)
    _check_quota("training job", resources)


def _channel(channel: Mapping[str, Any]) -> list[str]:
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        return ["without S3DataSource"]
    found = [] if source["S3DataType"] == "S3Prefix" else [f"S3DataType {source['S3DataType']}"]
    if channel.get("InputMode") == "Pipe":
        found.append("InputMode Pipe")
    if channel.get("CompressionType", "None") != "None":
        found.append("CompressionType Gzip")
    return found


def check_processing(request: Mapping[str, Any]) -> None:
    """Check a CreateProcessingJob request.

    Raises:
        NotImplementedByTwin: naming every member that the twin does not do.
    """
    found = []
    for item in request.get("ProcessingInputs", []):
        found += [f"ProcessingInputs[{item['InputName']}] {problem}" for problem in _processing_input(item)]
    for item in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if item.get("S3Output", {}).get("S3UploadMode") != "EndOfJob":
            found.append(f"ProcessingOutputConfig.Outputs[{item['OutputName']}] other than S3UploadMode EndOfJob")
    _refuse("CreateProcessingJob", found)
    _check_quota("processing job", request["ProcessingResources"]["ClusterConfig"])


def _processing_input(item: Mapping[str, Any]) -> list[str]:
    source = item.get("S3Input")
    if source is None or "LocalPath" not in source:
        return ["without S3Input.LocalPath"]
    plain = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3CompressionType": "None"}
    return [f"{name} {source[name]}" for name, only in plain.items() if source.get(name, only) != only]


def _check_quota(usage: str, cluster: Mapping[str, Any]) -> None:
    """Refuse a cluster above the quota. Assumption: an account may use 20 instances of any type in one job."""
    count, kind = cluster["InstanceCount"], cluster["InstanceType"]
    if count > MAX_INSTANCES:
        raise limit(
            f"The account-level service limit '{kind} for {usage} usage' is {MAX_INSTANCES} Instances, with current "
            f"utilization of 0 Instances and a request delta of {count} Instances."
        )


def _refuse(operation: str, found: list[str]) -> None:
    if found:
        raise NotImplementedByTwin(f"{operation} with {'; '.join(found)}")
