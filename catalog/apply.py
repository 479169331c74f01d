"""Perform instructions: one function per kind, each one change of the account."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any
from urllib.parse import urlencode

from catalog.clients import Clients
from catalog.configuration import Portfolio
from catalog.errors import PublishError
from catalog.instructions import (
    AddProductToPortfolio,
    AllowPrincipal,
    CreateLaunchConstraint,
    CreatePortfolio,
    CreateProduct,
    CreateStack,
    CreateVersion,
    DeleteFailedStack,
    PutObject,
    RemovePrincipal,
    TagObject,
    UpdateLaunchConstraint,
    UpdatePortfolio,
    UpdateProduct,
    UpdateStack,
)
from catalog.observed import Observed
from catalog.polling import Polling, wait
from catalog.release import Version
from catalog.stack import create_stack, delete_stack, update_stack


@dataclass(kw_only=True)
class Target:
    """The account being changed. The ids are learned while the portfolio and the product are created."""

    clients: Clients
    polling: Polling = field(default_factory=Polling)
    portfolio_id: str = ""
    product_id: str = ""

    @classmethod
    def of(cls, clients: Clients, observed: Observed, polling: Polling) -> Target:
        """The account as it was observed."""
        return cls(
            clients=clients,
            polling=polling,
            portfolio_id=observed.portfolio.id if observed.portfolio else "",
            product_id=observed.product.id if observed.product else "",
        )


@singledispatch
def perform(instruction: Any, target: Target) -> None:
    """Carry out one instruction.

    Raises:
        CatalogError: AWS accepted the request and then did not do it.
        botocore.exceptions.ClientError: AWS refused the request.
    """
    raise TypeError(f"{type(instruction).__name__} is no instruction for {target}")


@perform.register
def _(instruction: DeleteFailedStack, target: Target) -> None:
    delete_stack(target.clients.cloudformation, instruction.stack, target.polling)


@perform.register
def _(instruction: CreateStack, target: Target) -> None:
    create_stack(target.clients.cloudformation, instruction.stack, instruction.template, target.polling)


@perform.register
def _(instruction: UpdateStack, target: Target) -> None:
    update_stack(target.clients.cloudformation, instruction.stack, instruction.template, target.polling)


@perform.register
def _(instruction: PutObject, target: Target) -> None:
    target.clients.s3.put_object(
        Bucket=instruction.bucket,
        Key=instruction.object.key,
        Body=instruction.object.content,
        ContentType=instruction.object.content_type,
        Tagging=urlencode(sorted(instruction.object.tags)),
    )


@perform.register
def _(instruction: TagObject, target: Target) -> None:
    target.clients.s3.put_object_tagging(
        Bucket=instruction.bucket, Key=instruction.key, Tagging={"TagSet": _tags(instruction.tags)}
    )


@perform.register
def _(instruction: CreatePortfolio, target: Target) -> None:
    created = target.clients.servicecatalog.create_portfolio(**_portfolio(instruction.portfolio))
    target.portfolio_id = created["PortfolioDetail"]["Id"]


@perform.register
def _(instruction: UpdatePortfolio, target: Target) -> None:
    target.clients.servicecatalog.update_portfolio(Id=target.portfolio_id, **_portfolio(instruction.portfolio))


@perform.register
def _(instruction: CreateProduct, target: Target) -> None:
    created = target.clients.servicecatalog.create_product(
        Name=instruction.product.name,
        Owner=instruction.product.owner,
        Description=instruction.product.description,
        ProductType="CLOUD_FORMATION_TEMPLATE",
        Tags=_tags(instruction.tags),
        ProvisioningArtifactParameters=_artifact(instruction.version),
    )
    target.product_id = created["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    _await_version(created["ProvisioningArtifactDetail"]["Id"], instruction.version, target)


@perform.register
def _(instruction: UpdateProduct, target: Target) -> None:
    target.clients.servicecatalog.update_product(
        Id=target.product_id,
        Owner=instruction.product.owner,
        Description=instruction.product.description,
        **({"AddTags": _tags(instruction.add_tags)} if instruction.add_tags else {}),
    )


@perform.register
def _(instruction: CreateVersion, target: Target) -> None:
    created = target.clients.servicecatalog.create_provisioning_artifact(
        ProductId=target.product_id, Parameters=_artifact(instruction.version)
    )
    _await_version(created["ProvisioningArtifactDetail"]["Id"], instruction.version, target)


@perform.register
def _(_: AddProductToPortfolio, target: Target) -> None:
    target.clients.servicecatalog.associate_product_with_portfolio(
        ProductId=target.product_id, PortfolioId=target.portfolio_id
    )


@perform.register
def _(instruction: CreateLaunchConstraint, target: Target) -> None:
    target.clients.servicecatalog.create_constraint(
        PortfolioId=target.portfolio_id,
        ProductId=target.product_id,
        Type="LAUNCH",
        Parameters=json.dumps({"RoleArn": instruction.role_arn}),
        Description="Projects are made by the hub's launch role",
    )


@perform.register
def _(instruction: UpdateLaunchConstraint, target: Target) -> None:
    target.clients.servicecatalog.update_constraint(
        Id=instruction.constraint_id, Parameters=json.dumps({"RoleArn": instruction.role_arn})
    )


@perform.register
def _(instruction: AllowPrincipal, target: Target) -> None:
    target.clients.servicecatalog.associate_principal_with_portfolio(
        PortfolioId=target.portfolio_id, PrincipalARN=instruction.arn, PrincipalType=instruction.type
    )


@perform.register
def _(instruction: RemovePrincipal, target: Target) -> None:
    target.clients.servicecatalog.disassociate_principal_from_portfolio(
        PortfolioId=target.portfolio_id, PrincipalARN=instruction.arn, PrincipalType=instruction.type
    )


def _portfolio(portfolio: Portfolio) -> dict[str, str]:
    return {
        "DisplayName": portfolio.name,
        "ProviderName": portfolio.provider,
        "Description": portfolio.description,
    }


def _artifact(version: Version) -> dict[str, Any]:
    return {
        "Name": version.name,
        "Description": version.description,
        "Type": "CLOUD_FORMATION_TEMPLATE",
        "Info": {"LoadTemplateFromURL": version.template_url},
    }


def _await_version(artifact_id: str, version: Version, target: Target) -> None:
    def ended() -> str | None:
        described = target.clients.servicecatalog.describe_provisioning_artifact(
            ProductId=target.product_id, ProvisioningArtifactId=artifact_id
        )
        status: str = described["Status"]
        return None if status == "CREATING" else status

    status = wait(ended, f"Version {version.name}", target.polling)
    if status != "AVAILABLE":
        raise PublishError(
            f"Service Catalog did not accept version {version.name} ({status}): "
            f"delete the artifact {artifact_id} of product {target.product_id} and publish again."
        )


def _tags(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(pairs)]
