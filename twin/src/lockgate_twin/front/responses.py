"""A handler's result or an error -> an HTTP response in the service's protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from lockgate_twin.errors import ApiError

_JSON = {"json", "rest-json"}


@dataclass(frozen=True)
class Response:
    """Status, headers and body."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)


def wire_protocol(model: Any) -> str:
    """Return the protocol that a service's clients speak: botocore prefers a service's JSON over its CBOR."""
    protocol = str(model.protocol)
    return "json" if protocol == "smithy-rpc-v2-cbor" else protocol


def success(model: Any, operation: str, result: Mapping[str, Any] | None, request_id: str) -> Response:
    """Serialize a handler's result."""
    from moto.core.serialize import SerializationContext, get_serializer_class

    protocol = wire_protocol(model)
    serializer = get_serializer_class(model.service_name, protocol)(
        operation_model=model.operation_model(operation), context=SerializationContext(request_id)
    )
    result = dict(result or {})
    answer = serializer.serialize(result)
    body = answer["body"]
    data = body.encode() if isinstance(body, str) else bytes(body or b"")
    headers = {str(k): str(v) for k, v in answer["headers"].items()}
    status = int(answer["status_code"])
    # moto's serializers keep their own content type and status where the model binds members to them.
    for name, place, key in _bound_members(model.operation_model(operation).output_shape):
        if result.get(name) is not None and place == "statusCode":
            status = int(result[name])
        elif result.get(name) is not None and key == "Content-Type":
            headers["Content-Type"] = str(result[name])
    return Response(status, data, list(headers.items()))


def _bound_members(shape: Any) -> Iterator[tuple[str, str, str]]:
    for name, member in (shape.members if shape is not None else {}).items():
        if place := member.serialization.get("location"):
            yield name, place, member.serialization.get("name", "")


def failure(model: Any | None, error: ApiError, request_id: str) -> Response:
    """Serialize an error as the service's SDKs expect it."""
    protocol = wire_protocol(model) if model is not None else "json"
    if protocol in _JSON:
        details = getattr(error, "details", {})
        body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message, **details})
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", error.code)]
        return Response(error.status, body.encode(), headers)
    code, message = escape(error.code), escape(error.message)
    if model is not None and model.service_name == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    else:
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    return Response(error.status, (declaration + text).encode(), [("Content-Type", "text/xml")])
