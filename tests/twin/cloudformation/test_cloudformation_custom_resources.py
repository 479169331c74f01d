"""Custom resources with a real Lambda function that answers over HTTP.

Source: "Custom resources" of the CloudFormation user guide.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.cloudformation.live import Live
from tests.twin.cloudformation.providers import Provider
from tests.twin.cloudformation.world import document, parameter, resources, statement


@pytest.fixture(scope="session")
def provider(live: Live) -> Provider:
    """Make one provider for all tests; its resources tell it what to answer."""
    return Provider(live)


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def put(url: str, body: bytes, method: str = "PUT") -> int:
    """Send a body without any signature and return the status."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_custom_resource_lives(live: Live, provider: Provider) -> None:
    """Create, Update and Delete reach the function; Ref and Fn::GetAtt give what it answered."""
    template = resources(
        Thing=provider.resource({"Create": {"Data": {"Word": "one"}}, "Update": {"Data": {"Word": "two"}}}, Size=1)
    )
    template["Outputs"] = {
        "Word": {"Value": {"Fn::GetAtt": ["Thing", "Word"]}},
        "Id": {"Value": {"Ref": "Thing"}},
    }
    stack = live.stack(template)
    assert (stack.status, stack.outputs) == ("CREATE_COMPLETE", {"Word": "one", "Id": "made-Thing"})
    (created,) = provider.requests()
    assert created["RequestType"] == "Create"
    assert (created["StackId"], created["LogicalResourceId"], created["ResourceType"]) == (
        stack.id,
        "Thing",
        "Custom::Thing",
    )
    assert created["ResourceProperties"]["Size"] == "1"
    assert created["ServiceToken"] == created["ResourceProperties"]["ServiceToken"] == provider.arn
    assert "PhysicalResourceId" not in created
    template["Resources"]["Thing"]["Properties"]["Flag"] = True
    stack.update(template)
    assert stack.outputs["Word"] == "two"
    (updated,) = provider.requests()
    assert (updated["RequestType"], updated["PhysicalResourceId"]) == ("Update", "made-Thing")
    assert updated["ResourceProperties"]["Flag"] == "true"
    assert "Flag" not in updated["OldResourceProperties"]
    assert stack.delete().status == "DELETE_COMPLETE"
    assert provider.asked() == [("Delete", "made-Thing")]


def test_another_physical_id_means_a_replacement(live: Live, provider: Provider) -> None:
    """The old thing is deleted in the clean-up, after everything else has succeeded."""
    stack = live.stack(resources(Thing=provider.resource(Id="first")))
    stack.update(resources(Thing=provider.resource(Id="second"), Note=parameter(unique("note"))))
    assert stack.physical_id("Thing") == "second"
    assert provider.asked() == [("Create", None), ("Update", "first"), ("Delete", "first")]
    order = [event["ResourceStatus"] for event in stack.events()]
    assert order.index("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") < order.index("DELETE_IN_PROGRESS")
    stack.delete()
    provider.requests()


def test_a_rollback_asks_the_provider_to_go_back(live: Live, provider: Provider) -> None:
    """When a later resource fails, the provider gets an Update to the old properties, then deletes the new thing."""
    stack = live.stack(resources(Thing=provider.resource(Id="first")))
    name = unique("bucket")
    live.client("s3").create_bucket(Bucket=name)
    taken = {"Type": "AWS::S3::Bucket", "DependsOn": "Thing", "Properties": {"BucketName": name}}
    stack.update(resources(Thing=provider.resource(Id="second"), Bucket=taken))
    assert (stack.status, stack.physical_id("Thing")) == ("UPDATE_ROLLBACK_COMPLETE", "first")
    assert provider.asked() == [
        ("Create", None),
        ("Update", "first"),
        ("Update", "second"),
        ("Delete", "second"),
    ]
    stack.delete()
    provider.requests()


def test_a_failed_creation_tells_the_reason(live: Live, provider: Provider) -> None:
    """FAILED with a Reason fails the resource in those words; the rollback deletes what may have been made."""
    stack = live.stack(resources(Thing=provider.resource({"Create": {"Status": "FAILED", "Reason": "no room left"}})))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert stack.reason("Thing", "CREATE_FAILED") == (
        "Received response status [FAILED] from custom resource. Message returned: no room left"
    )
    assert provider.asked() == [("Create", None), ("Delete", "made-Thing")]


def test_a_failed_deletion_stops_the_stack(live: Live, provider: Provider) -> None:
    """The stack stays DELETE_FAILED with the reason; retaining the resource lets it go."""
    stack = live.stack(resources(Thing=provider.resource({"Delete": {"Status": "FAILED", "Reason": "in use"}})))
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.reason("Thing", "DELETE_FAILED").endswith("Message returned: in use")
    assert stack.delete(RetainResources=["Thing"]).status == "DELETE_COMPLETE"
    provider.requests()


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Body": "x" * 5000}, "Response object is too long."),
        ({"Body": "not json"}, "Invalid response object: it is not JSON"),
        ({"Body": "[]"}, "Invalid response object: it is not a JSON object"),
        ({"Say": '{"Create": {"Status": "DONE"}}'}, "Value of property Status must be SUCCESS or FAILED, not DONE"),
        ({"Say": '{"Create": {"PhysicalResourceId": null}}'}, "Invalid PhysicalResourceId"),
        ({"Say": '{"Create": {"PhysicalResourceId": ""}}'}, "Invalid PhysicalResourceId"),
        ({"Say": '{"Create": {"RequestId": "other"}}'}, "Value of property RequestId must be that of the request"),
        ({"Say": '{"Create": {"Data": "text"}}'}, "Value of property Data must be an object"),
    ],
)
def test_a_malformed_response_fails_the_resource(
    live: Live, provider: Provider, properties: dict[str, Any], reason: str
) -> None:
    """Too long, no JSON, or without what a response must have."""
    stack = live.stack(resources(Thing=provider.resource(**properties)), DisableRollback=True)
    assert reason in stack.reason("Thing", "CREATE_FAILED")
    assert stack.delete().status == "DELETE_COMPLETE"
    provider.requests()


def test_silence_ends_with_the_service_timeout(live: Live, provider: Provider) -> None:
    """A function that never answers fails its resource after ServiceTimeout seconds; the request id is named."""
    stack = live.stack(resources(Thing=provider.resource({"Create": "nothing"}, ServiceTimeout=1)))
    assert stack.status == "ROLLBACK_COMPLETE"
    (asked,) = provider.requests()
    assert stack.reason("Thing", "CREATE_FAILED").startswith(
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{asked['RequestId']}]."
    )


def test_the_callers_permission_to_invoke_is_needed(live: Live, provider: Provider) -> None:
    """The function is invoked with the stack's service role; without lambda:InvokeFunction the resource fails."""
    iam, name = live.client("iam"), unique("role")
    trust = statement(Principal={"Service": "cloudformation.amazonaws.com"}, Action="sts:AssumeRole")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    template = resources(Thing=provider.resource())
    refused = live.stack(template, RoleARN=role)
    assert "not authorized to perform: lambda:InvokeFunction" in refused.reason("Thing", "CREATE_FAILED")
    assert provider.requests() == []
    may = statement(Action="lambda:InvokeFunction", Resource=provider.arn)
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(may))
    stack = live.stack(template, RoleARN=role)
    assert (stack.status, stack.delete().status) == ("CREATE_COMPLETE", "DELETE_COMPLETE")
    provider.requests()


def test_no_echo_hides_the_data(live: Live, provider: Provider) -> None:
    """With NoEcho no event shows what the provider answered; the values still reach the properties."""
    name = unique("note")
    note = parameter(name, {"Fn::GetAtt": ["Thing", "Word"]})
    say = {"Create": {"NoEcho": True, "Data": {"Word": "sesame-open"}}}
    # The word is also in the provider's own instructions: those are a parameter that is not shown either.
    thing = provider.resource()
    thing["Properties"]["Say"] = {"Ref": "Say"}
    template = resources(Thing=thing, Note=note)
    template["Parameters"] = {"Say": {"Type": "String", "NoEcho": True}}
    given = [{"ParameterKey": "Say", "ParameterValue": json.dumps(say)}]
    stack = live.stack(template, Parameters=given)
    assert live.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "sesame-open"
    assert "sesame" not in json.dumps(stack.events(), default=str)
    stack.delete()
    provider.requests()


def test_an_attribute_that_was_not_answered_fails_its_reader(live: Live, provider: Provider) -> None:
    """Fn::GetAtt of a key that Data does not have fails the resource that reads it."""
    note = parameter(unique("note"), {"Fn::GetAtt": ["Thing", "Missing"]})
    stack = live.stack(resources(Thing=provider.resource(), Note=note))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "Vendor response doesn't contain Missing key" in stack.reason("Note", "CREATE_FAILED")
    provider.requests()


def test_the_service_token_cannot_change(live: Live, provider: Provider) -> None:
    """An update to another provider is refused, as on AWS."""
    stack = live.stack(resources(Thing=provider.resource()))
    other = provider.resource(ServiceToken=f"{provider.arn}x")
    stack.update(resources(Thing=other))
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.reason("Thing", "UPDATE_FAILED") == "Modifying service token is not allowed."
    stack.delete()
    provider.requests()


def test_a_topic_passes_the_request_on(live: Live) -> None:
    """An SNS topic as ServiceToken: its subscriber answers at the URL; only that URL, with PUT, and only once."""
    sqs, sns, name = live.client("sqs"), live.client("sns"), unique("provider")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:111122223333:{name}")
    thing = {"Type": "AWS::CloudFormation::CustomResource", "Properties": {"ServiceToken": topic}}
    stack = live.begin(resources(Thing=thing))
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
    asked = json.loads(json.loads(message["Body"])["Message"])
    assert asked["ResourceType"] == "AWS::CloudFormation::CustomResource"
    url = asked["ResponseURL"]
    response = {key: asked[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**response, "Status": "SUCCESS", "PhysicalResourceId": "by-hand"}).encode()
    split = urllib.parse.urlsplit(url)
    assert {"AWSAccessKeyId", "Expires", "Signature"} == urllib.parse.parse_qs(split.query).keys()
    forged = url.partition("Signature=")[0] + "Signature=guessed"
    elsewhere = urllib.parse.urlunsplit(split._replace(path=split.path + "x"))
    assert [put(forged, body), put(elsewhere, body), put(url, body, "POST")] == [403, 403, 403]
    assert stack.status == "CREATE_IN_PROGRESS"
    assert put(url, body) == 200
    assert stack.rest().status == "CREATE_COMPLETE"
    assert stack.physical_id("Thing") == "by-hand"
    assert put(url, body) == 403
    stack.api.delete_stack(StackName=stack.id)
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    deleted = [json.loads(json.loads(item["Body"])["Message"]) for item in message]
    last = next(item for item in deleted if item["RequestType"] == "Delete")
    response = {key: last[key] for key in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")}
    put(last["ResponseURL"], json.dumps({**response, "Status": "SUCCESS"}).encode())
    assert stack.rest().status == "DELETE_COMPLETE"


def test_deleting_the_stack_ends_the_wait(live: Live, provider: Provider) -> None:
    """A deletion while a provider is silent cancels the creation instead of waiting an hour for it."""
    stack = live.begin(resources(Thing=provider.resource({"Create": "nothing"})))
    assert stack.delete().status == "DELETE_COMPLETE"
    provider.requests()


def test_a_wait_condition_waits_for_its_signals(live: Live) -> None:
    """Two signals at the handle's URL complete the condition; its Data has what they brought."""
    template = resources(
        Handle={"Type": "AWS::CloudFormation::WaitConditionHandle"},
        Condition={
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60", "Count": 2},
        },
    )
    template["Outputs"] = {"Data": {"Value": {"Fn::GetAtt": ["Condition", "Data"]}}}
    stack = live.begin(template)
    handle = _handle(stack)
    for number in ("1", "2"):
        assert put(handle, json.dumps({"Status": "SUCCESS", "UniqueId": number, "Data": f"d{number}"}).encode()) == 200
    assert stack.rest().status == "CREATE_COMPLETE"
    assert json.loads(stack.outputs["Data"]) == {"1": "d1", "2": "d2"}
    assert stack.delete().status == "DELETE_COMPLETE"
    assert put(handle, b"{}") == 403


def test_a_failure_signal_fails_the_condition(live: Live) -> None:
    """FAILURE with a reason, or no signal in time, fails the resource."""
    condition = {"Type": "AWS::CloudFormation::WaitCondition"}
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    late = {**condition, "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "0"}}
    stack = live.stack(resources(Handle=handle, Condition=late))
    assert stack.reason("Condition", "CREATE_FAILED") == (
        "WaitCondition timed out. Received 0 conditions when expecting 1"
    )
    failing = {**condition, "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"}}
    stack = live.begin(resources(Handle=handle, Condition=failing))
    put(_handle(stack), json.dumps({"Status": "FAILURE", "UniqueId": "1", "Reason": "disk full"}).encode())
    assert stack.rest().status == "ROLLBACK_COMPLETE"
    assert "disk full" in stack.reason("Condition", "CREATE_FAILED")


def test_a_custom_types_name_is_checked(live: Live) -> None:
    """A type that is no custom resource's name is not one; the service token is required."""
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[Custom::no spaces\]"):
        live.begin(resources(Thing={"Type": "Custom::no spaces", "Properties": {"ServiceToken": "x"}}))
    with pytest.raises(ClientError, match=r"required key \[ServiceToken\] not found"):
        live.begin(resources(Thing={"Type": "Custom::Thing"}))


def _handle(stack: Any) -> str:
    """Wait until the handle is made and return its URL."""
    while True:
        found = [event for event in stack.events("CREATE_COMPLETE") if event["LogicalResourceId"] == "Handle"]
        if found:
            return str(found[0]["PhysicalResourceId"])
