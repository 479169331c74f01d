"""Errors of botocore as one clear sentence each: the cause and the next step."""

from __future__ import annotations

import re

from botocore import exceptions as boto

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
_NOT_AUTHORIZED = re.compile(r"(?:User|Principal): (?P<who>\S+) is not authorized to perform: (?P<action>\S+)")
_BAD_KEY = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
}


def explain(error: boto.BotoCoreError | boto.ClientError) -> str:
    """Return the sentence for an error of botocore."""
    if isinstance(error, boto.ClientError):
        return _refusal(error)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
        return "No AWS credentials were found: set AWS_PROFILE or sign in."
    if isinstance(error, boto.NoRegionError):
        return "No AWS region is set: set AWS_REGION or name one in your profile."
    if isinstance(error, boto.EndpointConnectionError | boto.ConnectTimeoutError | boto.ReadTimeoutError):
        endpoint = error.kwargs.get("endpoint_url", "its endpoint")
        return f"AWS does not answer at {endpoint}: check the network and AWS_ENDPOINT_URL."
    return f"{str(error).rstrip('.')}."


def _refusal(error: boto.ClientError) -> str:
    details = error.response.get("Error", {})
    code, message = details.get("Code", "Unknown"), details.get("Message", "").rstrip(".")
    if code in _DENIED:
        match = _NOT_AUTHORIZED.search(message)
        who = match["who"] if match else "the caller"
        action = match["action"].rstrip(",.") if match else error.operation_name
        return f"{who} may not {action}: grant it (see catalog/roles) or use the right profile. AWS said: {message}."
    if code in _BAD_KEY:
        return f"AWS does not accept these credentials ({code}): sign in again."
    return f"AWS refused {error.operation_name} ({code}): {message}."
