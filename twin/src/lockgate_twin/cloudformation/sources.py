"""Where a request's template comes from: its text, or an object in S3.

Source: CreateStack's TemplateBody and TemplateURL (API reference); "Virtual hosting of buckets" of the S3 guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError

from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.template import MAXIMUM_BYTES, MAXIMUM_INLINE_BYTES
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session

_VIRTUAL = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
)
_PATH = re.compile(r"s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")


def template_text(parameters: Mapping[str, Any], session: Session, endpoint_url: str) -> str | None:
    """Return the text of the template a request gives, or None when it gives none.

    Raises:
        ApiError: ValidationError when both or an unreadable one are given, or it is too large.
    """
    body, url = parameters.get("TemplateBody"), parameters.get("TemplateURL")
    if body is not None and url is not None:
        raise invalid("You cannot specify both TemplateBody and TemplateURL")
    if body is not None and len(body.encode()) > MAXIMUM_INLINE_BYTES:
        raise invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
            f"length less than or equal to {MAXIMUM_INLINE_BYTES}"
        )
    if url is None:
        return body
    return _read(url, session, endpoint_url)


def _read(url: str, session: Session, endpoint_url: str) -> str:
    bucket, key, version = location(url, endpoint_url)
    chosen = {"VersionId": version} if version else {}
    try:
        content: bytes = session.client("s3").get_object(Bucket=bucket, Key=key, **chosen)["Body"].read()
        text = content.decode()
    except ClientError as error:
        raise invalid(
            f"S3 error: {error.response['Error'].get('Message', '')}\nFor more information check "
            "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        ) from error
    except UnicodeDecodeError as error:
        raise invalid("Template format error: unsupported structure.") from error
    if len(content) > MAXIMUM_BYTES:
        raise invalid(f"Template may not exceed {MAXIMUM_BYTES} bytes in size.")
    return text


def location(url: str, endpoint_url: str = "") -> tuple[str, str, str]:
    """Return bucket, key and version of a template's URL: https in either style, or path style on the endpoint.

    Raises:
        ApiError: ValidationError when it is not the URL of an S3 object.
    """
    parts = urlsplit(url)
    version = parse_qs(parts.query).get("versionId", [""])[0]
    path = unquote(parts.path.lstrip("/"))
    local = bool(endpoint_url) and parts.netloc == urlsplit(endpoint_url).netloc
    virtual = _VIRTUAL.fullmatch(parts.hostname or "")
    if parts.scheme == "https" and virtual and path:
        return virtual["bucket"], path, version
    bucket, _, key = path.partition("/")
    is_path_style = local or (parts.scheme == "https" and _PATH.fullmatch(parts.hostname or ""))
    if not is_path_style or not bucket or not key:
        raise _unsupported()
    return bucket, key, version


def _unsupported() -> ApiError:
    return invalid("TemplateURL must be a supported URL.")
