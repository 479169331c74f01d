"""AWS::SageMaker::EndpointConfig. Ref is the ARN; every change but of tags replaces it."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.api_shapes import request_members
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing, name_of


def _create(request: Request) -> Made:
    sagemaker = request.client("sagemaker")
    wanted = {**request.properties, "EndpointConfigName": request.name}
    arn = sagemaker.create_endpoint_config(**request_members(sagemaker, "CreateEndpointConfig", wanted))[
        "EndpointConfigArn"
    ]
    attributes = {"EndpointConfigArn": arn, "EndpointConfigName": request.name}
    request.identify(arn, attributes)
    return Made(arn, attributes)


def _update(request: Request) -> Made:
    change_tags(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    with ignoring_missing():
        request.client("sagemaker").delete_endpoint_config(EndpointConfigName=name_of(request, "EndpointConfigName"))


ADAPTER = Adapter(
    type="AWS::SageMaker::EndpointConfig",
    properties=names(
        "AsyncInferenceConfig DataCaptureConfig EnableNetworkIsolation EndpointConfigName ExecutionRoleArn"
        " ExplainerConfig KmsKeyId ProductionVariants ShadowProductionVariants Tags VpcConfig"
    ),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("EndpointConfigName", 63),
)
