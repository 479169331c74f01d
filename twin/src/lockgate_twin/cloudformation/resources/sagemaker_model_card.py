"""AWS::SageMaker::ModelCard. Ref is the name.

A template writes the content's keys in PascalCase; the API takes the card's JSON schema, in snake_case.
Source: "Model card JSON schema" of the SageMaker guide.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing

# The keys of these members are the author's own.
_FREE = frozenset({"CustomDetails", "Metadata"})
_SHOWN = ("ModelCardArn", "ModelCardVersion", "ModelCardProcessingStatus", "CreationTime", "LastModifiedTime")


def content(value: Any) -> Any:
    """Convert a template's content to the card's JSON schema."""
    if isinstance(value, list):
        return [content(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_snake(key): member if key in _FREE else content(member) for key, member in value.items()}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _values(request: Request) -> dict[str, Any]:
    text = json.dumps(content(request.properties["Content"]))
    return {"Content": text, "ModelCardStatus": request.properties["ModelCardStatus"]}


def _attributes(request: Request, name: str) -> dict[str, Any]:
    found = request.client("sagemaker").describe_model_card(ModelCardName=name)
    shown = {key: found[key] for key in _SHOWN if key in found}
    return {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in shown.items()}


def _create(request: Request) -> Made:
    sagemaker, name = request.client("sagemaker"), request.name
    arn = sagemaker.create_model_card(ModelCardName=name, **_values(request), **request.pick("SecurityConfig", "Tags"))
    request.identify(name, {"ModelCardArn": arn["ModelCardArn"]})
    return Made(name, _attributes(request, name))


def _update(request: Request) -> Made:
    """Content and status cannot change in one call (UpdateModelCard); an archived card's content cannot at all."""
    name, values = request.physical_id, _values(request)
    order = ["Content", "ModelCardStatus"]
    if request.previous["ModelCardStatus"] == "Archived":
        order.reverse()
    for member in order:
        if request.changed(member):
            request.client("sagemaker").update_model_card(ModelCardName=name, **{member: values[member]})
    change_tags(request, request.attributes["ModelCardArn"])
    return Made(name, _attributes(request, name))


def _delete(request: Request) -> None:
    with ignoring_missing():
        request.client("sagemaker").delete_model_card(ModelCardName=request.physical_id)


ADAPTER = Adapter(
    type="AWS::SageMaker::ModelCard",
    properties=names("Content ModelCardName ModelCardStatus SecurityConfig Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("ModelCardName", 63),
)
