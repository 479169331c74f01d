"""Verifies presigned URLs (S3 API Reference, "Authenticating Requests: Using Query Parameters")."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

from lockgate_twin.credentials import Credentials
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import utc_now

_NEEDED = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
_WEEK = 7 * 24 * 3600
# A presigned URL may be used up to the clock skew before the time it was made.
_SKEW = dt.timedelta(minutes=15)


def is_presigned(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request carries its signature in the query string."""
    return "X-Amz-Signature=" in environ.get("QUERY_STRING", "") and "HTTP_AUTHORIZATION" not in environ


def refuse_version_2(environ: Mapping[str, Any]) -> None:
    """Refuse Signature Version 2, which S3 does for every bucket made since June 2020.

    Raises:
        ApiError: InvalidRequest, naming the remedy.
    """
    query = environ.get("QUERY_STRING", "")
    if "AWSAccessKeyId=" in query or str(environ.get("HTTP_AUTHORIZATION", "")).startswith("AWS "):
        message = (
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256 "
            '(boto3: Config(signature_version="s3v4"); AWS CLI: aws configure set default.s3.signature_version s3v4).'
        )
        raise ApiError("InvalidRequest", message)


def verify(environ: Mapping[str, Any], credentials: Credentials) -> None:
    """Check the signature, the period and the session token of a presigned URL.

    Raises:
        ApiError: AuthorizationQueryParametersError, AccessDenied for an expired URL, InvalidClientTokenId or
            SignatureDoesNotMatch.
    """
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if missing := [name for name in _NEEDED if not query.get(name)]:
        raise _wrong(f"Query-string authentication version 4 requires {', '.join(missing)}.")
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        raise _wrong('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
    _check_period(query)
    if (credentials.session_token or "") != query.get("X-Amz-Security-Token", ""):
        raise ApiError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    if not hmac.compare_digest(_signature(environ, query, credentials), query["X-Amz-Signature"]):
        message = "The request signature we calculated does not match the signature you provided. Check your key."
        raise ApiError("SignatureDoesNotMatch", message, 403)


def _check_period(query: Mapping[str, str]) -> None:
    try:
        made = dt.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        seconds = int(query["X-Amz-Expires"])
    except ValueError as error:
        raise _wrong(f"X-Amz-Date or X-Amz-Expires is malformed: {error}.") from error
    if not 0 < seconds <= _WEEK:
        raise _wrong("X-Amz-Expires must be between 1 and 604800 seconds.")
    if not made - _SKEW <= utc_now() <= made + dt.timedelta(seconds=seconds):
        raise ApiError("AccessDenied", "Request has expired", 403)


def _signature(environ: Mapping[str, Any], query: Mapping[str, str], credentials: Credentials) -> str:
    from botocore.auth import S3SigV4QueryAuth, SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotoCredentials

    _, _, region, service, _ = query["X-Amz-Credential"].split("/")
    secret = BotoCredentials(credentials.access_key_id, credentials.secret_access_key)
    signer = (S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth)(secret, service, region)
    path = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
    rest = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query.items() if k != "X-Amz-Signature")
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{path}?{rest}",
        headers={name: _header(environ, name) for name in query["X-Amz-SignedHeaders"].split(";")},
    )
    request.context["timestamp"] = query["X-Amz-Date"]
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}", ""))


def _wrong(message: str) -> ApiError:
    return ApiError("AuthorizationQueryParametersError", message)
