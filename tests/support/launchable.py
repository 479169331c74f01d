"""Products that can be launched: a small template, a launch role, a portfolio and people, on a running core."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.core import Core

from tests.support.twin_server import client_of

BUCKET = "templates-of-products"
TEMPLATE = """
Parameters:
  Value: {Type: String, Default: one, AllowedPattern: "[a-z]+", Description: What is kept}
  Name: {Type: String}
Resources:
  Kept:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/kept/${Name}", Type: String, Value: !Ref Value}
Outputs:
  KeptName: {Description: Where it is kept, Value: !Ref Kept}
"""
STACKS = "arn:aws:cloudformation:us-east-1:111122223333:stack/SC-*"
LAUNCH = (
    {"Effect": "Allow", "Action": ["cloudformation:*"], "Resource": STACKS},
    {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
    },
    {"Effect": "Allow", "Action": ["ssm:*"], "Resource": "*"},
)


@dataclass(frozen=True)
class Launchable:
    """A product in a portfolio."""

    portfolio: str
    product: str
    artifact: str


class Catalog:
    """Makes what tests launch."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.admin = client_of(core, "servicecatalog")
        self._iam = client_of(core, "iam")
        client_of(core, "s3").create_bucket(Bucket=BUCKET)

    def template(self, text: str = TEMPLATE) -> str:
        """Put a template into S3 and return its URL."""
        key = f"{uuid.uuid4().hex}/template.yaml"
        client_of(self.core, "s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        return f"https://{BUCKET}.s3.us-east-1.amazonaws.com/{key}"

    def role(self, *statements: Mapping[str, Any], service: str = "servicecatalog.amazonaws.com") -> str:
        """Make a role that a service may assume (people get its credentials from `client`)."""
        name = f"role-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        if statements:
            self._iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_document(*statements))
        return str(made["Role"]["Arn"])

    def client(self, role_arn: str, service: str = "servicecatalog", session: str = "person") -> Any:
        """Return a client acting as a role."""
        return client_of(self.core, service, self.core.credentials.issue(role_arn, session))

    def product(
        self, text: str = TEMPLATE, *, launch_role: str | None = None, people: tuple[str, ...] = ()
    ) -> Launchable:
        """Make a product in a portfolio with a launch constraint, open to some roles."""
        portfolio = self.admin.create_portfolio(DisplayName=f"portfolio {uuid.uuid4().hex[:6]}", ProviderName="us")
        portfolio_id = portfolio["PortfolioDetail"]["Id"]
        made = self.admin.create_product(
            Name=f"product {uuid.uuid4().hex[:6]}",
            Owner="us",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={"Name": "v1", "Info": {"LoadTemplateFromURL": self.template(text)}},
        )
        product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        self.admin.associate_product_with_portfolio(ProductId=product, PortfolioId=portfolio_id)
        if launch_role:
            self.constrain(portfolio_id, product, RoleArn=launch_role)
        for person in people:
            self.admin.associate_principal_with_portfolio(
                PortfolioId=portfolio_id, PrincipalARN=person, PrincipalType="IAM"
            )
        return Launchable(portfolio_id, product, made["ProvisioningArtifactDetail"]["Id"])

    def constrain(self, portfolio: str, product: str, **role: str) -> str:
        """Set the launch role of a product in a portfolio."""
        made = self.admin.create_constraint(
            PortfolioId=portfolio, ProductId=product, Type="LAUNCH", Parameters=json.dumps(role)
        )
        return str(made["ConstraintDetail"]["ConstraintId"])

    def launch(self, client: Any, product: Launchable, name: str, **options: Any) -> dict[str, Any]:
        """Provision a product and wait for the end; return DescribeRecord's answer."""
        values = {"Name": name, **options.pop("values", {})}
        record = client.provision_product(
            ProductId=product.product,
            ProvisioningArtifactId=options.pop("artifact", product.artifact),
            ProvisionedProductName=name,
            ProvisioningParameters=[{"Key": k, "Value": v} for k, v in values.items()],
            **options,
        )["RecordDetail"]
        return self.ended(record["RecordId"])

    def ended(self, record: str) -> dict[str, Any]:
        """Wait for the end of a record."""
        for _ in range(2000):
            found: dict[str, Any] = self.admin.describe_record(Id=record)
            if found["RecordDetail"]["Status"] in {"SUCCEEDED", "FAILED"}:
                return found
            threading.Event().wait(0.01)
        raise AssertionError(f"{record} did not end")


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
