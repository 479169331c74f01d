"""AWS::SageMaker::ModelPackageGroup. Ref is the ARN; a group with versions cannot be deleted."""

from __future__ import annotations

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, names, settled
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing

_TIMEOUT = 60.0


def _create(request: Request) -> Made:
    sagemaker, name = request.client("sagemaker"), request.name
    values = request.pick("ModelPackageGroupDescription", "Tags")
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=name, **values)["ModelPackageGroupArn"]
    request.identify(arn)
    found = settled(
        lambda: sagemaker.describe_model_package_group(ModelPackageGroupName=name),
        lambda answer: answer["ModelPackageGroupStatus"] not in {"Pending", "InProgress"},
        _TIMEOUT,
    )
    if found["ModelPackageGroupStatus"] != "Completed":
        raise HandlerFailed(f"Model package group {name} is {found['ModelPackageGroupStatus']}", "NotStabilized")
    _apply_policy(request)
    return Made(arn, {"ModelPackageGroupArn": arn, "ModelPackageGroupStatus": "Completed"})


def _apply_policy(request: Request) -> None:
    sagemaker, name = request.client("sagemaker"), request.properties["ModelPackageGroupName"]
    policy = request.properties.get("ModelPackageGroupPolicy")
    if request.changed("ModelPackageGroupPolicy") and policy is None:
        with ignoring_missing():
            sagemaker.delete_model_package_group_policy(ModelPackageGroupName=name)
    elif request.changed("ModelPackageGroupPolicy"):
        sagemaker.put_model_package_group_policy(ModelPackageGroupName=name, ResourcePolicy=document(policy))


def _update(request: Request) -> Made:
    _apply_policy(request)
    change_tags(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    name = request.properties["ModelPackageGroupName"]
    with ignoring_missing():
        request.client("sagemaker").delete_model_package_group(ModelPackageGroupName=name)


ADAPTER = Adapter(
    type="AWS::SageMaker::ModelPackageGroup",
    properties=names("ModelPackageGroupDescription ModelPackageGroupName ModelPackageGroupPolicy Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("ModelPackageGroupName", 63),
)
