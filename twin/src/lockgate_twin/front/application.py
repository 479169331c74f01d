"""The WSGI application: authenticate, parse, validate, authorize, then serve it ourselves or hand it to moto."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from lockgate_twin import moto_host, moto_operations
from lockgate_twin.authorization.authorizer import Authorizer
from lockgate_twin.credentials import CredentialTable
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.front import multi_delete, presigned, requests, responses, sigv4, streaming
from lockgate_twin.front.validation import validate
from lockgate_twin.ports import Call, Handler, Principal, Service

# Set by in-process callers (sessions.py): the principal is already known and nothing was sent over a wire.
PRINCIPAL_KEY = "lockgate.principal"
_DIGESTS = frozenset({"HTTP_CONTENT_MD5", "HTTP_X_AMZ_CHECKSUM_CRC32", "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"})
Check = Callable[[Mapping[str, Any]], None]
# What to do after moto took a request: its members, the account of the resource, the region.
Sequel = Callable[[Mapping[str, Any], str, str], None]
# Takes the environment and body of an unsigned request, or refuses it (ApiError).
Unsigned = Callable[[Mapping[str, Any], bytes], None]


class Front:
    """Every request to the twin passes here."""

    def __init__(self, moto: moto_host.MotoHost, authorizer: Authorizer, credentials: CredentialTable) -> None:
        self._moto = moto
        self._authorizer = authorizer
        self._credentials = credentials
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._checks: dict[tuple[str, str], Check] = {}
        self._sequels: dict[tuple[str, str], Sequel] = {}
        self._unsigned: dict[str, Unsigned] = {}

    def register(self, service: Service) -> None:
        """Serve a service's operations."""
        for operation, handler in service.operations().items():
            key = (service.name, operation)
            if key in self._handlers:
                raise ValueError(f"Two services of the twin claim {service.name}:{operation}.")
            self._handlers[key] = handler

    def check_before_moto(self, service: str, operation: str, check: Check) -> None:
        """Let `check` refuse (raise ApiError) what moto would accept and the twin would not do."""
        self._checks[(service, operation)] = check

    def accept_unsigned(self, prefix: str, accept: Unsigned) -> None:
        """Let `accept` take (or refuse: ApiError) unsigned requests to paths that start so."""
        self._unsigned[prefix] = accept

    def after_moto(self, service: str, sequel: Sequel, *operations: str) -> None:
        """Let `sequel` do what AWS does after these operations, and moto does not; it runs when moto took one."""
        self._sequels.update({(service, operation): sequel for operation in operations})

    def operations(self) -> list[tuple[str, str]]:
        """Return (service, operation) of everything the twin serves itself."""
        return sorted(self._handlers)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        request_id = str(uuid.uuid4())
        response = self._respond(environ, request_id)
        headers = [h for h in response.headers if h[0].lower() not in {"content-length", "connection"}]
        headers.append(("x-amzn-RequestId", request_id))
        if environ.get("REQUEST_METHOD") != "HEAD":
            headers.append(("Content-Length", str(len(response.body))))
        else:
            headers += [h for h in response.headers if h[0].lower() == "content-length"]
        start_response(f"{response.status} {_reason(response.status)}", headers)
        return [response.body]

    def _respond(self, environ: dict[str, Any], request_id: str) -> responses.Response:
        model = None
        try:
            body = requests.read_body(environ)
            signed = requests.signed(environ)
            if signed is None:
                if accept := self._acceptor(environ["PATH_INFO"]):
                    accept(environ, body)
                    return responses.Response(200, b"", [])
                presigned.refuse_version_2(environ)
                raise ApiError("MissingAuthenticationToken", "The request is not signed with AWS SigV4.", 403)
            requests.check_host(environ)
            requests.check_region(signed.region)
            model = requests.service_model(signed.service)
            principal = environ.get(PRINCIPAL_KEY) or self._authenticate(environ, signed.access_key_id, body)
            if streaming.is_streaming(environ):
                body = streaming.decoded(environ, body, self._credentials.find(signed.access_key_id))
            request = requests.parse(environ, signed.service, body)
            model = requests.service_model(request.service)
            call = Call(
                principal=principal,
                region=signed.region,
                service=request.service,
                operation=request.operation,
                request_id=request_id,
            )
            return self._serve(call, request.parameters, environ, body, model)
        except ApiError as error:
            return responses.failure(model, error, request_id)
        except Exception as error:  # noqa: BLE001 - a defect of the twin must still be answered as AWS would
            traceback.print_exc()
            defect = ApiError("InternalFailure", f"Defect in the twin: {type(error).__name__}: {error}", 500)
            return responses.failure(model, defect, request_id)

    def _acceptor(self, path: str) -> Unsigned | None:
        return next((accept for prefix, accept in self._unsigned.items() if path.startswith(prefix)), None)

    def _authenticate(self, environ: dict[str, Any], access_key_id: str, body: bytes) -> Principal:
        found = self._credentials.find(access_key_id)
        if found is None:
            message = "The security token included in the request is invalid."
            raise ApiError("InvalidClientTokenId", message, 403)
        if self._credentials.expired(found):
            message = "The security token included in the request is expired."
            raise ApiError("ExpiredToken", message, 403)
        if presigned.is_presigned(environ):
            presigned.verify(environ, found)
        else:
            sigv4.verify(environ, body, found)
        return found.principal

    def _serve(
        self, call: Call, parameters: dict[str, Any], environ: dict[str, Any], body: bytes, model: Any
    ) -> responses.Response:
        handler = self._handlers.get((call.service, call.operation))
        if handler is None and not _is_kept_by_moto(call):
            raise NotImplementedByTwin(f"{call.service}:{call.operation}")
        # S3's members travel in paths, headers and bodies of objects, which moto reads itself.
        if call.service != "s3":
            validate(model, call.operation, parameters)
        if (call.service, call.operation) == ("s3", "DeleteObjects"):
            return self._delete_objects(call, parameters, environ, body)
        account = self._authorize(call, parameters)
        if handler is not None:
            return responses.success(model, call.operation, handler(parameters, call), call.request_id)
        if check := self._checks.get((call.service, call.operation)):
            check(parameters)
        response = self._forward(call, environ, body, account)
        self._moto.kept(call.service, call.operation, parameters)
        if (sequel := self._sequels.get((call.service, call.operation))) and response.status < HTTPStatus.BAD_REQUEST:
            sequel(parameters, account, call.region)
        return response

    def _delete_objects(
        self, call: Call, parameters: Mapping[str, Any], environ: dict[str, Any], body: bytes
    ) -> responses.Response:
        each = replace(call, operation="DeleteObject")
        split = multi_delete.split(body, lambda entry: self._authorize(each, {**parameters, **entry}))
        if not split.allowed:
            return responses.Response(200, split.answer(b""), [("Content-Type", "application/xml")])
        # A body that was changed has another digest than the request's headers say.
        plain = {name: value for name, value in environ.items() if name not in _DIGESTS}
        owner = self._moto.bucket_policy(parameters["Bucket"])[1]
        answered = self._forward(call, plain, split.body, owner or call.account)
        self._moto.kept(call.service, call.operation, parameters)
        return replace(answered, body=split.answer(answered.body)) if split.refused else answered

    def _authorize(self, call: Call, parameters: Mapping[str, Any]) -> str:
        try:
            return self._authorizer.authorize(call, parameters)
        except ApiError:
            raise
        except Exception as error:
            # A malformed ARN, mostly: what cannot be mapped to permissions is denied, and named.
            traceback.print_exc()
            why = f"the twin cannot tell which permissions it needs ({type(error).__name__}: {error})"
            raise ApiError(
                "AccessDeniedException", f"{call.service}:{call.operation} is denied: {why}.", 403
            ) from error

    def _forward(self, call: Call, environ: dict[str, Any], body: bytes, account: str) -> responses.Response:
        from xml.parsers.expat import ExpatError

        try:
            status, headers, data = self._moto.forward(call.service, environ, body, account)
        except NotImplementedError as error:
            raise NotImplementedByTwin(f"{call.service}:{call.operation} ({error})") from error
        except ExpatError as error:
            message = f"The XML you provided was not well-formed or did not validate against our schema ({error})"
            raise ApiError("MalformedXML", message) from error
        except Exception as error:
            # moto fails on some members that AWS would refuse or take: the twin cannot tell which.
            traceback.print_exc()
            what = (
                f"{call.service}:{call.operation} with these members (moto ends with {type(error).__name__}: {error})"
            )
            raise NotImplementedByTwin(what) from error
        return responses.Response(status, data, headers)


def _is_kept_by_moto(call: Call) -> bool:
    return call.service in moto_host.SERVICES and call.operation in moto_operations.kept(call.service)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
