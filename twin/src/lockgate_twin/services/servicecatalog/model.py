"""What Service Catalog knows. Values are frozen: a change makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.services.servicecatalog.identifiers import catalog_arn, provisioned_product_arn

Tags = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Owned:
    """Something of one account and region."""

    id: str
    account: str
    region: str
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Portfolio(Owned):
    """A portfolio; `products` are ids, `principals` maps ARNs or patterns to IAM or IAM_PATTERN."""

    name: str
    provider: str
    description: str = ""
    tags: Tags = field(default_factory=dict)
    products: tuple[str, ...] = ()
    principals: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Return the portfolio's ARN."""
        return catalog_arn("portfolio", self.region, self.account, self.id)


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A version of a product. `template` never changes; `source` is where it was loaded from."""

    id: str
    created: datetime
    name: str
    description: str
    template: str
    source: str
    active: bool = True
    guidance: str = "DEFAULT"


@dataclass(frozen=True, kw_only=True)
class Product(Owned):
    """A product; `details` are the descriptive members of botocore's ProductViewSummary."""

    name: str
    owner: str
    details: Mapping[str, str] = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()

    @property
    def arn(self) -> str:
        """Return the product's ARN."""
        return catalog_arn("product", self.region, self.account, self.id)

    @property
    def view_id(self) -> str:
        """Return the identifier of the product's view."""
        return "prodview-" + self.id.partition("-")[2]


@dataclass(frozen=True, kw_only=True)
class Constraint(Owned):
    """A launch constraint; `parameters` is the JSON text as it was given."""

    portfolio_id: str
    product_id: str
    parameters: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Creator:
    """Who provisioned something: the session, and the role or user behind it."""

    session_arn: str
    arn: str


@dataclass(frozen=True, kw_only=True)
class ProvisionedProduct(Owned):
    """A provisioned product and its stack."""

    name: str
    token: str
    creator: Creator
    product_id: str
    artifact_id: str
    launch_role: str | None
    parameters: Mapping[str, str]
    tags: Tags
    status: str = "UNDER_CHANGE"
    message: str = ""
    stack_id: str | None = None
    last_record: str = ""
    last_provisioning_record: str = ""
    last_successful_record: str = ""

    @property
    def arn(self) -> str:
        """Return the provisioned product's ARN."""
        return provisioned_product_arn(self.region, self.account, self.name, self.id)

    @property
    def stack_name(self) -> str:
        """Return the name of its stack (Administrator Guide: SC-<account>-<provisioned product id>)."""
        return f"SC-{self.account}-{self.id}"


@dataclass(frozen=True, kw_only=True)
class Record(Owned):
    """One request to provision, update or terminate, and what became of it."""

    kind: str
    creator: Creator
    product_name: str
    provisioned_product_id: str
    product_id: str
    artifact_id: str
    path_id: str
    launch_role: str | None
    tags: Tags
    status: str = "CREATED"
    updated: datetime
    errors: tuple[tuple[str, str], ...] = ()
    outputs: tuple[Mapping[str, Any], ...] = ()
