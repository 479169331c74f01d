"""Sends to SQS queues through the twin's own API."""

from __future__ import annotations

import uuid

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Administrators, Call, Context
from lockgate_twin.services.eventbridge.ports import Message


class SessionQueues:
    """Queues, written by their accounts' administrators: whoever uses this has checked the queue's policy."""

    def __init__(self, context: Context, administrators: Administrators) -> None:
        self._context = context
        self._administrators = administrators

    def send(self, queue_arn: str, message: Message) -> None:
        """Put a message into a queue.

        Raises:
            ApiError: the queue does not exist or does not take the message.
        """
        _, _, _, region, account, name = queue_arn.split(":", 5)
        client = self._context.session(self._call(account, region)).client("sqs")
        extra = {"MessageGroupId": message.group_id} if message.group_id else {}
        try:
            client.send_message(
                QueueUrl=f"{self._context.settings.endpoint_url}/{account}/{name}",
                MessageBody=message.body,
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value} for key, value in message.attributes.items()
                },
                **extra,
            )
        except ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise ApiError(told["Code"], told["Message"], status) from error

    def _call(self, account: str, region: str) -> Call:
        return Call(
            principal=self._administrators(account),
            region=region,
            service="sqs",
            operation="SendMessage",
            request_id=str(uuid.uuid4()),
        )
