"""AWS::SageMaker::Pipeline. Ref is the name."""

from __future__ import annotations

from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing

_VALUES = ("ParallelismConfiguration", "PipelineDescription", "PipelineDisplayName", "RoleArn")


def _definition(request: Request) -> dict[str, Any]:
    given = request.properties["PipelineDefinition"]
    if "PipelineDefinitionBody" in given:
        return {"PipelineDefinition": given["PipelineDefinitionBody"]}
    place = given["PipelineDefinitionS3Location"]
    version = {"VersionId": place["Version"]} if "Version" in place else {}
    return {"PipelineDefinitionS3Location": {"Bucket": place["Bucket"], "ObjectKey": place["Key"], **version}}


def _create(request: Request) -> Made:
    request.client("sagemaker").create_pipeline(
        PipelineName=request.name,
        ClientRequestToken=request.token,
        **_definition(request),
        **request.pick(*_VALUES, "Tags"),
    )
    request.identify(request.name)
    return Made(request.name)


def _update(request: Request) -> Made:
    name = request.physical_id
    if request.changed("PipelineDefinition", *_VALUES):
        request.client("sagemaker").update_pipeline(PipelineName=name, **_definition(request), **request.pick(*_VALUES))
    change_tags(request, f"arn:aws:sagemaker:{request.region}:{request.account}:pipeline/{name}")
    return Made(name)


def _delete(request: Request) -> None:
    with ignoring_missing():
        request.client("sagemaker").delete_pipeline(PipelineName=request.physical_id, ClientRequestToken=request.token)


ADAPTER = Adapter(
    type="AWS::SageMaker::Pipeline",
    properties=names("PipelineDefinition PipelineName Tags") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("PipelineName", 256),
)
