"""AWS::SSM::Parameter. Ref is the name; its tags are a map."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names

_VALUES = ("AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value")


def _attributes(request: Request) -> dict[str, str]:
    return {"Type": request.properties["Type"], "Value": request.properties["Value"]}


def _create(request: Request) -> Made:
    tags = [{"Key": key, "Value": value} for key, value in request.properties.get("Tags", {}).items()]
    values = {**request.pick(*_VALUES), **({"Tags": tags} if tags else {})}
    request.client("ssm").put_parameter(Name=request.name, **values)
    request.identify(request.name)
    return Made(request.name, _attributes(request))


def _update(request: Request) -> Made:
    ssm, name = request.client("ssm"), request.physical_id
    if request.changed(*_VALUES):
        ssm.put_parameter(Name=name, Overwrite=True, **request.pick(*_VALUES))
    before, after = request.previous.get("Tags", {}), request.properties.get("Tags", {})
    added = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    removed = [key for key in before if key not in after]
    if added:
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=added)
    if removed:
        ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=removed)
    return Made(name, _attributes(request))


def _delete(request: Request) -> None:
    request.client("ssm").delete_parameter(Name=request.physical_id)


ADAPTER = Adapter(
    type="AWS::SSM::Parameter",
    properties=names("Name Tags") | frozenset(_VALUES),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 1011),
    gone=names("ParameterNotFound"),
)
