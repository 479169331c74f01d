"""Acting as a principal inside the twin: boto3 clients without a socket, inner checks, S3 without HTTP."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from lockgate_twin import botocore_data
from lockgate_twin.authorization.authorizer import Authorizer
from lockgate_twin.credentials import Credentials
from lockgate_twin.front.application import PRINCIPAL_KEY, Front
from lockgate_twin.moto_host import MotoHost, call_wsgi
from lockgate_twin.ports import Principal, Settings


class ClientFactory:
    """Makes boto3 clients whose requests go straight into the front of this process."""

    def __init__(self, front: Front, settings: Settings) -> None:
        import botocore.session

        self._front = front
        self._endpoint_url = settings.endpoint_url
        self._session = botocore.session.Session()
        self._session.register_component("data_loader", botocore_data.loader())
        # botocore's session builds its shared parts lazily and is not safe for concurrent first use.
        self._lock = threading.Lock()

    def client(self, service: str, region: str, credentials: Credentials) -> Any:
        """Return a client that acts with these credentials, without retries."""
        from botocore.config import Config

        with self._lock:
            client = self._session.create_client(
                service,
                region_name=region,
                endpoint_url=self._endpoint_url,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token,
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        client.meta.events.register("before-send", _in_process(self._front, credentials.principal))
        return client


def _in_process(front: Front, principal: Principal) -> Callable[..., Any]:
    def send(request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        data = body.encode() if isinstance(body, str) else bytes(body)
        status, headers, answer = call_wsgi(front, _environ(request, principal), data)
        return AWSResponse(request.url, status, _Headers(headers), _Raw(answer))

    return send


class _Headers(dict[str, str]):
    """Response headers, looked up in any case, as botocore does."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__({k.lower(): v for k, v in pairs})

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.lower(), default)

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).lower())


class _Raw(io.BytesIO):
    """The part of urllib3's response that botocore reads from."""

    def stream(self, **_: Any) -> Any:
        while chunk := self.read(1 << 20):
            yield chunk


def _environ(request: Any, principal: Principal) -> dict[str, Any]:
    url = urlsplit(request.url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path),
        "RAW_URI": url.path + (f"?{url.query}" if url.query else ""),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": url.netloc,
        PRINCIPAL_KEY: principal,
    }
    for name, value in request.headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = text
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return environ


class ActingSession:
    """A principal at work in one region (see `ports.Session`)."""

    def __init__(
        self,
        credentials: Credentials,
        region: str,
        *,
        clients: ClientFactory,
        authorizer: Authorizer,
        moto: MotoHost,
        endpoint_url: str,
    ) -> None:
        self.principal = credentials.principal
        self.region = region
        self._credentials = credentials
        self._factory = clients
        self._clients: dict[str, Any] = {}
        self._authorizer = authorizer
        self._moto = moto
        self._endpoint_url = endpoint_url

    @property
    def account(self) -> str:
        """Return the principal's account id."""
        return self.principal.account

    def client(self, service: str) -> Any:
        """Return a boto3 client acting as this principal."""
        if service not in self._clients:
            self._clients[service] = self._factory.client(service, self.region, self._credentials)
        return self._clients[service]

    def require(self, action: str, *resources: str, context: Mapping[str, Any] | None = None) -> None:
        """Check permissions that AWS checks inside a service.

        Raises:
            ApiError: AccessDenied.
        """
        self._authorizer.require(self.principal, self.region, action, resources, context or {})

    def environment(self) -> dict[str, str]:
        """Return the variables with which a child process acts as this principal."""
        variables = {
            "AWS_ACCESS_KEY_ID": self._credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self._credentials.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self._endpoint_url,
        }
        token = self._credentials.session_token
        return {**variables, "AWS_SESSION_TOKEN": token} if token else variables

    def read_object(self, bucket: str, key: str) -> bytes:
        """Read an S3 object as this principal, with the use of its KMS key."""
        self._authorizer.require_object(self.principal, self.region, "s3:GetObject", bucket, key)
        return self._moto.read_object(bucket, key)

    def object_etag(self, bucket: str, key: str) -> str:
        """Return the ETag of an S3 object that this principal may read."""
        self._authorizer.require_object(self.principal, self.region, "s3:GetObject", bucket, key)
        return self._moto.object_etag(bucket, key)

    def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write an S3 object as this principal, with the use of its KMS key."""
        self._authorizer.require_object(self.principal, self.region, "s3:PutObject", bucket, key)
        self._moto.write_object(bucket, key, body)

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """List keys under a prefix as this principal."""
        self.require("s3:ListBucket", f"arn:aws:s3:::{bucket}", context={"s3:prefix": prefix})
        return self._moto.list_objects(bucket, prefix)
