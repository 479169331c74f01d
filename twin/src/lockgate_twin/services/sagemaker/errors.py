"""SageMaker's errors as its API words them."""

from __future__ import annotations

from typing import Any

from lockgate_twin.errors import ApiError


class ModelError(ApiError):
    """The container behind an endpoint answered with an error (botocore shape ModelError, HTTP 424).

    `details` are the error's own members.
    """

    def __init__(self, message: str, details: dict[str, Any]) -> None:
        super().__init__("ModelError", message, 424)
        self.details = details


def validation(message: str) -> ApiError:
    """Return a ValidationException."""
    return ApiError("ValidationException", message)


def not_found(message: str) -> ApiError:
    """Return a ResourceNotFound."""
    return ApiError("ResourceNotFound", message)


def in_use(message: str) -> ApiError:
    """Return a ResourceInUse."""
    return ApiError("ResourceInUse", message)


def conflict(message: str) -> ApiError:
    """Return a ConflictException."""
    return ApiError("ConflictException", message)


def limit(message: str) -> ApiError:
    """Return a ResourceLimitExceeded."""
    return ApiError("ResourceLimitExceeded", message)
