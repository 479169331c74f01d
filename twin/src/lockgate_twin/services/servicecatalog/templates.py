"""Templates of products: loaded with the caller's permissions, checked, and what they ask for.

Source: botocore, CreateProvisioningArtifact (`Info`: LoadTemplateFromURL); Administrator Guide, "Read access to the AWS
CloudFormation template in a service-owned Amazon S3 bucket".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.sources import location
from lockgate_twin.cloudformation.template import MAXIMUM_INLINE_BYTES, Template, parse
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Session
from lockgate_twin.services.servicecatalog.errors import invalid
from lockgate_twin.services.servicecatalog.listing import filled

_LIMITS = ("MinLength", "MaxLength", "MinValue", "MaxValue")


def load(info: Mapping[str, str], session: Session) -> tuple[str, str]:
    """Return (text, URL) of the template that `Info` names.

    Raises:
        ApiError: InvalidParametersException when it cannot be read, NotImplemented for other sources.
    """
    url = info.get("LoadTemplateFromURL")
    if "ImportFromPhysicalId" in info:
        raise NotImplementedByTwin("A product version from ImportFromPhysicalId")
    if not url:
        raise invalid("Info must have the key LoadTemplateFromURL with the https URL of a template in S3.")
    if not url.startswith("https://"):
        raise invalid(f"LoadTemplateFromURL {url} is not an https URL.")
    try:
        bucket, key, _ = location(url)
        return session.read_object(bucket, key).decode(), url
    except UnicodeDecodeError as error:
        raise invalid(f"The template at {url} is not text: {error}") from error
    except ApiError as error:
        raise invalid(f"The template at {url} cannot be read: {error.message}") from error


def check(text: str) -> None:
    """Check that a text is a template that CloudFormation accepts.

    Raises:
        ApiError: InvalidParametersException in CloudFormation's words; NotImplemented above 51,200 bytes.
    """
    try:
        parse(text)
    except NotImplementedByTwin:
        raise
    except ApiError as error:
        raise invalid(f"Invalid templateBody. {error.message}") from error
    if len(text.encode()) > MAXIMUM_INLINE_BYTES:
        size = f"{len(text.encode())} bytes; the limit is {MAXIMUM_INLINE_BYTES}"
        raise NotImplementedByTwin(f"Launching a product template of {size}; this")


def parameters_of(text: str) -> list[dict[str, Any]]:
    """Return ProvisioningArtifactParameters."""
    return [_parameter(name, body) for name, body in parse(text).parameters.items()]


def outputs_of(text: str) -> list[dict[str, Any]]:
    """Return ProvisioningArtifactOutputKeys."""
    template: Template = parse(text)
    return [filled(Key=name, Description=body.get("Description")) for name, body in template.outputs.items()]


def _parameter(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    limits = filled(
        AllowedPattern=body.get("AllowedPattern"),
        ConstraintDescription=body.get("ConstraintDescription"),
        **{limit: str(body[limit]) for limit in _LIMITS if limit in body},
    )
    limits["AllowedValues"] = [str(value) for value in body.get("AllowedValues", ())]
    default = body.get("Default")
    return {
        **filled(
            ParameterKey=name,
            DefaultValue=None if default is None else str(default),
            ParameterType=body["Type"],
            Description=body.get("Description"),
        ),
        "IsNoEcho": str(body.get("NoEcho", False)).lower() == "true",
        "ParameterConstraints": limits,
    }
