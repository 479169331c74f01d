"""sagemaker-runtime: InvokeEndpoint, answered by the endpoint's own model server."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.jobs import serving
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.sagemaker.data_capture import Exchange
from lockgate_twin.services.sagemaker.endpoint_record import Endpoint
from lockgate_twin.services.sagemaker.endpoints import Endpoints
from lockgate_twin.services.sagemaker.errors import ModelError
from lockgate_twin.services.sagemaker.fleet import Variant
from lockgate_twin.services.sagemaker.names import Named, place

REFUSED = (
    "TargetModel",
    "TargetContainerHostname",
    "EnableExplanations",
    "InferenceComponentName",
    "SessionId",
    "PrefixAwareId",
)
MESSAGE_CHARACTERS = 2000


class Runtime:
    """The operations of sagemaker-runtime."""

    name = "sagemaker-runtime"

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {"InvokeEndpoint": self.invoke}

    def invoke(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Send a request to an endpoint's container.

        Raises:
            ApiError: ValidationError for an endpoint or variant that does not serve.
            ModelError: the container answered with an error, or not at all.
        """
        if refused := [name for name in REFUSED if name in parameters]:
            raise NotImplementedByTwin(f"InvokeEndpoint with {', '.join(refused)}")
        endpoint, variant = self._target(parameters, call)
        request = serving.Request(
            body=_body(parameters.get("Body", b"")),
            content_type=parameters.get("ContentType"),
            accept=parameters.get("Accept"),
            custom_attributes=parameters.get("CustomAttributes"),
        )
        response = variant.server.invoke(request)
        if response.status != HTTPStatus.OK:
            raise _model_error(variant, response)
        if capture := endpoint.captures.get(variant.name):
            exchange = Exchange(request=request, response=response, inference_id=parameters.get("InferenceId"))
            capture.record(exchange)
        answer = {
            "Body": response.body,
            "ContentType": response.content_type,
            "InvokedProductionVariant": variant.name,
            "CustomAttributes": response.custom_attributes,
        }
        return {name: value for name, value in answer.items() if value is not None}

    def _target(self, parameters: Mapping[str, Any], call: Call) -> tuple[Endpoint, Variant]:
        name, target = parameters["EndpointName"], parameters.get("TargetVariant")
        endpoint = self._endpoints.endpoints.get(Named(place(call), name))
        fleet = endpoint.serving(serving.ANSWER_SECONDS) if endpoint else None
        if endpoint is None or fleet is None:
            raise _not_serving(f"Endpoint {name} of account {call.account} not found.")
        variant = fleet.choose(target)
        if variant is None:
            raise _not_serving(f"Variant {target} of endpoint {name} of account {call.account} not found.")
        return endpoint, variant


def _not_serving(message: str) -> ApiError:
    # sagemaker-runtime spells its code differently from sagemaker (botocore shape ValidationError).
    return ApiError("ValidationError", message)


def _body(body: Any) -> bytes:
    data: bytes = body.read() if hasattr(body, "read") else body
    return data.encode() if isinstance(data, str) else data


def _model_error(variant: Variant, response: serving.Response) -> ModelError:
    told = response.body.decode(errors="replace")[:MESSAGE_CHARACTERS]
    kind = "client" if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR else "server"
    message = f'Received {kind} error ({response.status}) from primary with message "{told}". Log: {variant.log}'
    return ModelError(message, {"OriginalStatusCode": response.status, "OriginalMessage": told})
