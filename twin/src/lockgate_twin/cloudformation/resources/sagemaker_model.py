"""AWS::SageMaker::Model. Ref is the ARN; every change but of tags replaces it."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing, name_of

_VALUES = "Containers EnableNetworkIsolation ExecutionRoleArn InferenceExecutionConfig PrimaryContainer Tags VpcConfig"


def _create(request: Request) -> Made:
    created = request.client("sagemaker").create_model(ModelName=request.name, **request.pick(*_VALUES.split()))
    arn = created["ModelArn"]
    attributes = {"ModelArn": arn, "ModelName": request.name}
    request.identify(arn, attributes)
    return Made(arn, attributes)


def _update(request: Request) -> Made:
    change_tags(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    with ignoring_missing():
        request.client("sagemaker").delete_model(ModelName=name_of(request, "ModelName"))


ADAPTER = Adapter(
    type="AWS::SageMaker::Model",
    properties=names(f"ModelName {_VALUES}"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("ModelName", 63),
)
