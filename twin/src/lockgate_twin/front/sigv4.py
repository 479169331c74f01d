"""Verifies Signature Version 4 by signing the request again with the secret of its access key."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from lockgate_twin.credentials import Credentials
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import utc_now

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/,\s]+/\d{8}/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# AWS allows a clock skew of fifteen minutes ("Troubleshooting AWS SigV4 signing issues").
_SKEW = dt.timedelta(minutes=15)


def verify(environ: Mapping[str, Any], body: bytes, credentials: Credentials) -> None:
    """Check the signature, the clock and the session token of a request.

    Raises:
        ApiError: IncompleteSignature, RequestExpired, InvalidClientTokenId, SignatureDoesNotMatch, or
            XAmzContentSHA256Mismatch for a body that is not the one that was signed.
    """
    match = _HEADER.fullmatch(environ.get("HTTP_AUTHORIZATION", "").strip())
    if match is None:
        message = "The twin reads SigV4 from the Authorization header; this one is missing or malformed."
        raise ApiError("IncompleteSignature", message, 403)
    _check_time(environ)
    if (credentials.session_token or "") != environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""):
        message = "The security token included in the request is invalid."
        raise ApiError("InvalidClientTokenId", message, 403)
    if not hmac.compare_digest(_signature(environ, body, credentials, match), match["signature"]):
        message = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
        raise ApiError("SignatureDoesNotMatch", message, 403)
    declared = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
    if _SHA256.fullmatch(declared) and hashlib.sha256(body).hexdigest() != declared:
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise ApiError("XAmzContentSHA256Mismatch", message)


def _check_time(environ: Mapping[str, Any]) -> None:
    try:
        text = environ.get("HTTP_X_AMZ_DATE", "")
        signed_at = dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise ApiError("IncompleteSignature", "The X-Amz-Date header is missing or malformed.", 403) from error
    if abs(utc_now() - signed_at) > _SKEW:
        raise ApiError("RequestExpired", f"Signature expired: {text} is too far from the current time.", 403)


def _signature(environ: Mapping[str, Any], body: bytes, credentials: Credentials, match: re.Match[str]) -> str:
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotoCredentials

    secret = BotoCredentials(credentials.access_key_id, credentials.secret_access_key)
    kind = S3SigV4Auth if match["service"] == "s3" else SigV4Auth
    signer = kind(secret, match["service"], match["region"])
    raw_path = environ.get("RAW_URI") or environ["PATH_INFO"]
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{raw_path}",
        headers={name: _header(environ, name) for name in match["headers"].split(";")},
        data=body,
    )
    request.context["timestamp"] = environ["HTTP_X_AMZ_DATE"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}", ""))
