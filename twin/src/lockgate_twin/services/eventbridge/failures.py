"""Why a delivery failed, in EventBridge's words, and whether trying again can help.

Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events" (error codes; missing
permissions and missing resources are not retried) and re:Post "EventBridge retries and DLQ" (429 and 5xx are
retried, other 4xx are not).
"""

from __future__ import annotations

from typing import Any

from lockgate_twin.errors import ApiError

_THROTTLES = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"})


class DeliveryError(Exception):
    """A target did not take an event. `code` is one of EventBridge's ERROR_CODE values."""

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry = retry


def delivery_error(error: Exception) -> DeliveryError:
    """Translate what a call to a target raised (ApiError or botocore's ClientError)."""
    code, message, status = _told(error)
    text = f"{code}: {message}"
    if status == 501:
        return DeliveryError("SDK_CLIENT_ERROR", text)
    if code in _THROTTLES or status == 429:
        return DeliveryError("THROTTLING", text, retry=True)
    if status >= 500:
        return DeliveryError("ERROR_FROM_TARGET", text, retry=True)
    if code.startswith("AccessDenied") or status == 403:
        return DeliveryError("NO_PERMISSIONS", text)
    if "NotFound" in code or "NonExistent" in code or status == 404:
        return DeliveryError("NO_RESOURCE", text)
    if "Validation" in code or "Invalid" in code:
        return DeliveryError("INVALID_PARAMETER", text)
    return DeliveryError("SDK_CLIENT_ERROR", text)


def _told(error: Exception) -> tuple[str, str, int]:
    if isinstance(error, ApiError):
        return error.code, error.message, error.status
    response: dict[str, Any] = getattr(error, "response", {})
    told = response.get("Error", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return str(told.get("Code", type(error).__name__)), str(told.get("Message", error)), int(status)
