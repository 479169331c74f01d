"""Values in the shapes of the API (botocore, servicecatalog)."""

from __future__ import annotations

from typing import Any

from lockgate_twin.services.servicecatalog.listing import filled, tag_list
from lockgate_twin.services.servicecatalog.model import (
    Artifact,
    Constraint,
    Portfolio,
    Product,
    ProvisionedProduct,
    Record,
)

TEMPLATE = "CLOUD_FORMATION_TEMPLATE"
STACK = "CFN_STACK"


def portfolio_detail(portfolio: Portfolio) -> dict[str, Any]:
    """Return PortfolioDetail."""
    return filled(
        Id=portfolio.id,
        ARN=portfolio.arn,
        DisplayName=portfolio.name,
        Description=portfolio.description,
        CreatedTime=portfolio.created,
        ProviderName=portfolio.provider,
    )


def product_summary(product: Product) -> dict[str, Any]:
    """Return ProductViewSummary."""
    return {
        "Id": product.view_id,
        "ProductId": product.id,
        "Name": product.name,
        "Owner": product.owner,
        "Type": TEMPLATE,
        "HasDefaultPath": False,
        **product.details,
    }


def product_detail(product: Product) -> dict[str, Any]:
    """Return ProductViewDetail."""
    return {
        "ProductViewSummary": product_summary(product),
        "Status": "AVAILABLE",
        "ProductARN": product.arn,
        "CreatedTime": product.created,
    }


def artifact_detail(artifact: Artifact) -> dict[str, Any]:
    """Return ProvisioningArtifactDetail."""
    return {
        **filled(
            Id=artifact.id,
            Name=artifact.name,
            Description=artifact.description,
            Type=TEMPLATE,
            CreatedTime=artifact.created,
            Guidance=artifact.guidance,
        ),
        "Active": artifact.active,
    }


def artifact_summary(artifact: Artifact) -> dict[str, Any]:
    """Return ProvisioningArtifact, as end users see it."""
    return filled(
        Id=artifact.id,
        Name=artifact.name,
        Description=artifact.description,
        CreatedTime=artifact.created,
        Guidance=artifact.guidance,
    )


def constraint_detail(constraint: Constraint) -> dict[str, Any]:
    """Return ConstraintDetail."""
    return filled(
        ConstraintId=constraint.id,
        Type="LAUNCH",
        Description=constraint.description,
        Owner=constraint.account,
        ProductId=constraint.product_id,
        PortfolioId=constraint.portfolio_id,
    )


def record_detail(record: Record) -> dict[str, Any]:
    """Return RecordDetail."""
    return {
        **filled(
            RecordId=record.id,
            ProvisionedProductName=record.product_name,
            Status=record.status,
            CreatedTime=record.created,
            UpdatedTime=record.updated,
            ProvisionedProductType=STACK,
            RecordType=record.kind,
            ProvisionedProductId=record.provisioned_product_id,
            ProductId=record.product_id,
            ProvisioningArtifactId=record.artifact_id,
            PathId=record.path_id,
            LaunchRoleArn=record.launch_role,
        ),
        "RecordErrors": [{"Code": code, "Description": text} for code, text in record.errors],
        "RecordTags": tag_list(record.tags),
    }


def provisioned_detail(provisioned: ProvisionedProduct) -> dict[str, Any]:
    """Return ProvisionedProductDetail."""
    return filled(
        Name=provisioned.name,
        Arn=provisioned.arn,
        Type=STACK,
        Id=provisioned.id,
        Status=provisioned.status,
        StatusMessage=provisioned.message,
        CreatedTime=provisioned.created,
        IdempotencyToken=provisioned.token,
        LastRecordId=provisioned.last_record,
        LastProvisioningRecordId=provisioned.last_provisioning_record,
        LastSuccessfulProvisioningRecordId=provisioned.last_successful_record,
        ProductId=provisioned.product_id,
        ProvisioningArtifactId=provisioned.artifact_id,
        LaunchRoleArn=provisioned.launch_role,
    )


def provisioned_attribute(provisioned: ProvisionedProduct) -> dict[str, Any]:
    """Return ProvisionedProductAttribute, what a search finds."""
    detail = provisioned_detail(provisioned)
    detail.pop("LaunchRoleArn", None)
    return {
        **detail,
        **filled(
            PhysicalId=provisioned.stack_id,
            UserArn=provisioned.creator.arn,
            UserArnSession=provisioned.creator.session_arn,
        ),
        "Tags": tag_list(provisioned.tags),
    }
