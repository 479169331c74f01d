"""Publishing to SNS topics as an AWS service does: by permission of the topic's policy, and of its key's.

Source: SNS Developer Guide, "Example cases for Amazon SNS access control" (aws:SourceArn, aws:SourceAccount;
AWS:SourceOwner in a topic's default policy) and "Enable compatibility between event sources from AWS services and
encrypted topics" (kms:GenerateDataKey* and kms:Decrypt for the service's principal).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Administrators, Call, Context

ServiceMay = Callable[[str, str, str, Mapping[str, Any]], bool]
_OWN_KEY = "alias/aws/sns"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What is published."""

    message: str
    subject: str | None = None


class Topics:
    """The topics of the twin, written by their accounts' administrators after the service's permission was checked."""

    def __init__(self, context: Context, administrators: Administrators, may: ServiceMay) -> None:
        self._context, self._administrators = context, administrators
        self.may = may

    def publish(self, arn: str, notification: Notification, *, service: str, source_arn: str) -> None:
        """Publish on behalf of an AWS service (its principal) that acts for a resource.

        Raises:
            ApiError: AccessDeniedException, KMSAccessDenied, or what SNS answers.
        """
        account = source_arn.split(":")[4]
        keys = {"aws:SourceArn": source_arn, "aws:SourceAccount": account, "aws:SourceOwner": account}
        if not self.may(service, "sns:Publish", arn, keys):
            text = f"The policy of topic {arn} does not allow sns:Publish for {service} with source {source_arn}"
            raise ApiError("AccessDeniedException", f"{text}; add it to the topic's policy.", 403)
        client = self._client(*arn.split(":")[3:5])
        try:
            self._check_key(client, arn, service, keys)
            subject = {"Subject": notification.subject} if notification.subject else {}
            client.publish(TopicArn=arn, Message=notification.message, **subject)
        except ClientError as error:
            told = error.response["Error"]
            raise ApiError(
                told["Code"], told["Message"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            ) from error

    def _check_key(self, client: Any, arn: str, service: str, keys: Mapping[str, Any]) -> None:
        name = client.get_topic_attributes(TopicArn=arn)["Attributes"].get("KmsMasterKeyId")
        if not name:
            return
        region, account = arn.split(":")[3:5]
        key = self._key_arn(name, region, account)
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            if name == _OWN_KEY or not self.may(service, action, key, keys):
                text = f"The policy of key {name} does not allow {action} for {service}, which publishes to {arn}"
                raise ApiError("KMSAccessDenied", f"{text}; use a customer managed key whose policy allows it.", 400)

    def _key_arn(self, name: str, region: str, account: str) -> str:
        if name.startswith("arn:"):
            return name
        return f"arn:aws:kms:{region}:{account}:{name if name.startswith('alias/') else 'key/' + name}"

    def _client(self, region: str, account: str) -> Any:
        call = Call(
            principal=self._administrators(account),
            region=region,
            service="sns",
            operation="Publish",
            request_id=str(uuid.uuid4()),
        )
        return self._context.session(call).client("sns")
