"""What callers of SageMaker see when a service behind it refuses.

CreateProject answers what Service Catalog refuses as ValidationException with the same text (seen in
aws-samples/sagemaker-studio-emr, issue 42). Assumption: a missing permission stays AccessDeniedException.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError


def validation(message: str) -> ApiError:
    """Return SageMaker's error for a wrong request."""
    return ApiError("ValidationException", message)


@contextmanager
def told_by_sagemaker() -> Iterator[None]:
    """Turn errors of other services' clients into SageMaker's.

    Raises:
        ApiError: instead of botocore's ClientError.
    """
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        code, message = told["Code"], told.get("Message", "")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code.startswith("AccessDenied"):
            raise ApiError("AccessDeniedException", message, 400) from error
        if status >= 500:
            raise ApiError(code, message, status) from error
        raise validation(message) from error
