"""The condition keys that SageMaker requests give (Service Authorization Reference, Amazon SageMaker)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Members = Mapping[str, Any]
# A member's value -> a key, where the member has one name in every request.
_PLAIN = {
    "ModelApprovalStatus": "sagemaker:ModelApprovalStatus",
    "CustomerMetadataPropertiesToRemove": "sagemaker:CustomerMetadataPropertiesToRemove",
}


def sagemaker_keys(operation: str, parameters: Members, model_arn: Callable[[str], str]) -> dict[str, Any]:
    """Return the keys of a request; `model_arn` gives the ARN of one of the caller's models."""
    found = {key: parameters[name] for name, key in _PLAIN.items() if parameters.get(name) is not None}
    found |= _package(parameters)
    found |= _placement(parameters)
    if variants := parameters.get("ProductionVariants"):
        found["sagemaker:InstanceTypes"] = _unique(v.get("InstanceType") for v in variants)
        found["sagemaker:ModelArn"] = _unique(model_arn(v["ModelName"]) for v in variants if v.get("ModelName"))
    if operation.startswith("Create") and parameters.get("Tags"):
        found["sagemaker:TaggingAction"] = operation
    return {key: value for key, value in found.items() if value not in (None, [])}


def package_keys(package: Members) -> dict[str, Any]:
    """Return the keys that a model package itself gives: what it holds now."""
    cycle = package.get("ModelLifeCycle") or {}
    properties = package.get("CustomerMetadataProperties") or {}
    keys = {f"sagemaker:CurrentCustomerMetadataProperties/{name}": value for name, value in properties.items()}
    keys["sagemaker:CurrentModelLifeCycleStage"] = cycle.get("Stage")
    keys["sagemaker:CurrentModelLifeCycleStageStatus"] = cycle.get("StageStatus")
    return {key: value for key, value in keys.items() if value is not None}


def _package(parameters: Members) -> dict[str, Any]:
    cycle, properties = parameters.get("ModelLifeCycle") or {}, parameters.get("CustomerMetadataProperties") or {}
    return {
        **{f"sagemaker:CustomerMetadataProperties/{name}": value for name, value in properties.items()},
        "sagemaker:ModelLifeCycle:Stage": cycle.get("Stage"),
        "sagemaker:ModelLifeCycle:StageStatus": cycle.get("StageStatus"),
    }


def _placement(parameters: Members) -> dict[str, Any]:
    """Return where and how jobs and models run: the same facts have their places by kind of request."""
    network = parameters.get("NetworkConfig") or {}
    cluster = (parameters.get("ProcessingResources") or {}).get("ClusterConfig") or parameters.get("ResourceConfig")
    vpc = parameters.get("VpcConfig") or network.get("VpcConfig") or {}
    output = parameters.get("ProcessingOutputConfig") or parameters.get("OutputDataConfig") or {}
    isolation = parameters.get("EnableNetworkIsolation", network.get("EnableNetworkIsolation"))
    volume = (cluster or {}).get("VolumeKmsKeyId") or parameters.get("KmsKeyId")
    return {
        "sagemaker:NetworkIsolation": None if isolation is None else str(isolation).lower(),
        "sagemaker:InterContainerTrafficEncryption": network.get(
            "EnableInterContainerTrafficEncryption", parameters.get("EnableInterContainerTrafficEncryption")
        ),
        "sagemaker:VpcSubnets": vpc.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": vpc.get("SecurityGroupIds"),
        "sagemaker:InstanceTypes": _unique([(cluster or {}).get("InstanceType")]),
        "sagemaker:MaxRuntimeInSeconds": (parameters.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
        "sagemaker:VolumeKmsKey": volume,
        "sagemaker:VolumeKmsKeyArn": volume,
        "sagemaker:OutputKmsKey": output.get("KmsKeyId"),
        "sagemaker:OutputKmsKeyArn": output.get("KmsKeyId"),
    }


def _unique(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
