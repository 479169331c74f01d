"""Projects in the shapes of the API (botocore, sagemaker)."""

from __future__ import annotations

from typing import Any

from lockgate_twin.ports import Principal
from lockgate_twin.services.sagemaker_projects.model import Project, TemplateStack


def who(principal: Principal) -> dict[str, Any]:
    """Return UserContext of a caller outside Studio."""
    return {"IamIdentity": {"Arn": principal.arn}}


def summary(project: Project) -> dict[str, Any]:
    """Return ProjectSummary."""
    shown = {
        "ProjectName": project.name,
        "ProjectArn": project.arn,
        "ProjectId": project.id,
        "CreationTime": project.created,
        "ProjectStatus": project.status,
    }
    return {**shown, "ProjectDescription": project.description} if project.description else shown


def description(project: Project) -> dict[str, Any]:
    """Return the answer of DescribeProject."""
    shown = {**summary(project), "CreatedBy": dict(project.created_by)}
    if project.provisioned_product:
        shown["ServiceCatalogProvisioningDetails"] = dict(project.details)
        shown["ServiceCatalogProvisionedProductDetails"] = {
            "ProvisionedProductId": project.provisioned_product,
            **({"ProvisionedProductStatusMessage": project.message} if project.message else {}),
        }
    if project.stack:
        shown["TemplateProviderDetails"] = [{"CfnTemplateProviderDetail": _stack(project, project.stack)}]
    if project.modified:
        shown["LastModifiedTime"] = project.modified
        shown["LastModifiedBy"] = dict(project.modified_by or {})
    return shown


def _stack(project: Project, stack: TemplateStack) -> dict[str, Any]:
    shown = {
        "TemplateName": stack.template_name,
        "TemplateURL": stack.url,
        "Parameters": [{"Key": key, "Value": value} for key, value in stack.parameters.items()],
        "StackDetail": {"Name": stack.name, "Id": stack.id, "StatusMessage": (project.message or stack.message)[:4096]},
    }
    return {**shown, "RoleARN": stack.role} if stack.role else shown
