"""Stacks, resources and events as the members of API responses.

Source: botocore's shapes Stack, StackSummary, StackResource(Detail, Summary), StackEvent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.admission import required_capabilities
from lockgate_twin.cloudformation.intrinsics import text_of
from lockgate_twin.cloudformation.parameters import MASK
from lockgate_twin.cloudformation.stack import Resource, Stack, StackEvent
from lockgate_twin.cloudformation.template import Template

_NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}
_RESOURCE_NOT_CHECKED = {"StackResourceDriftStatus": "NOT_CHECKED"}


def stack(value: Stack) -> dict[str, Any]:
    """Return the Stack member of DescribeStacks."""
    shown = {
        **_common(value),
        "Description": value.blueprint.template.description,
        "Parameters": [parameter.described() for parameter in value.blueprint.parameters.values()],
        "RollbackConfiguration": {},
        "DisableRollback": value.options.on_failure == "DO_NOTHING",
        "NotificationARNs": [],
        "Capabilities": list(value.options.capabilities),
        "Outputs": [_output(output) for output in value.outputs],
        "RoleARN": value.options.role_arn,
        "Tags": [{"Key": key, "Value": text} for key, text in value.blueprint.tags.items()],
        "EnableTerminationProtection": value.options.termination_protection,
    }
    return {name: member for name, member in shown.items() if member not in (None, "")}


def summary(value: Stack) -> dict[str, Any]:
    """Return the StackSummary member of ListStacks."""
    shown = {**_common(value), "TemplateDescription": value.blueprint.template.description}
    return {name: member for name, member in shown.items() if member not in (None, "")}


def _common(value: Stack) -> dict[str, Any]:
    return {
        "StackId": value.identity.id,
        "StackName": value.identity.name,
        "CreationTime": value.created,
        "LastUpdatedTime": value.updated,
        "DeletionTime": value.deleted,
        "StackStatus": value.status,
        "StackStatusReason": value.reason,
        "ParentId": value.parent_id,
        "RootId": value.root_id,
        "DriftInformation": _NOT_CHECKED,
    }


def _output(output: Any) -> dict[str, str]:
    shown = {
        "OutputKey": output.key,
        "OutputValue": output.value,
        "Description": output.description,
        "ExportName": output.export,
    }
    return {name: member for name, member in shown.items() if member or name == "OutputValue"}


def resource(value: Stack, item: Resource) -> dict[str, Any]:
    """Return the StackResource member of DescribeStackResources."""
    return {"StackName": value.identity.name, "StackId": value.identity.id, **_resource(item, "Timestamp")}


def resource_detail(value: Stack, item: Resource) -> dict[str, Any]:
    """Return the StackResourceDetail member of DescribeStackResource."""
    return {
        "StackName": value.identity.name,
        "StackId": value.identity.id,
        **_resource(item, "LastUpdatedTimestamp"),
        "Metadata": json.dumps(item.definition.metadata or {}),
    }


def resource_summary(item: Resource) -> dict[str, Any]:
    """Return the StackResourceSummary member of ListStackResources."""
    return _resource(item, "LastUpdatedTimestamp")


def _resource(item: Resource, time: str) -> dict[str, Any]:
    shown = {
        "LogicalResourceId": item.logical_id,
        "PhysicalResourceId": item.physical_id,
        "ResourceType": item.type,
        time: item.updated,
        "ResourceStatus": item.status,
        "ResourceStatusReason": item.reason,
        "DriftInformation": _RESOURCE_NOT_CHECKED,
    }
    return {name: member for name, member in shown.items() if member != ""}


def event(value: Stack, item: StackEvent) -> dict[str, Any]:
    """Return the StackEvent member of DescribeStackEvents."""
    shown = {
        "StackId": value.identity.id,
        "EventId": item.id,
        "StackName": value.identity.name,
        "LogicalResourceId": item.logical_id,
        "PhysicalResourceId": item.physical_id,
        "ResourceType": item.type,
        "Timestamp": item.time,
        "ResourceStatus": item.status,
        "ResourceStatusReason": item.reason,
        "ResourceProperties": item.properties,
        "ClientRequestToken": item.token,
    }
    return {name: member for name, member in shown.items() if member != "" or name == "PhysicalResourceId"}


def template_summary(template: Template) -> dict[str, Any]:
    """Return what GetTemplateSummary says of a template."""
    shown = {
        **validated(template),
        "Parameters": [_declared(key, body) for key, body in template.parameters.items()],
        "ResourceTypes": sorted({definition.type for definition in template.resources.values()}),
        "Version": "2010-09-09",
        "Metadata": json.dumps(template.metadata) if template.metadata else "",
    }
    return {name: member for name, member in shown.items() if member != ""}


def validated(template: Template) -> dict[str, Any]:
    """Return what ValidateTemplate says of a template."""
    capabilities, reason = required_capabilities(template)
    shown = {
        "Description": template.description,
        "Parameters": [_parameter(key, body) for key, body in template.parameters.items()],
        "Capabilities": capabilities,
        "CapabilitiesReason": reason,
        "DeclaredTransforms": list(template.transforms),
    }
    return {name: member for name, member in shown.items() if member != ""}


def _parameter(key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    no_echo = text_of(body.get("NoEcho", "false")).lower() == "true"
    shown = {"ParameterKey": key, "NoEcho": no_echo, "Description": body.get("Description", "")}
    if "Default" in body:
        shown["DefaultValue"] = MASK if no_echo else text_of(body["Default"])
    return shown


def _declared(key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    constraints = (
        {"AllowedValues": [text_of(value) for value in body["AllowedValues"]]} if "AllowedValues" in body else {}
    )
    return {**_parameter(key, body), "ParameterType": str(body["Type"]), "ParameterConstraints": constraints}
