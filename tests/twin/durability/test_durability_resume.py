"""What a killed twin had under way comes to its end in the next one; what had ended stays as it was."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.killable_twin import KillableTwin

ACCOUNT = "111122223333"
ENDED = "The twin ended while this was under way"
MADE = "Kept: {{Type: AWS::SSM::Parameter, Properties: {{Name: /kept/{name}, Type: String, Value: '{value}'}}}}"
WAIT = """
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: Kept
    Properties: {Handle: !Ref Handle, Timeout: "600"}
"""


def template(name: str, value: str = "one", *, waits: bool = False) -> str:
    """Return a template with a parameter; one that waits is never complete."""
    return "Resources:\n  " + MADE.format(name=name, value=value) + (WAIT if waits else "")


def until(condition: Callable[[], Any]) -> Any:
    """Return what the condition gives as soon as it gives something."""
    for _ in range(600):
        if found := condition():
            return found
        threading.Event().wait(0.05)
    raise AssertionError("it never came about")


def settled(twin: KillableTwin, stack: str) -> dict[str, Any]:
    """Return a stack when nothing works on it any more."""

    def look() -> dict[str, Any] | None:
        (found,) = twin.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else dict(found)

    found: dict[str, Any] = until(look)
    return found


def until_it_waits(twin: KillableTwin, stack: str) -> None:
    """Return when a stack has come to its wait condition."""
    client = twin.client("cloudformation")

    def waits() -> bool:
        try:
            listed = client.describe_stack_resources(StackName=stack)["StackResources"]
        except client.exceptions.ClientError as missing:
            # A launch makes its stack a moment after it was accepted.
            if "does not exist" in str(missing):
                return False
            raise
        return any(r["LogicalResourceId"] == "Wait" and r["ResourceStatus"].startswith("CREATE_IN") for r in listed)

    until(waits)


def kept(twin: KillableTwin, name: str) -> str | None:
    """Return the value of a stack's parameter, or None if it does not exist."""
    try:
        return str(twin.client("ssm").get_parameter(Name=f"/kept/{name}")["Parameter"]["Value"])
    except ClientError:
        return None


@pytest.fixture(scope="module")
def killed(twin: KillableTwin) -> KillableTwin:
    """Kill a twin while it creates, updates and launches, and start it again."""
    stacks, catalog = twin.client("cloudformation"), twin.client("servicecatalog")
    body = template("outputs") + "\nOutputs: {Name: {Value: !Ref Kept, Export: {Name: exported}}}"
    stacks.create_stack(StackName="complete", TemplateBody=body, Tags=[{"Key": "a", "Value": "b"}])
    stacks.create_stack(StackName="updating", TemplateBody=template("updating"))
    for name in ("complete", "updating"):
        assert settled(twin, name)["StackStatus"] == "CREATE_COMPLETE"
    change = {"ChangeSetName": "planned", "TemplateBody": template("outputs", "two")}
    stacks.create_change_set(StackName="complete", **change)
    stacks.create_stack(StackName="creating", TemplateBody=template("creating", waits=True))
    stacks.update_stack(StackName="updating", TemplateBody=template("updating", "two", waits=True))
    for name in ("creating", "updating"):
        until_it_waits(twin, name)
    until_it_waits(twin, f"SC-{ACCOUNT}-{_launch(twin, catalog)}")
    twin.restart()
    return twin


def _launch(twin: KillableTwin, catalog: Any) -> str:
    """Create a project whose product never comes up; return the id of its provisioned product."""
    s3 = twin.client("s3")
    s3.create_bucket(Bucket="templates")
    text = "Parameters: {SageMakerProjectName: {Type: String}, SageMakerProjectId: {Type: String}}\n"
    s3.put_object(Bucket="templates", Key="t", Body=(text + template("launched", waits=True)).encode())
    artifact = {"Info": {"LoadTemplateFromURL": "https://templates.s3.us-east-1.amazonaws.com/t"}, "Name": "1"}
    made = catalog.create_product(
        Name="product",
        Owner="me",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters={**artifact, "Type": "CLOUD_FORMATION_TEMPLATE"},
    )
    product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    portfolio = catalog.create_portfolio(DisplayName="portfolio", ProviderName="me")["PortfolioDetail"]["Id"]
    catalog.associate_product_with_portfolio(ProductId=product, PortfolioId=portfolio)
    person, client = _person(twin)
    catalog.associate_principal_with_portfolio(PortfolioId=portfolio, PrincipalARN=person, PrincipalType="IAM")
    details = {"ProductId": product, "ProvisioningArtifactId": made["ProvisioningArtifactDetail"]["Id"]}
    client.create_project(ProjectName="launched", ServiceCatalogProvisioningDetails=details)
    return str(_everybodys(catalog)[0]["Id"])


def _person(twin: KillableTwin) -> tuple[str, Any]:
    """Make a role that may do everything; return its ARN and a client of SageMaker that acts as it."""
    iam = twin.client("iam")
    anybody = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arn = str(iam.create_role(RoleName="person", AssumeRolePolicyDocument=_document(anybody))["Role"]["Arn"])
    iam.put_role_policy(RoleName="person", PolicyName="all", PolicyDocument=_document(everything))
    issued = twin.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    client = twin.client(
        "sagemaker",
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
    )
    return arn, client


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _everybodys(catalog: Any) -> list[dict[str, Any]]:
    """Return all provisioned products of the account."""
    everybodys = {"Key": "Account", "Value": "self"}
    found: list[dict[str, Any]] = catalog.search_provisioned_products(AccessLevelFilter=everybodys)[
        "ProvisionedProducts"
    ]
    return found


def test_a_creation_under_way_is_rolled_back(killed: KillableTwin) -> None:
    """The stack says why it failed, what it had made is gone, and its history goes on."""
    assert settled(killed, "creating")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert kept(killed, "creating") is None
    events = killed.client("cloudformation").describe_stack_events(StackName="creating")["StackEvents"]
    assert any(ENDED in event.get("ResourceStatusReason", "") for event in events)
    assert events[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"


def test_a_rolled_back_stack_is_deleted_and_made_again(killed: KillableTwin) -> None:
    """Nothing is left that stands in the way."""
    client = killed.client("cloudformation")
    settled(killed, "creating")
    stack = client.describe_stacks(StackName="creating")["Stacks"][0]["StackId"]
    client.delete_stack(StackName="creating")
    assert settled(killed, stack)["StackStatus"] == "DELETE_COMPLETE"
    client.create_stack(StackName="creating", TemplateBody=template("creating"))
    assert settled(killed, "creating")["StackStatus"] == "CREATE_COMPLETE"
    assert kept(killed, "creating") == "one"


def test_an_update_under_way_is_rolled_back(killed: KillableTwin) -> None:
    """The resources are what they were before, and the stack can be updated again."""
    client = killed.client("cloudformation")
    assert settled(killed, "updating")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert kept(killed, "updating") == "one"
    assert "Wait" not in client.get_template(StackName="updating")["TemplateBody"]
    client.update_stack(StackName="updating", TemplateBody=template("updating", "three"))
    assert settled(killed, "updating")["StackStatus"] == "UPDATE_COMPLETE"
    assert kept(killed, "updating") == "three"


def test_a_complete_stack_stays_as_it_was(killed: KillableTwin) -> None:
    """Status, tags, outputs, exports and resources are there; the same template changes nothing."""
    client = killed.client("cloudformation")
    (stack,) = client.describe_stacks(StackName="complete")["Stacks"]
    assert (stack["StackStatus"], stack["Tags"]) == ("CREATE_COMPLETE", [{"Key": "a", "Value": "b"}])
    assert client.list_exports()["Exports"][0]["Value"] == "/kept/outputs"
    body = client.get_template(StackName="complete")["TemplateBody"]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        client.update_stack(StackName="complete", TemplateBody=body)


def test_a_change_set_is_carried_out_by_the_next_twin(killed: KillableTwin) -> None:
    """What was planned before the kill can be executed after it."""
    client = killed.client("cloudformation")
    test_a_complete_stack_stays_as_it_was(killed)
    shown = client.describe_change_set(StackName="complete", ChangeSetName="planned")
    assert [change["ResourceChange"]["LogicalResourceId"] for change in shown["Changes"]] == ["Kept"]
    client.execute_change_set(StackName="complete", ChangeSetName="planned")
    assert settled(killed, "complete")["StackStatus"] == "UPDATE_COMPLETE"
    assert kept(killed, "outputs") == "two"
    client.delete_stack(StackName="complete")


def test_a_launch_under_way_has_failed(killed: KillableTwin) -> None:
    """The provisioned product and the project say so; the product can be terminated and the project deleted."""
    sagemaker, catalog = killed.client("sagemaker"), killed.client("servicecatalog")

    def status() -> str:
        return str(sagemaker.describe_project(ProjectName="launched")["ProjectStatus"])

    until(lambda: status() == "CreateFailed")
    (provisioned,) = _everybodys(catalog)
    assert provisioned["Status"] == "ERROR"
    assert ENDED in provisioned["StatusMessage"]
    assert kept(killed, "launched") is None
    sagemaker.delete_project(ProjectName="launched")
    until(lambda: status() == "DeleteCompleted")
    assert _everybodys(catalog) == []
