"""KMS keys of log groups: CloudWatch Logs itself must be allowed to use them.

Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS": the key's policy names
logs.<region>.amazonaws.com, as a rule with the encryption context kms:EncryptionContext:aws:logs:arn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.errors import ApiError

ServiceMay = Callable[[str, str, str, Mapping[str, Any]], bool]
_NEEDED = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
_ARN_PARTS = 6


def key_check(may: ServiceMay) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of CreateLogGroup."""

    def check(parameters: Mapping[str, Any]) -> None:
        key, group = str(parameters.get("kmsKeyId") or ""), parameters.get("logGroupName")
        if not key or not group:
            return
        parts = key.split(":", 5)
        arn = ":".join(["arn:aws:logs", *parts[3:5], "log-group", str(group)])
        keys = {"kms:EncryptionContext:aws:logs:arn": arn, "kms:EncryptionContextKeys": ["aws:logs:arn"]}
        service = f"logs.{parts[3]}.amazonaws.com" if len(parts) == _ARN_PARTS else ""
        if not service or not all(may(service, action, key, keys) for action in _NEEDED):
            message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
            raise ApiError("InvalidParameterException", message)

    return check
