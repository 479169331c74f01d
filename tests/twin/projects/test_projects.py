"""SageMaker projects from Service Catalog products and from templates in S3.

Statuses and shapes: botocore (sagemaker). Messages: the sources named in the service's modules.
"""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.launchable import BUCKET, LAUNCH, Catalog, Launchable
from tests.support.twin_server import client_of

TEMPLATE = """
Parameters:
  SageMakerProjectName: {Type: String, AllowedPattern: "^[a-zA-Z](-*[a-zA-Z0-9])*", MaxLength: 32}
  SageMakerProjectId: {Type: String}
  Value: {Type: String, Default: one}
Resources:
  Kept:
    Type: AWS::SSM::Parameter
    Properties:
      Name: !Sub "/projects/${SageMakerProjectName}/${SageMakerProjectId}"
      Type: String
      Value: !Ref Value
"""
USER = (
    {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"},
    {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"},
)
S3_CHANNEL = (
    {
        "Effect": "Allow",
        "Action": "cloudformation:*",
        "Resource": "arn:aws:cloudformation:us-east-1:111122223333:stack/SP-*",
    },
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectTagging"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
    {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "*",
        "Condition": {"StringLike": {"iam:PassedToService": ["cloudformation.amazonaws.com", "sagemaker.*"]}},
    },
)  # fmt: skip
VISIBLE = {"Key": "sagemaker:studio-visibility", "Value": "true"}


@pytest.fixture(scope="module")
def user(catalog: Catalog) -> str:
    """Make a data scientist's role."""
    return catalog.role(*USER)


@pytest.fixture(scope="module")
def product(catalog: Catalog, user: str) -> Launchable:
    """Make a product for projects."""
    return catalog.product(TEMPLATE, launch_role=catalog.role(*LAUNCH), people=(user,))


@pytest.fixture(scope="module")
def sagemaker(catalog: Catalog, user: str) -> Any:
    """Return the data scientist's client."""
    return catalog.client(user, "sagemaker")


def create(client: Any, product: Launchable, name: str, *values: dict[str, str], **more: Any) -> dict[str, Any]:
    """Create a project of a product."""
    details = {"ProductId": product.product, "ProvisioningParameters": list(values)}
    answer: dict[str, Any] = client.create_project(ProjectName=name, ServiceCatalogProvisioningDetails=details, **more)
    return answer


def ended(client: Any, name: str) -> dict[str, Any]:
    """Wait until no operation is under way and describe the project."""
    for _ in range(2000):
        found: dict[str, Any] = client.describe_project(ProjectName=name)
        if not found["ProjectStatus"].endswith("InProgress"):
            return found
        threading.Event().wait(0.01)
    raise AssertionError(f"{name} stays {found['ProjectStatus']}")


def kept(catalog: Catalog, name: str, identifier: str) -> str:
    """Return the value that a project's stack keeps."""
    parameter = client_of(catalog.core, "ssm").get_parameter(Name=f"/projects/{name}/{identifier}")
    return str(parameter["Parameter"]["Value"])


def test_a_project_is_provisioned(catalog: Catalog, product: Launchable, user: str, sagemaker: Any) -> None:
    """The newest version is launched with the project's name and id, and everything is tagged with them."""
    answer = create(sagemaker, product, "Churn", ProjectDescription="who leaves?")
    identifier = answer["ProjectId"]
    assert re.fullmatch(r"p-[a-z0-9]{12}", identifier)
    assert answer["ProjectArn"] == "arn:aws:sagemaker:us-east-1:111122223333:project/churn"
    found = ended(sagemaker, "Churn")
    assert (found["ProjectStatus"], found["ProjectDescription"]) == ("CreateCompleted", "who leaves?")
    assert found["ServiceCatalogProvisioningDetails"]["ProvisioningArtifactId"] == product.artifact
    assert f"assumed-role/{user.rpartition('/')[2]}/person" in found["CreatedBy"]["IamIdentity"]["Arn"]
    assert kept(catalog, "Churn", identifier) == "one"
    provisioned = found["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
    stacks = client_of(catalog.core, "cloudformation").describe_stacks(StackName=f"SC-111122223333-{provisioned}")
    assert stacks["Stacks"][0]["Tags"] == [
        {"Key": "sagemaker:project-name", "Value": "Churn"},
        {"Key": "sagemaker:project-id", "Value": identifier},
    ]
    launched = catalog.admin.describe_provisioned_product(Id=provisioned)["ProvisionedProductDetail"]
    assert launched["Name"] == f"Churn-{identifier}"


def test_a_project_has_the_callers_tags(product: Launchable, sagemaker: Any) -> None:
    """Tags given are the project's and reach the stack."""
    arn = create(sagemaker, product, "tagged", Tags=[{"Key": "team", "Value": "a"}])["ProjectArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "b"}])
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 2
    ended(sagemaker, "tagged")


def test_a_failed_project_tells_why(catalog: Catalog, user: str, sagemaker: Any) -> None:
    """CreateFailed has Service Catalog's message: resource, action and role; it can be deleted."""
    role = catalog.role(*LAUNCH[:2])
    poor = catalog.product(TEMPLATE, launch_role=role, people=(user,))
    create(sagemaker, poor, "poor")
    found = ended(sagemaker, "poor")
    said = found["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert found["ProjectStatus"] == "CreateFailed"
    assert said.startswith("Provisioning failed with error: Errors from CloudFormation: [{LogicalResourceId : Kept")
    assert "ssm:PutParameter" in said
    assert role in said
    sagemaker.delete_project(ProjectName="poor")
    assert ended(sagemaker, "poor")["ProjectStatus"] == "DeleteCompleted"


@pytest.mark.parametrize("name", ["under_score", "-dash", "dash-", "a" * 33, "sp ace"])
def test_a_name_that_aws_refuses(product: Launchable, sagemaker: Any, name: str) -> None:
    """The API's pattern and length; nothing is made."""
    with pytest.raises(ClientError, match="ValidationException"):
        create(sagemaker, product, name)
    assert name not in [p["ProjectName"] for p in sagemaker.list_projects()["ProjectSummaryList"]]


def test_a_name_that_only_the_template_refuses(product: Launchable, sagemaker: Any) -> None:
    """A digit in front passes the API but not the pattern of AWS's own templates: CreateFailed."""
    create(sagemaker, product, "1st")
    found = ended(sagemaker, "1st")
    assert found["ProjectStatus"] == "CreateFailed"
    assert "SageMakerProjectName" in found["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]


def test_who_is_not_associated_creates_no_project(catalog: Catalog, product: Launchable) -> None:
    """The refusal of Service Catalog is the answer, and no project is left."""
    stranger = catalog.client(catalog.role(*USER), "sagemaker")
    with pytest.raises(
        ClientError, match=rf"ValidationException.*No launch paths found for resource: {product.product}"
    ):
        create(stranger, product, "stranger")
    with pytest.raises(ClientError, match=r"Project stranger does not exist"):
        stranger.describe_project(ProjectName="stranger")


def test_creating_a_project_needs_provision_product(catalog: Catalog, product: Launchable) -> None:
    """Permission for SageMaker alone is not enough."""
    client = catalog.client(catalog.role(USER[0]), "sagemaker")
    with pytest.raises(ClientError, match=r"AccessDenied.*servicecatalog:ProvisionProduct"):
        create(client, product, "denied")
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_project(ProjectName="denied")


def test_a_name_is_taken_until_the_project_is_deleted(catalog: Catalog, product: Launchable, sagemaker: Any) -> None:
    """While it lives the name is taken, in any case of letters; after deletion it is free."""
    first = create(sagemaker, product, "again")
    with pytest.raises(ClientError, match=r"Project with name Again already exists"):
        create(sagemaker, product, "Again")
    ended(sagemaker, "again")
    sagemaker.delete_project(ProjectName="again")
    assert ended(sagemaker, "again")["ProjectStatus"] == "DeleteCompleted"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        kept(catalog, "again", first["ProjectId"])
    with pytest.raises(ClientError, match=r"Project again does not exist"):
        sagemaker.delete_project(ProjectName="again")
    second = create(sagemaker, product, "again")
    assert second["ProjectId"] != first["ProjectId"]
    assert ended(sagemaker, "again")["ProjectStatus"] == "CreateCompleted"


def test_a_project_at_work_is_not_touched(product: Launchable, sagemaker: Any) -> None:
    """Updating or deleting during an operation is a conflict."""
    create(sagemaker, product, "busy")
    for request in (sagemaker.delete_project, sagemaker.update_project):
        try:
            request(ProjectName="busy")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConflictException"  # noqa: PT017
        else:
            ended(sagemaker, "busy")
    ended(sagemaker, "busy")


def test_an_update_changes_parameters(catalog: Catalog, product: Launchable, sagemaker: Any) -> None:
    """Parameters change, name and id stay; a version can be named."""
    identifier = create(sagemaker, product, "updated", {"Key": "Value", "Value": "two"})["ProjectId"]
    ended(sagemaker, "updated")
    assert kept(catalog, "updated", identifier) == "two"
    details = {"ProvisioningParameters": [{"Key": "Value", "Value": "three"}]}
    sagemaker.update_project(ProjectName="updated", ServiceCatalogProvisioningUpdateDetails=details)
    found = ended(sagemaker, "updated")
    assert found["ProjectStatus"] == "UpdateCompleted"
    assert "LastModifiedTime" in found
    assert kept(catalog, "updated", identifier) == "three"
    sagemaker.update_project(ProjectName="updated", ProjectDescription="new words")
    assert sagemaker.describe_project(ProjectName="updated")["ProjectDescription"] == "new words"


def test_a_failed_update_is_told(product: Launchable, sagemaker: Any) -> None:
    """UpdateFailed, with the reason; the project can be updated again."""
    create(sagemaker, product, "worse")
    ended(sagemaker, "worse")
    details = {"ProvisioningParameters": [{"Key": "NoSuch", "Value": "x"}]}
    sagemaker.update_project(ProjectName="worse", ServiceCatalogProvisioningUpdateDetails=details)
    found = ended(sagemaker, "worse")
    assert found["ProjectStatus"] == "UpdateFailed"
    assert "NoSuch" in found["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]


def test_own_parameters_cannot_be_given(product: Launchable, sagemaker: Any) -> None:
    """SageMaker fills name and id itself."""
    with pytest.raises(ClientError, match="SageMakerProjectId is set by SageMaker"):
        create(sagemaker, product, "forged", {"Key": "SageMakerProjectId", "Value": "p-000000000000"})


def test_exactly_one_kind_of_template(sagemaker: Any) -> None:
    """A project is made from a product or from a template."""
    with pytest.raises(ClientError, match="Give exactly one of"):
        sagemaker.create_project(ProjectName="none")


def test_an_unknown_product_is_named(sagemaker: Any) -> None:
    """The error names the product."""
    details = {"ProductId": "prod-aaaaaaaaaaaaa"}
    with pytest.raises(ClientError, match=r"ValidationException.*prod-aaaaaaaaaaaaa does not exist"):
        sagemaker.create_project(ProjectName="unknown", ServiceCatalogProvisioningDetails=details)


def test_projects_are_listed(product: Launchable, sagemaker: Any) -> None:
    """By name, filtered, in pages."""
    for name in ("listed-b", "listed-a"):
        create(sagemaker, product, name)
        ended(sagemaker, name)
    pages = sagemaker.get_paginator("list_projects").paginate(
        NameContains="listed", SortBy="Name", SortOrder="Descending", PaginationConfig={"PageSize": 1}
    )
    names = [p["ProjectName"] for page in pages for p in page["ProjectSummaryList"]]
    assert names == ["listed-b", "listed-a"]


# -- templates in S3


def visible_template(catalog: Catalog, *tags: dict[str, str]) -> str:
    """Put a template into S3 with tags and return its URL."""
    url = catalog.template(TEMPLATE)
    key = url.partition(".amazonaws.com/")[2]
    client_of(catalog.core, "s3").put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": list(tags)})
    return url


def from_template(client: Any, name: str, url: str, **provider: Any) -> dict[str, Any]:
    """Create a project from a template in S3."""
    given = {"TemplateName": "build-and-deploy", "TemplateURL": url, **provider}
    answer: dict[str, Any] = client.create_project(ProjectName=name, TemplateProviders=[{"CfnTemplateProvider": given}])
    return answer


def test_a_template_in_s3_makes_a_stack(catalog: Catalog) -> None:
    """The stack is SP-<name>-<id>, made by the role that is passed, updated and deleted with the project."""
    role = catalog.role(*LAUNCH, service="cloudformation.amazonaws.com")
    client = catalog.client(catalog.role(*USER, *S3_CHANNEL), "sagemaker")
    url = visible_template(catalog, VISIBLE)
    identifier = from_template(client, "hosted", url, RoleARN=role)["ProjectId"]
    found = ended(client, "hosted")
    assert found["ProjectStatus"] == "CreateCompleted"
    provider = found["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]
    assert (provider["RoleARN"], provider["TemplateURL"]) == (role, url)
    assert provider["StackDetail"]["Name"] == f"SP-hosted-{identifier}"
    assert kept(catalog, "hosted", identifier) == "one"
    change = {
        "TemplateName": "build-and-deploy",
        "TemplateURL": url,
        "Parameters": [{"Key": "Value", "Value": "two"}],
    }
    client.update_project(ProjectName="hosted", TemplateProvidersToUpdate=[{"CfnTemplateProvider": change}])
    assert ended(client, "hosted")["ProjectStatus"] == "UpdateCompleted"
    assert kept(catalog, "hosted", identifier) == "two"
    client.delete_project(ProjectName="hosted")
    assert ended(client, "hosted")["ProjectStatus"] == "DeleteCompleted"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        kept(catalog, "hosted", identifier)


def test_a_template_without_the_tag_is_refused(catalog: Catalog) -> None:
    """The object must say that it is for Studio."""
    client = catalog.client(catalog.role(*USER, *S3_CHANNEL), "sagemaker")
    url = visible_template(catalog, {"Key": "other", "Value": "true"})
    with pytest.raises(ClientError, match="does not have the tag sagemaker:studio-visibility=true"):
        from_template(client, "untagged", url)


def test_reading_the_templates_tags_is_a_permission(catalog: Catalog) -> None:
    """s3:GetObjectTagging is the permission that is commonly missing."""
    client = catalog.client(catalog.role(*USER), "sagemaker")
    with pytest.raises(ClientError, match=r"AccessDenied.*s3:GetObjectTagging"):
        from_template(client, "unseen", visible_template(catalog, VISIBLE))


def test_a_template_elsewhere_is_refused(sagemaker: Any) -> None:
    """Only S3 is read."""
    with pytest.raises(ClientError, match="not the https URL of an object in S3"):
        from_template(sagemaker, "elsewhere", "https://example.com/template.yaml")


def test_a_failed_stack_is_told(catalog: Catalog) -> None:
    """CreateFailed with CloudFormation's reason in the stack's status message."""
    role = catalog.role(*LAUNCH[:2], service="cloudformation.amazonaws.com")
    client = catalog.client(catalog.role(*USER, *S3_CHANNEL), "sagemaker")
    from_template(client, "powerless", visible_template(catalog, VISIBLE), RoleARN=role)
    found = ended(client, "powerless")
    stack = found["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]["StackDetail"]
    assert found["ProjectStatus"] == "CreateFailed"
    assert "ssm:PutParameter" in stack["StatusMessage"]
