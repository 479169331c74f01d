"""Providers of custom resources: Lambda functions that do what a resource's properties tell them to."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.support.function_archives import archive
from tests.twin.cloudformation.live import Live
from tests.twin.cloudformation.world import document, statement

# `Say` is merged into the response, `Body` is sent in its place; each request is noted in the queue.
SOURCE = """
    import boto3, json, os, urllib.request

    def handler(event, context):
        properties = event["ResourceProperties"]
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
        said = json.loads(properties.get("Say", "{}")).get(event["RequestType"], {})
        if said == "nothing":
            return
        response = {
            "Status": "SUCCESS",
            "PhysicalResourceId": properties.get("Id", "made-" + event["LogicalResourceId"]),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            **said,
        }
        response = {name: value for name, value in response.items() if value is not None}
        body = properties.get("Body") or json.dumps(response)
        request = urllib.request.Request(event["ResponseURL"], data=body.encode(), method="PUT")
        request.add_header("Content-Type", "")
        urllib.request.urlopen(request)
"""


class Provider:
    """A function, and the queue in which it notes what it is asked."""

    def __init__(self, live: Live) -> None:
        self._live = live
        name = f"provider-{uuid.uuid4().hex[:8]}"
        self._queue = live.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        iam = live.client("iam")
        trust = statement(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        send = statement(Action="sqs:SendMessage", Resource="*")
        iam.put_role_policy(RoleName=name, PolicyName="send", PolicyDocument=document(send))
        self.arn: str = live.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="index.handler",
            Role=role,
            Timeout=30,
            Code={"ZipFile": archive(SOURCE)},
            Environment={"Variables": {"QUEUE": self._queue}},
        )["FunctionArn"]

    def resource(self, say: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
        """Return a custom resource; `say` gives for each request type what the response is to say."""
        told = {"Say": json.dumps(say)} if say else {}
        return {"Type": "Custom::Thing", "Properties": {"ServiceToken": self.arn, **told, **properties}}

    def requests(self) -> list[dict[str, Any]]:
        """Return what the function was asked since the last time, in order."""
        sqs, found = self._live.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def asked(self) -> list[tuple[str, str | None]]:
        """Return the types and physical ids of the requests since the last time."""
        return [(item["RequestType"], item.get("PhysicalResourceId")) for item in self.requests()]
