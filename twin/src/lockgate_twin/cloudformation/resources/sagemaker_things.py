"""What the SageMaker types share: names, tags, and how SageMaker says that something is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from lockgate_twin.cloudformation.resources.adapter import Request

_CODES = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
_MARKS = ("could not find", "does not exist", "cannot find")


def is_missing(error: ClientError) -> bool:
    """Tell whether an error says "is not there": SageMaker's code for it is the general ValidationException."""
    found = error.response["Error"]
    code, message = str(found.get("Code", "")), str(found.get("Message", "")).lower()
    return code in _CODES or (code == "ValidationException" and any(mark in message for mark in _MARKS))


@contextmanager
def ignoring_missing() -> Iterator[None]:
    """Take "is not there" as success."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def name_of(request: Request, attribute: str) -> str:
    """Return a thing's own name, which its ARN may spell in lower case."""
    return str(request.attributes.get(attribute) or request.physical_id.rpartition("/")[2])


def change_tags(request: Request, arn: str) -> None:
    """Bring a thing's tags to those asked for."""
    added, removed = request.tag_changes
    if added:
        request.client("sagemaker").add_tags(ResourceArn=arn, Tags=added)
    if removed:
        request.client("sagemaker").delete_tags(ResourceArn=arn, TagKeys=removed)
