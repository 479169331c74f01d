"""Service Catalog's errors (botocore, servicecatalog)."""

from __future__ import annotations

from lockgate_twin.errors import ApiError


def not_found(message: str) -> ApiError:
    """Return the error for something that does not exist, or that the caller must not see."""
    return ApiError("ResourceNotFoundException", message)


def invalid(message: str) -> ApiError:
    """Return the error for wrong parameters."""
    return ApiError("InvalidParametersException", message)


def in_use(message: str) -> ApiError:
    """Return the error for deleting what something else needs."""
    return ApiError("ResourceInUseException", message)


def duplicate(message: str) -> ApiError:
    """Return the error for what exists already."""
    return ApiError("DuplicateResourceException", message)
