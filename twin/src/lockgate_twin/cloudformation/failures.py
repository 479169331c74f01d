"""How CloudFormation words what went wrong: API errors and the reasons of failed resources."""

from __future__ import annotations

import re
import uuid
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError, TwinError

_HANDLER_CODES = (
    ("AccessDenied", r"access.?denied|unauthorized|forbidden|notauthorized"),
    ("AlreadyExists", r"already.?exists|resourceinuse|resourceconflict|alreadyowned|nameexists"),
    ("NotFound", r"notfound|nosuch|doesnotexist|nonexistent"),
    ("Throttling", r"throttl|toomanyrequests"),
    ("ServiceLimitExceeded", r"limitexceeded"),
    ("InvalidRequest", r"validation|invalid|malformed"),
)


class ResourceFailed(TwinError):
    """One resource could not be made, changed or deleted.

    `reason` is its ResourceStatusReason; `leftover` is what a failed replacement has made and must be cleaned up.
    """

    def __init__(self, logical_id: str, reason: str, leftover: Any = None) -> None:
        super().__init__(f"{logical_id}: {reason}")
        self.logical_id = logical_id
        self.reason = reason
        self.leftover = leftover


class HandlerFailed(TwinError):
    """A resource handler gives up: `code` is a HandlerErrorCode of CloudFormation's resource providers."""

    def __init__(self, message: str, code: str = "GeneralServiceException") -> None:
        super().__init__(message)
        self.code = code


class Unsuccessful(TwinError):
    """A resource has failed for a reason that stack events show word for word."""


def invalid(message: str) -> ApiError:
    """Return a ValidationError, the one code CloudFormation has for nearly every refused request."""
    return ApiError("ValidationError", message)


def reason_of(error: Exception) -> str:
    """Word an error as the ResourceStatusReason that CloudFormation shows for its resource providers.

    Source: "Handler error codes" of the CloudFormation CLI user guide, and the reasons seen in stack events:
    'Resource handler returned message: "..." (RequestToken: ..., HandlerErrorCode: ...)'.
    Assumption: what stands in brackets after an API's own message differs by service on AWS; here it is always the
    error code, the operation, the status and the request id.
    """
    if isinstance(error, Unsuccessful):
        return str(error)
    message, code = _details(error)
    return f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'


def _details(error: Exception) -> tuple[str, str]:
    if isinstance(error, ClientError):
        return _client_error(error)
    if isinstance(error, HandlerFailed):
        return str(error), error.code
    if isinstance(error, ApiError):
        return error.message, _handler_code(error.code)
    if isinstance(error, TwinError):
        return str(error), "GeneralServiceException"
    return f"{type(error).__name__}: {error}", "InternalFailure"


def _client_error(error: ClientError) -> tuple[str, str]:
    found = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    message = (
        f"{found.get('Message', '')} (Error Code: {found.get('Code', '')}, Operation: {error.operation_name}, "
        f"Status Code: {metadata.get('HTTPStatusCode', 400)}, Request ID: {metadata.get('RequestId', '')})"
    )
    return message, _handler_code(str(found.get("Code", "")))


def _handler_code(code: str) -> str:
    matches = (name for name, pattern in _HANDLER_CODES if re.search(pattern, code, re.IGNORECASE))
    return next(matches, "GeneralServiceException")
