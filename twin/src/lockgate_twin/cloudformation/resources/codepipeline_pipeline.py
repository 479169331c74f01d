"""AWS::CodePipeline::Pipeline. Ref is the name; an action's Configuration is passed on verbatim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.api_shapes import request_members

_DECLARED = ("ArtifactStore", "ExecutionMode", "PipelineType", "RoleArn", "Stages", "Triggers", "Variables")


def _declaration(request: Request, operation: str, name: str) -> Any:
    values = {"Name": name, **request.pick(*_DECLARED)}
    if "ArtifactStores" in request.properties:
        stores = request.properties["ArtifactStores"]
        values["ArtifactStores"] = {store["Region"]: store["ArtifactStore"] for store in stores}
    return request_members(request.client("codepipeline"), operation, values, "pipeline")


def _tags(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]


def _create(request: Request) -> Made:
    client, name = request.client("codepipeline"), request.name
    declaration = _declaration(request, "CreatePipeline", name)
    tags = _tags(request.properties.get("Tags", []))
    created = client.create_pipeline(pipeline=declaration, **({"tags": tags} if tags else {}))
    request.identify(name)
    _transitions(request, name)
    return Made(name, _attributes(request, name, created))


def _attributes(request: Request, name: str, answer: Mapping[str, Any]) -> dict[str, str]:
    arn = f"arn:aws:codepipeline:{request.region}:{request.account}:{name}"
    return {"Arn": arn, "Version": str(answer["pipeline"].get("version", 1))}


def _transitions(request: Request, name: str) -> None:
    client = request.client("codepipeline")
    before, after = (
        {item["StageName"]: item["Reason"] for item in source.get("DisableInboundStageTransitions", [])}
        for source in (request.previous, request.properties)
    )
    for stage in before.keys() - after.keys():
        client.enable_stage_transition(pipelineName=name, stageName=stage, transitionType="Inbound")
    for stage, reason in after.items():
        if before.get(stage) != reason:
            client.disable_stage_transition(pipelineName=name, stageName=stage, transitionType="Inbound", reason=reason)


def _update(request: Request) -> Made:
    client, name = request.client("codepipeline"), request.physical_id
    attributes: dict[str, str] = {}
    if request.changed(*_DECLARED, "ArtifactStores"):
        updated = client.update_pipeline(pipeline=_declaration(request, "UpdatePipeline", name))
        attributes = _attributes(request, name, updated)
    _transitions(request, name)
    added, removed = request.tag_changes
    arn = request.attributes["Arn"]
    if added:
        client.tag_resource(resourceArn=arn, tags=_tags(added))
    if removed:
        client.untag_resource(resourceArn=arn, tagKeys=removed)
    if attributes and request.properties.get("RestartExecutionOnUpdate"):
        client.start_pipeline_execution(name=name)
    return Made(name, attributes)


def _delete(request: Request) -> None:
    request.client("codepipeline").delete_pipeline(name=request.physical_id)


ADAPTER = Adapter(
    type="AWS::CodePipeline::Pipeline",
    properties=names("ArtifactStores DisableInboundStageTransitions Name RestartExecutionOnUpdate Tags")
    | frozenset(_DECLARED),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 100),
    gone=names("PipelineNotFoundException"),
)
