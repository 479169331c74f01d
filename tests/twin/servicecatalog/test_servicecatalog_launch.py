"""Launching, updating and terminating products through launch constraints.

Statuses and messages: botocore (servicecatalog) and the sources named in the service's modules.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.services.servicecatalog import stacks

from tests.support.launchable import LAUNCH, TEMPLATE, Catalog, Launchable
from tests.support.twin_server import client_of

ANY_CATALOG = {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"}
CHANGED = TEMPLATE.replace("Default: one", "Default: two")


@pytest.fixture(scope="module")
def person(catalog: Catalog) -> str:
    """Make a role that may use the catalog and nothing else."""
    return catalog.role(ANY_CATALOG)


@pytest.fixture(scope="module")
def launchable(catalog: Catalog, person: str) -> Launchable:
    """Make a product that the person may launch."""
    return catalog.product(launch_role=catalog.role(*LAUNCH), people=(person,))


def kept(catalog: Catalog, name: str) -> str:
    """Return what a launched product keeps."""
    return str(client_of(catalog.core, "ssm").get_parameter(Name=f"/kept/{name}")["Parameter"]["Value"])


def test_the_launch_role_makes_the_stack(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """A caller without any CloudFormation or SSM permission gets the product; tags and outputs are the stack's."""
    tags = [{"Key": "sagemaker:project-name", "Value": "n"}]
    answer = catalog.launch(catalog.client(person), launchable, "first", values={"Value": "abc"}, Tags=tags)
    record = answer["RecordDetail"]
    assert (record["Status"], record["RecordType"], record["RecordErrors"]) == ("SUCCEEDED", "PROVISION_PRODUCT", [])
    assert kept(catalog, "first") == "abc"
    found = catalog.admin.describe_provisioned_product(Name="first")["ProvisionedProductDetail"]
    assert (found["Status"], found["Type"], found["Id"]) == ("AVAILABLE", "CFN_STACK", record["ProvisionedProductId"])
    stacks = client_of(catalog.core, "cloudformation")
    stack = stacks.describe_stacks(StackName=f"SC-111122223333-{found['Id']}")["Stacks"][0]
    assert stack["Tags"] == tags
    outputs = {o["OutputKey"]: o["OutputValue"] for o in answer["RecordOutputs"]}
    assert outputs == {"CloudformationStackARN": stack["StackId"], "KeptName": "/kept/first"}
    wanted = catalog.admin.get_provisioned_product_outputs(ProvisionedProductName="first", OutputKeys=["KeptName"])
    assert [o["OutputValue"] for o in wanted["Outputs"]] == ["/kept/first"]


def test_without_association_there_is_no_launch_path(catalog: Catalog, launchable: Launchable) -> None:
    """Permissions alone are not enough, not even the administrator's."""
    stranger = catalog.client(catalog.role(ANY_CATALOG))
    said = f"No launch paths found for resource: {launchable.product}"
    for client in (stranger, catalog.admin):
        with pytest.raises(ClientError, match=said):
            catalog.launch(client, launchable, "never")
        with pytest.raises(ClientError, match=said):
            client.list_launch_paths(ProductId=launchable.product)
    assert launchable.product not in [p["ProductId"] for p in stranger.search_products()["ProductViewSummaries"]]


def test_a_pattern_associates_many_roles(catalog: Catalog, launchable: Launchable) -> None:
    """IAM_PATTERN has no account and may have wildcards; a role that does not match stays out."""
    role = catalog.role(ANY_CATALOG)
    other = catalog.role(ANY_CATALOG)
    pattern = "arn:aws:iam:::role/" + role.rpartition("/")[2][:-1] + "?"
    principal = {"PortfolioId": launchable.portfolio, "PrincipalARN": pattern, "PrincipalType": "IAM_PATTERN"}
    catalog.admin.associate_principal_with_portfolio(**principal)
    assert len(catalog.client(role).list_launch_paths(ProductId=launchable.product)["LaunchPathSummaries"]) == 1
    with pytest.raises(ClientError, match="No launch paths"):
        catalog.client(other).list_launch_paths(ProductId=launchable.product)
    catalog.admin.disassociate_principal_from_portfolio(**principal)
    with pytest.raises(ClientError, match="No launch paths"):
        catalog.client(role).list_launch_paths(ProductId=launchable.product)


def test_a_failed_launch_names_resource_action_and_role(catalog: Catalog, person: str) -> None:
    """The first failing reason is in the record and the status message; nothing is left behind."""
    role = catalog.role(*LAUNCH[:2])
    product = catalog.product(launch_role=role, people=(person,))
    record = catalog.launch(catalog.client(person), product, "refused")["RecordDetail"]
    assert record["Status"] == "FAILED"
    (error,) = record["RecordErrors"]
    assert "LogicalResourceId : Kept, ResourceType : AWS::SSM::Parameter" in error["Description"]
    assert f"assumed-role/{role.rpartition('/')[2]}/servicecatalog is not authorized" in error["Description"]
    assert "ssm:PutParameter" in error["Description"]
    assert role in error["Description"]
    found = catalog.admin.describe_provisioned_product(Name="refused")["ProvisionedProductDetail"]
    assert (found["Status"], found["StatusMessage"]) == ("ERROR", error["Description"])
    stack = client_of(catalog.core, "cloudformation").describe_stacks(StackName=f"SC-111122223333-{found['Id']}")
    assert stack["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_defect_fails_the_record(
    catalog: Catalog, launchable: Launchable, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected to fail never leaves a record in progress for ever."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("nobody expected this")

    monkeypatch.setattr(stacks, "create", broken)
    record = catalog.launch(catalog.client(person), launchable, "defect")["RecordDetail"]
    assert record["Status"] == "FAILED"
    assert "ZeroDivisionError: nobody expected this" in record["RecordErrors"][0]["Description"]


def test_the_launch_role_must_trust_service_catalog(catalog: Catalog, person: str) -> None:
    """A role of another service cannot launch."""
    role = catalog.role(*LAUNCH, service="cloudformation.amazonaws.com")
    product = catalog.product(launch_role=role, people=(person,))
    record = catalog.launch(catalog.client(person), product, "untrusted")["RecordDetail"]
    assert "servicecatalog.amazonaws.com is not authorized to assume" in record["RecordErrors"][0]["Description"]


def test_the_launch_role_must_be_able_to_read_the_template(catalog: Catalog, person: str) -> None:
    """AWS reads the template from a bucket of its own; only the tag condition gives access to that."""
    own_bucket = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::templates-of-products/*"}
    role = catalog.role(LAUNCH[0], own_bucket, LAUNCH[2])
    product = catalog.product(launch_role=role, people=(person,))
    record = catalog.launch(catalog.client(person), product, "unread")["RecordDetail"]
    assert "is not authorized to perform: s3:GetObject" in record["RecordErrors"][0]["Description"]


def test_wrong_parameters_fail_in_cloudformations_words(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """A value that the template does not allow never makes a stack."""
    values = {"Value": "NOT LOWER"}
    record = catalog.launch(catalog.client(person), launchable, "wrong", values=values)["RecordDetail"]
    said = record["RecordErrors"][0]["Description"]
    assert said.startswith("AmazonCloudFormationException Parameter")
    assert "[a-z]+" in said
    assert "ValidationError" in said


def test_without_a_constraint_the_caller_launches(catalog: Catalog) -> None:
    """The caller's own permissions must then be enough."""
    able = catalog.role(ANY_CATALOG, *LAUNCH)
    unable = catalog.role(ANY_CATALOG)
    product = catalog.product(people=(able, unable))
    assert catalog.launch(catalog.client(able), product, "own")["RecordDetail"]["Status"] == "SUCCEEDED"
    failed = catalog.launch(catalog.client(unable), product, "powerless")["RecordDetail"]
    assert unable.rpartition("/")[2] in failed["RecordErrors"][0]["Description"]


def test_a_name_is_used_once_and_a_token_twice(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """A repeated token gets the first answer; a new request for the same name is a duplicate."""
    client = catalog.client(person)
    first = catalog.launch(client, launchable, "once", ProvisionToken="token-1")["RecordDetail"]
    again = catalog.launch(client, launchable, "once", ProvisionToken="token-1")["RecordDetail"]
    assert again["RecordId"] == first["RecordId"]
    with pytest.raises(ClientError, match="DuplicateResourceException"):
        catalog.launch(client, launchable, "once", ProvisionToken="token-2")
    with pytest.raises(ClientError, match="was used for a request with other parameters"):
        catalog.launch(client, launchable, "other", ProvisionToken="token-1")


def test_an_update_changes_version_and_keeps_values(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """What is not given stays; the new version is the product's after success."""
    client = catalog.client(person)
    catalog.launch(client, launchable, "updated", values={"Value": "abc"})
    version = catalog.admin.create_provisioning_artifact(
        ProductId=launchable.product,
        Parameters={"Name": "v2", "Info": {"LoadTemplateFromURL": catalog.template(CHANGED)}},
    )["ProvisioningArtifactDetail"]["Id"]
    named = {"ProvisionedProductName": "updated", "ProvisioningArtifactId": version}
    record = client.update_provisioned_product(**named)["RecordDetail"]
    assert catalog.ended(record["RecordId"])["RecordDetail"]["Status"] == "SUCCEEDED"
    assert kept(catalog, "updated") == "abc"
    value = [{"Key": "Value", "Value": "xyz"}, {"Key": "Name", "UsePreviousValue": True}]
    record = client.update_provisioned_product(**named, ProvisioningParameters=value)["RecordDetail"]
    catalog.ended(record["RecordId"])
    assert kept(catalog, "updated") == "xyz"
    found = catalog.admin.describe_provisioned_product(Name="updated")["ProvisionedProductDetail"]
    assert (found["Status"], found["ProvisioningArtifactId"]) == ("AVAILABLE", version)


def test_a_failed_update_leaves_the_product_tainted(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """Version and values stay what they were."""
    client = catalog.client(person)
    catalog.launch(client, launchable, "tainted", values={"Value": "abc"})
    wrong = [{"Key": "Value", "Value": "NOT LOWER"}]
    record = client.update_provisioned_product(ProvisionedProductName="tainted", ProvisioningParameters=wrong)
    assert catalog.ended(record["RecordDetail"]["RecordId"])["RecordDetail"]["Status"] == "FAILED"
    found = catalog.admin.describe_provisioned_product(Name="tainted")["ProvisionedProductDetail"]
    assert found["Status"] == "TAINTED"
    right = [{"Key": "Value", "Value": "abc"}]
    again = client.update_provisioned_product(ProvisionedProductName="tainted", ProvisioningParameters=right)
    assert catalog.ended(again["RecordDetail"]["RecordId"])["RecordDetail"]["Status"] == "SUCCEEDED"


def test_tags_cannot_be_updated_without_a_constraint(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """AWS asks for a RESOURCE_UPDATE constraint; the twin has none and says so."""
    client = catalog.client(person)
    catalog.launch(client, launchable, "tagged")
    with pytest.raises(ClientError, match="RESOURCE_UPDATE constraint"):
        client.update_provisioned_product(ProvisionedProductName="tagged", Tags=[{"Key": "a", "Value": "b"}])


def test_terminating_deletes_the_stack(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """The provisioned product is gone, its record stays."""
    client = catalog.client(person)
    launched = catalog.launch(client, launchable, "ended")["RecordDetail"]
    record = client.terminate_provisioned_product(ProvisionedProductName="ended")["RecordDetail"]
    assert catalog.ended(record["RecordId"])["RecordDetail"]["Status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        kept(catalog, "ended")
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*ended not found"):
        catalog.admin.describe_provisioned_product(Name="ended")
    filters = {"Key": "provisionedproduct", "Value": launched["ProvisionedProductId"]}
    history = client.list_record_history(SearchFilter=filters)["RecordDetails"]
    assert [r["RecordType"] for r in history] == ["TERMINATE_PROVISIONED_PRODUCT", "PROVISION_PRODUCT"]


def test_what_failed_to_launch_can_be_terminated(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """A product in ERROR, with or without a stack, goes away."""
    client = catalog.client(person)
    catalog.launch(client, launchable, "stillborn", values={"Value": "NO"})
    record = client.terminate_provisioned_product(ProvisionedProductName="stillborn")["RecordDetail"]
    assert catalog.ended(record["RecordId"])["RecordDetail"]["Status"] == "SUCCEEDED"


def test_everyone_finds_their_own(catalog: Catalog, launchable: Launchable, person: str) -> None:
    """Searches show the user's own products unless asked for the account's (AccessLevelFilter)."""
    mine = catalog.client(person, session="me")
    catalog.launch(mine, launchable, "mine")
    theirs = catalog.client(person, session="them")
    everyone = {"Key": "Account", "Value": "self"}

    def names(client: Any, **options: Any) -> list[str]:
        return [p["Name"] for p in client.search_provisioned_products(**options)["ProvisionedProducts"]]

    assert names(mine) == ["mine"]
    assert names(theirs) == []
    assert "mine" in names(theirs, AccessLevelFilter={"Key": "Role", "Value": "self"})
    assert names(theirs, AccessLevelFilter=everyone, Filters={"SearchQuery": ["name:mine"]}) == ["mine"]
    scanned = theirs.scan_provisioned_products(AccessLevelFilter=everyone, PageSize=1)
    assert len(scanned["ProvisionedProducts"]) == 1
    assert scanned["NextPageToken"] == "1"
