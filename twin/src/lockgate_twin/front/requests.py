"""An HTTP request -> which service, which operation, with which members. Protocols per botocore's models."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lockgate_twin import botocore_data
from lockgate_twin.errors import ApiError

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
# Signing names that differ from botocore's service names.
_SIGNING_NAMES = {"monitoring": "cloudwatch", "catalog": "servicecatalog"}
_LOOPBACK = ("127.0.0.1", "localhost")
MAX_BODY = 512 * 1024 * 1024


@dataclass(frozen=True)
class Signed:
    """What the Authorization header (or a presigned URL) says: whose key, which region and service."""

    access_key_id: str
    region: str
    service: str


@dataclass(frozen=True)
class Request:
    """A parsed request."""

    service: str
    operation: str
    parameters: dict[str, Any]


def signed(environ: Mapping[str, Any]) -> Signed | None:
    """Return what the request is signed with, or None for an unsigned one."""
    text = environ.get("HTTP_AUTHORIZATION", "")
    if match := _CREDENTIAL.search(text):
        return Signed(match[1], match[2], _SIGNING_NAMES.get(match[3], match[3]))
    from urllib.parse import parse_qs

    query = parse_qs(environ.get("QUERY_STRING", ""))
    parts = query.get("X-Amz-Credential", [""])[0].split("/")
    return Signed(parts[0], parts[2], parts[3]) if len(parts) == 5 else None


def read_body(environ: Mapping[str, Any]) -> bytes:
    """Read the whole body.

    Raises:
        ApiError: RequestEntityTooLarge above 512 MiB; IncompleteBody for one that ends early or whose chunks are
            malformed; InvalidRequest for a Content-Length that is no number.
    """
    given = str(environ.get("CONTENT_LENGTH") or 0)
    if not (given.isascii() and given.isdigit()):
        raise ApiError("InvalidRequest", f"Content-Length: '{given}' is no number of bytes.")
    length, chunked = int(given), "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "")
    try:
        body = bytes(environ["wsgi.input"].read(MAX_BODY + 1 if chunked else min(length, MAX_BODY + 1)))
    except (OSError, ValueError) as error:
        raise ApiError("IncompleteBody", f"The request body cannot be read to its end: {error}") from error
    if len(body) > MAX_BODY:
        raise ApiError("RequestEntityTooLarge", "The request body is larger than 512 MiB.", 413)
    if not chunked and len(body) < length:
        raise ApiError("IncompleteBody", f"The request body ends after {len(body)} of {length} bytes.")
    return body


@cache
def _regions() -> frozenset[str]:
    partitions = botocore_data.loader().load_data("endpoints")["partitions"]
    return frozenset(region for p in partitions if p["partition"] == "aws" for region in p["regions"])


def check_host(environ: Mapping[str, Any]) -> None:
    """Check that a request names its host, which every signature covers.

    Raises:
        ApiError: IncompleteSignature.
    """
    if "HTTP_HOST" not in environ:
        raise ApiError("IncompleteSignature", "The request has no Host header, which its signature must cover.", 403)


def check_region(region: str) -> None:
    """Check that a request is signed for a region of the partition "aws".

    Raises:
        ApiError: SignatureDoesNotMatch, as AWS words it ("Troubleshooting AWS SigV4 signing issues").
    """
    if region not in _regions():
        message = f"Credential should be scoped to a valid region, not '{region}'."
        raise ApiError("SignatureDoesNotMatch", message, 403)


@cache
def service_model(service: str) -> Any:
    """Return botocore's model of a service.

    Raises:
        ApiError: UnknownService.
    """
    from botocore.exceptions import UnknownServiceError
    from moto.core.utils import get_service_model

    try:
        return get_service_model(service)
    except UnknownServiceError as error:
        raise ApiError("UnknownService", f"'{service}' is no AWS service that botocore knows.", 404) from error


def parse(environ: dict[str, Any], service: str, body: bytes) -> Request:
    """Parse a request of a service.

    Raises:
        ApiError: UnknownOperationException, or SerializationException for a body that cannot be read.
    """
    if service == "sagemaker" and "/endpoints/" in environ["PATH_INFO"]:
        service = "sagemaker-runtime"
    try:
        return _parse(environ, service, body)
    except ApiError:
        raise
    except Exception as error:
        raise ApiError("SerializationException", f"The {service} request cannot be read: {error}") from error


def prepare(service: str) -> None:
    """Read a service's model, and make what finds a REST request's operation, before the first request waits for it."""
    from moto.core.routing import get_service_router

    protocol = service_model(service).protocol
    if protocol.startswith("rest-"):
        get_service_router(service)._get_router(protocol)


def _parse(environ: dict[str, Any], service: str, body: bytes) -> Request:
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import Request as MotoRequest
    from moto.core.request import determine_request_protocol

    model = service_model(service)
    if service == "s3":
        _require_path_style(environ["HTTP_HOST"])
    if environ.get("CONTENT_TYPE", "").startswith("application/cbor"):
        raise ApiError("NotImplemented", f"The twin reads {service} requests in JSON, not in CBOR.", 501)
    request = MotoRequest({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    operation, uri_parameters = _operation(model, service, request, environ)
    if service == "s3":
        return Request(service, operation, _s3_members(model.operation_model(operation), request, uri_parameters))
    if model.protocol in {"json", "smithy-rpc-v2-cbor"}:
        _require_json_object(body)
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)]
    parsed = parser(model.operation_model(operation), map_type=dict).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": body,
            "url_path": request.path,
            "url_params": uri_parameters,
        }
    )
    return Request(service, operation, dict(parsed or {}))


def _require_path_style(host: str) -> None:
    if host.rpartition(":")[0] not in _LOOPBACK:
        message = f"The twin serves S3 path-style URLs on 127.0.0.1, not the host '{host}'; use addressing_style=path."
        raise ApiError("InvalidRequest", message)


def _s3_members(operation: Any, request: Any, uri_parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of path, query and headers by name. The body (an object, mostly) is not read.

    A query argument that belongs to no member is none, whatever its name: `?Key=...` never names a key.
    """
    members = dict(uri_parameters)
    places = {"querystring": request.args, "header": request.headers}
    for name, member in (operation.input_shape.members if operation.input_shape else {}).items():
        found = places.get(member.serialization.get("location"), {}).get(member.serialization.get("name", name))
        if found is not None:
            members[name] = found
    return members


def _require_json_object(body: bytes) -> None:
    if body and not isinstance(json.loads(body), dict):
        raise ValueError("the body is not a JSON object.")


def _operation(model: Any, service: str, request: Any, environ: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import HTTPException

    name = _named_operation(model, request, environ)
    if name:
        if name not in model.operation_names:
            raise ApiError("UnknownOperationException", f"'{name}' is no operation of {service}.")
        return name, {}
    try:
        operation, uri_parameters = get_service_router(service).match(request)
    except HTTPException as error:
        path = f"{request.method} {request.path}"
        raise ApiError("UnknownOperationException", f"{path} is no operation of {service}.", 404) from error
    return operation.name, dict(uri_parameters)


def _named_operation(model: Any, request: Any, environ: Mapping[str, Any]) -> str:
    """Return the operation that a request names; a REST request is known by its method and path alone."""
    if model.protocol.startswith("rest-"):
        return ""
    if model.protocol not in {"query", "ec2"}:
        return str(environ.get("HTTP_X_AMZ_TARGET") or "").rpartition(".")[2]
    named = [*request.form.getlist("Action"), *request.args.getlist("Action")]
    if len(named) > 1:
        raise ApiError("MalformedQueryString", "The request names more than one Action.")
    return named[0] if named else ""
