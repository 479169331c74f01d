"""Git's smart HTTP protocol at CodeCommit's clone URLs, `/v1/repos/<name>`, with `git http-backend` as CGI.

Source: "HTTPS connections to AWS CodeCommit" (CodeCommit User Guide) for the URL and the permissions
codecommit:GitPull and codecommit:GitPush; git-http-backend(1) for the CGI variables.
Assumption: the twin takes the access key id as user and the secret access key as password, where AWS's
credential helper sends a signature made with them. The condition key codecommit:References is not evaluated.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Principal
from lockgate_twin.services.codecommit.git import ENVIRONMENT
from lockgate_twin.services.codecommit.repositories import Repository, repository_arn, valid_name
from lockgate_twin.services.codecommit.service import CodeCommit

Authenticate = Callable[[str, str], Principal | None]
StartResponse = Callable[..., Any]

PREFIX = "/v1/repos/"
_PATH = re.compile(r"/v1/repos/(?P<name>[^/]+)/(?P<route>info/refs|git-upload-pack|git-receive-pack)")
_CHUNK = 1 << 16
_PASSED_ON = {"HTTP_CONTENT_ENCODING": "HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL": "GIT_PROTOCOL"}


@dataclass(frozen=True, kw_only=True)
class _Route:
    """What a request asks for."""

    name: str
    route: str
    pushes: bool

    @property
    def operation(self) -> str:
        return "GitPush" if self.pushes else "GitPull"


@dataclass(kw_only=True, eq=False)
class _Refusal(Exception):
    """A request that is answered with a status and one line, which git shows to its user."""

    status: str
    line: str


class GitHttp:
    """A WSGI application that serves the repositories of one CodeCommit to git clients."""

    def __init__(self, codecommit: CodeCommit, authenticate: Authenticate) -> None:
        self._codecommit = codecommit
        self._authenticate = authenticate
        self._region = codecommit.context.settings.region

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request of git."""
        try:
            principal = self._principal(environ)
            route = _route(environ)
            repository = self._repository(route, principal)
            body = _spooled_body(environ)
        except _Refusal as refusal:
            return _refuse(refusal, start_response)
        cgi = _cgi(environ, route, repository, principal)
        if route.route == "git-receive-pack":
            return self._receive(repository, principal, body, cgi, start_response)
        return _streamed(cgi, body, start_response)

    def _principal(self, environ: Mapping[str, Any]) -> Principal:
        user, password = _basic(environ.get("HTTP_AUTHORIZATION", ""))
        principal = self._authenticate(user, password)
        if principal is None:
            line = f"The access key '{user}' is not known to the twin or its secret is wrong."
            raise _Refusal(status="403 Forbidden", line=line)
        return principal

    def _repository(self, route: _Route, principal: Principal) -> Repository:
        call = Call(
            principal=principal,
            region=self._region,
            service="codecommit",
            operation=route.operation,
            request_id=str(uuid.uuid4()),
        )
        arn = repository_arn(principal.account, self._region, route.name)
        try:
            self._codecommit.context.session(call).require(f"codecommit:{route.operation}", arn)
        except ApiError as error:
            raise _Refusal(status="403 Forbidden", line=error.message) from error
        repository = self._codecommit.repositories.find(principal.account, self._region, route.name)
        if repository is None:
            line = f"There is no repository '{route.name}' in account {principal.account}, {self._region}."
            raise _Refusal(status="404 Not Found", line=line)
        return repository

    def _receive(
        self,
        repository: Repository,
        principal: Principal,
        body: IO[bytes],
        cgi: Mapping[str, str],
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Take a push. Its answer is short, and is only given once the events are on their way."""
        with self._codecommit.references.watched(repository, principal.arn):
            return list(_streamed(cgi, body, start_response))


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        line = "Give an access key id as user and its secret access key as password."
        raise _Refusal(status="401 Unauthorized", line=line)
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _Refusal(status="401 Unauthorized", line="The Authorization header is malformed.") from None
    return user, password


def _route(environ: Mapping[str, Any]) -> _Route:
    match = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    if match is None or not valid_name(match["name"]):
        raise _Refusal(status="404 Not Found", line="This is not the URL of a repository.")
    name, route = match["name"], match["route"]
    if route != "info/refs":
        return _Route(name=name, route=route, pushes=route == "git-receive-pack")
    query = environ.get("QUERY_STRING", "")
    if query not in {"service=git-upload-pack", "service=git-receive-pack"}:
        line = "Only git's smart HTTP protocol is served here; use git 1.6.6 or later."
        raise _Refusal(status="403 Forbidden", line=line)
    return _Route(name=name, route=route, pushes=query.endswith("receive-pack"))


def _spooled_body(environ: Mapping[str, Any]) -> IO[bytes]:
    """Copy the request's body to a file: packs are large, and git reads and writes at its own pace."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - _streamed closes it
    length, stream = environ.get("CONTENT_LENGTH"), environ["wsgi.input"]
    if length:
        if not (length.isascii() and length.isdigit()):
            raise _Refusal(status="400 Bad Request", line="The Content-Length header is no number of bytes.")
        left = int(length)
        while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
            spool.write(chunk)
            left -= len(chunk)
    elif environ.get("wsgi.input_terminated"):
        shutil.copyfileobj(stream, spool, _CHUNK)
    elif "chunked" in environ.get("HTTP_TRANSFER_ENCODING", ""):
        line = "This server does not take chunked bodies; set git's http.postBuffer to 524288000."
        raise _Refusal(status="411 Length Required", line=line)
    spool.seek(0)
    return spool


def _cgi(environ: Mapping[str, Any], route: _Route, repository: Repository, principal: Principal) -> dict[str, str]:
    variables = {
        **ENVIRONMENT,
        "GIT_PROJECT_ROOT": str(repository.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.path.name}/{route.route}",
        "QUERY_STRING": environ.get("QUERY_STRING", ""),
        "REQUEST_METHOD": environ["REQUEST_METHOD"],
        "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
        "REMOTE_USER": principal.access_key_id,
        "REMOTE_ADDR": environ.get("REMOTE_ADDR", "127.0.0.1"),
    }
    if environ.get("CONTENT_LENGTH"):
        variables["CONTENT_LENGTH"] = environ["CONTENT_LENGTH"]
    return variables | {to: environ[name] for name, to in _PASSED_ON.items() if environ.get(name)}


def _streamed(cgi: Mapping[str, str], body: IO[bytes], start_response: StartResponse) -> Iterator[bytes]:
    """Run `git http-backend` and pass its answer on as it comes."""
    with (
        body,
        subprocess.Popen(
            ["git", "http-backend"], stdin=body, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(cgi)
        ) as process,
    ):
        output = cast("io.BufferedReader", process.stdout)
        status, headers = _headers(output)
        start_response(status, headers)
        while chunk := output.read1(_CHUNK):
            yield chunk


def _headers(output: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    headers = []
    while line := output.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    if not headers:
        return "500 Internal Server Error", []
    status = next((value for name, value in headers if name.lower() == "status"), "200 OK")
    return status, [(name, value) for name, value in headers if name.lower() != "status"]


def _refuse(refusal: _Refusal, start_response: StartResponse) -> list[bytes]:
    body = f"{refusal.line}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if refusal.status.startswith("401"):
        headers.append(("WWW-Authenticate", 'Basic realm="AWS CodeCommit"'))
    start_response(refusal.status, headers)
    return [body]
