"""An HTTP request -> which service, which operation, with which members. Protocols per botocore's models."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lockgate_twin.errors import ApiError

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
# Signing names that differ from botocore's service names.
_SIGNING_NAMES = {"monitoring": "cloudwatch", "catalog": "servicecatalog"}
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
        ApiError: RequestEntityTooLarge above 512 MiB.
    """
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY:
        raise ApiError("RequestEntityTooLarge", "The request body is larger than 512 MiB.", 413)
    stream = environ["wsgi.input"]
    if length:
        return bytes(stream.read(length))
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "")
    return bytes(stream.read()) if chunked else b""


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


def _parse(environ: dict[str, Any], service: str, body: bytes) -> Request:
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import Request as MotoRequest
    from moto.core.request import determine_request_protocol

    model = service_model(service)
    if environ.get("CONTENT_TYPE", "").startswith("application/cbor"):
        raise ApiError("NotImplemented", f"The twin reads {service} requests in JSON, not in CBOR.", 501)
    request = MotoRequest({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    operation, uri_parameters = _operation(model, service, request, environ)
    if service == "s3":
        return Request(service, operation, {**request.args.to_dict(), **uri_parameters})
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


def _operation(model: Any, service: str, request: Any, environ: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import HTTPException

    name = (environ.get("HTTP_X_AMZ_TARGET") or "").rpartition(".")[2]
    if not name and model.protocol in {"query", "ec2"}:
        name = request.form.get("Action") or request.args.get("Action") or ""
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
