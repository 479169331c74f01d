"""Portfolios, products, versions and constraints as an administrator keeps them (botocore, servicecatalog)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.launchable import BUCKET, TEMPLATE, Catalog, Launchable
from tests.support.twin_server import client_of

VISIBLE = {"Key": "sagemaker:studio-visibility", "Value": "true"}


@pytest.fixture
def made(catalog: Catalog) -> Launchable:
    """Make a product in a portfolio."""
    return catalog.product(launch_role="arn:aws:iam::111122223333:role/launch")


def test_identifiers_have_aws_forms(made: Launchable, admin: Any) -> None:
    """Prefix and 13 characters; ARNs of the catalog."""
    product = admin.describe_product_as_admin(Id=made.product)["ProductViewDetail"]
    portfolio = admin.describe_portfolio(Id=made.portfolio)["PortfolioDetail"]
    (constraint,) = admin.list_constraints_for_portfolio(PortfolioId=made.portfolio)["ConstraintDetails"]
    assert re.fullmatch(r"prod-[a-z0-9]{13}", made.product)
    assert re.fullmatch(r"pa-[a-z0-9]{13}", made.artifact)
    assert re.fullmatch(r"port-[a-z0-9]{13}", made.portfolio)
    assert re.fullmatch(r"cons-[a-z0-9]{13}", constraint["ConstraintId"])
    assert product["ProductARN"] == f"arn:aws:catalog:us-east-1:111122223333:product/{made.product}"
    assert portfolio["ARN"] == f"arn:aws:catalog:us-east-1:111122223333:portfolio/{made.portfolio}"
    assert product["ProductViewSummary"]["Id"] == made.product.replace("prod-", "prodview-")


def test_tags_are_added_and_removed(made: Launchable, admin: Any) -> None:
    """UpdateProduct and UpdatePortfolio change tags."""
    admin.update_product(Id=made.product, AddTags=[VISIBLE, {"Key": "a", "Value": "b"}], Owner="them")
    admin.update_product(Id=made.product, RemoveTags=["a"])
    shown = admin.describe_product_as_admin(Id=made.product)
    assert shown["Tags"] == [VISIBLE]
    assert shown["ProductViewDetail"]["ProductViewSummary"]["Owner"] == "them"
    admin.update_portfolio(Id=made.portfolio, AddTags=[VISIBLE], ProviderName="them")
    portfolio = admin.describe_portfolio(Id=made.portfolio)
    assert (portfolio["Tags"], portfolio["PortfolioDetail"]["ProviderName"]) == ([VISIBLE], "them")


def test_a_version_never_changes(catalog: Catalog, made: Launchable, admin: Any) -> None:
    """Writing the template's object again changes nothing; a version can only be renamed or deactivated."""
    url = catalog.template()
    key = url.partition(".amazonaws.com/")[2]
    given = {"Name": "v2", "Info": {"LoadTemplateFromURL": url}}
    version = admin.create_provisioning_artifact(ProductId=made.product, Parameters=given)
    artifact = version["ProvisioningArtifactDetail"]["Id"]
    client_of(catalog.core, "s3").put_object(Bucket=BUCKET, Key=key, Body=b"no template any more")
    named = {"ProductId": made.product, "ProvisioningArtifactId": artifact}
    shown = admin.describe_provisioning_artifact(**named, IncludeProvisioningArtifactParameters=True)
    names = [p["ParameterKey"] for p in shown["ProvisioningArtifactParameters"]]
    assert names == ["Value", "Name"]
    assert shown["Info"] == {"TemplateUrl": url}
    admin.update_provisioning_artifact(**named, Active=False, Guidance="DEPRECATED", Name="old")
    listed = admin.list_provisioning_artifacts(ProductId=made.product)["ProvisioningArtifactDetails"]
    assert [(a["Name"], a["Active"], a["Guidance"]) for a in listed] == [
        ("v1", True, "DEFAULT"),
        ("old", False, "DEPRECATED"),
    ]


def test_parameters_are_described(catalog: Catalog, admin: Any) -> None:
    """What a launch asks for, with its constraints, for a caller with a path."""
    person = catalog.role({"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"})
    product = catalog.product(people=(person,))
    named = {"ProductId": product.product, "ProvisioningArtifactId": product.artifact}
    asked = catalog.client(person).describe_provisioning_parameters(**named)
    value = asked["ProvisioningArtifactParameters"][0]
    assert (value["ParameterKey"], value["DefaultValue"], value["ParameterType"]) == ("Value", "one", "String")
    assert value["ParameterConstraints"]["AllowedPattern"] == "[a-z]+"
    assert asked["ProvisioningArtifactOutputKeys"] == [{"Key": "KeptName", "Description": "Where it is kept"}]
    with pytest.raises(ClientError, match="No launch paths"):
        admin.describe_provisioning_parameters(**named)


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"LoadTemplateFromURL": f"https://{BUCKET}.s3.us-east-1.amazonaws.com/nothing"}, "cannot be read"),
        ({"LoadTemplateFromURL": "https://example.com/template.yaml"}, "must be a supported URL"),
        ({"LoadTemplateFromURL": f"s3://{BUCKET}/x"}, "not an https URL"),
        ({"Something": "else"}, "must have the key LoadTemplateFromURL"),
        ({"ImportFromPhysicalId": "arn"}, "not implemented by the twin"),
    ],
)
def test_a_template_that_cannot_be_loaded_makes_no_version(
    made: Launchable, admin: Any, info: dict[str, str], said: str
) -> None:
    """The error says why, and the product stays as it was."""
    with pytest.raises(ClientError, match=said):
        admin.create_provisioning_artifact(ProductId=made.product, Parameters={"Info": info})
    assert len(admin.list_provisioning_artifacts(ProductId=made.product)["ProvisioningArtifactDetails"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Resources: [", "InvalidParametersException"),
        ("Parameters: {}", "InvalidParametersException"),
        (TEMPLATE + "\n# " + "x" * 60_000, "51200"),
    ],
)
def test_what_is_no_template_is_refused(catalog: Catalog, made: Launchable, admin: Any, text: str, said: str) -> None:
    """A version is checked when it is made, not when it is launched."""
    info = {"LoadTemplateFromURL": catalog.template(text)}
    with pytest.raises(ClientError, match=said):
        admin.create_provisioning_artifact(ProductId=made.product, Parameters={"Info": info})


def test_the_template_is_read_with_the_callers_permission(catalog: Catalog, made: Launchable) -> None:
    """Someone who may make versions but not read the object makes none."""
    publisher = catalog.client(catalog.role({"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"}))
    info = {"LoadTemplateFromURL": catalog.template()}
    with pytest.raises(ClientError, match="not authorized to perform: s3:GetObject"):
        publisher.create_provisioning_artifact(ProductId=made.product, Parameters={"Info": info})


@pytest.mark.parametrize("parameters", ["{}", '{"RoleArn": "a", "LocalRoleName": "b"}', '{"Other": "c"}', "no json"])
def test_a_launch_constraint_has_one_role(catalog: Catalog, admin: Any, parameters: str) -> None:
    """RoleArn or LocalRoleName, not both, not neither."""
    product = catalog.product()
    with pytest.raises(ClientError, match=r"InvalidParametersException.*LAUNCH constraint"):
        admin.create_constraint(
            PortfolioId=product.portfolio, ProductId=product.product, Type="LAUNCH", Parameters=parameters
        )


def test_there_is_one_launch_constraint(catalog: Catalog, made: Launchable) -> None:
    """A second one for the same product and portfolio is a duplicate; a changed one replaces the role."""
    with pytest.raises(ClientError, match="DuplicateResourceException"):
        catalog.constrain(made.portfolio, made.product, LocalRoleName="other")
    listed = catalog.admin.list_constraints_for_portfolio(PortfolioId=made.portfolio, ProductId=made.product)
    identifier = listed["ConstraintDetails"][0]["ConstraintId"]
    catalog.admin.update_constraint(Id=identifier, Parameters='{"LocalRoleName": "other"}')
    assert catalog.admin.describe_constraint(Id=identifier)["ConstraintParameters"] == '{"LocalRoleName": "other"}'
    catalog.admin.delete_constraint(Id=identifier)
    catalog.constrain(made.portfolio, made.product, LocalRoleName="other")


def test_setting_a_launch_role_needs_pass_role(catalog: Catalog) -> None:
    """An administrator of the catalog cannot hand out roles that were not given to them."""
    product = catalog.product()
    publisher = catalog.client(catalog.role({"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"}))
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        publisher.create_constraint(
            PortfolioId=product.portfolio,
            ProductId=product.product,
            Type="LAUNCH",
            Parameters='{"RoleArn": "arn:aws:iam::111122223333:role/admin"}',
        )


def test_other_constraints_are_not_pretended(made: Launchable, admin: Any) -> None:
    """Only LAUNCH exists in the twin."""
    with pytest.raises(ClientError, match="constraint of type TEMPLATE is not implemented by the twin"):
        admin.create_constraint(PortfolioId=made.portfolio, ProductId=made.product, Type="TEMPLATE", Parameters="{}")


@pytest.mark.parametrize(
    ("kind", "arn"),
    [
        ("IAM", "arn:aws:iam:::role/x"),
        ("IAM", "arn:aws:iam::111122223333:role/x*"),
        ("IAM_PATTERN", "arn:aws:iam::111122223333:role/x"),
        ("IAM", "arn:aws:sts::111122223333:assumed-role/x/y"),
    ],
)
def test_principals_have_the_form_of_their_type(made: Launchable, admin: Any, kind: str, arn: str) -> None:
    """IAM has an account and no wildcard, IAM_PATTERN no account."""
    with pytest.raises(ClientError, match=r"InvalidParametersException.*Principal ARN"):
        admin.associate_principal_with_portfolio(PortfolioId=made.portfolio, PrincipalARN=arn, PrincipalType=kind)


def test_nothing_in_use_is_deleted(made: Launchable, admin: Any) -> None:
    """Products, portfolios and last versions are protected; in the right order everything goes."""
    both = {"ProductId": made.product, "PortfolioId": made.portfolio}
    version = {"ProductId": made.product, "ProvisioningArtifactId": made.artifact}
    attempts: list[tuple[Any, dict[str, str]]] = [
        (admin.delete_product, {"Id": made.product}),
        (admin.delete_portfolio, {"Id": made.portfolio}),
        (admin.delete_provisioning_artifact, version),
        (admin.disassociate_product_from_portfolio, both),
    ]
    for delete, named in attempts:
        with pytest.raises(ClientError, match="ResourceInUseException"):
            delete(**named)
    listed = admin.list_constraints_for_portfolio(PortfolioId=made.portfolio)["ConstraintDetails"]
    admin.delete_constraint(Id=listed[0]["ConstraintId"])
    admin.disassociate_product_from_portfolio(ProductId=made.product, PortfolioId=made.portfolio)
    admin.delete_product(Id=made.product)
    admin.delete_portfolio(Id=made.portfolio)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        admin.describe_product_as_admin(Id=made.product)


def test_products_are_found(made: Launchable, admin: Any) -> None:
    """By portfolio, by text, and the portfolios of a product."""
    found = admin.search_products_as_admin(PortfolioId=made.portfolio)["ProductViewDetails"]
    assert [p["ProductViewSummary"]["ProductId"] for p in found] == [made.product]
    name = found[0]["ProductViewSummary"]["Name"]
    by_text = admin.search_products_as_admin(Filters={"FullTextSearch": [name.upper()]})["ProductViewDetails"]
    assert [p["ProductViewSummary"]["ProductId"] for p in by_text] == [made.product]
    assert admin.describe_product(Name=name)["ProductViewSummary"]["ProductId"] == made.product
    portfolios = admin.list_portfolios_for_product(ProductId=made.product)["PortfolioDetails"]
    assert [p["Id"] for p in portfolios] == [made.portfolio]


def test_lists_come_in_pages(admin: Any) -> None:
    """NextPageToken leads through all portfolios once."""
    for _ in range(3):
        admin.create_portfolio(DisplayName="paged", ProviderName="us")
    pages = admin.get_paginator("list_portfolios").paginate(PaginationConfig={"PageSize": 2})
    ids = [p["Id"] for page in pages for p in page["PortfolioDetails"]]
    assert len(ids) == len(set(ids)) >= 3


def test_other_kinds_of_products_are_not_pretended(admin: Any) -> None:
    """Terraform and connections are refused by name."""
    with pytest.raises(ClientError, match="product of type TERRAFORM_OPEN_SOURCE is not implemented by the twin"):
        admin.create_product(Name="t", Owner="o", ProductType="TERRAFORM_OPEN_SOURCE")
    with pytest.raises(ClientError, match="NotImplemented"):
        admin.list_service_actions()
