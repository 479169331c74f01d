"""What a service of the twin is given and what it must be: the narrow ports between services and core.

A service is a class with a `name` (botocore's service name) and `operations()`: AWS operation name -> handler.
A handler gets the request's members, parsed and validated by botocore's model, and the `Call`; it returns the
members of the response (datetimes as aware `datetime`, blobs as bytes) or raises `ApiError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

type_json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one twin is set up. Paths are absolute; `python` runs builds, jobs and functions.

    `account` is the default account, `accounts` are further ones.
    """

    state_dir: Path
    endpoint_url: str
    account: str = "111122223333"
    accounts: tuple[str, ...] = ()
    region: str = "us-east-1"
    python: Path = Path("python3")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who calls. `role_arn` is None for the account's root user, who is not limited by policies."""

    arn: str
    account: str
    access_key_id: str
    role_arn: str | None = None
    session_policy: str | None = None

    @property
    def is_root(self) -> bool:
        """Tell whether this is the account's root user (the twin's administrator)."""
        return self.role_arn is None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authenticated and authorized request."""

    principal: Principal
    region: str
    service: str
    operation: str
    request_id: str

    @property
    def account(self) -> str:
        """Return the caller's account id."""
        return self.principal.account


# The administrator of an account, by its id.
Administrators = Callable[[str], Principal]
Handler = Callable[[dict[str, Any], Call], Mapping[str, Any] | None]


class Service(Protocol):
    """An AWS service implemented by the twin itself."""

    name: str

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by AWS operation name."""
        ...


class Session(Protocol):
    """Acting as one principal in one region; every call made with it is authorized and logged."""

    principal: Principal
    region: str

    @property
    def account(self) -> str:
        """Return the principal's account id."""
        ...

    def client(self, service: str) -> Any:
        """Return a boto3 client that calls the twin in process as this principal (no retries)."""
        ...

    def require(self, action: str, *resources: str, context: Mapping[str, Any] | None = None) -> None:
        """Check a permission that AWS checks inside a service without a public API call.

        `context` adds condition keys, e.g. {"iam:PassedToService": "sagemaker.amazonaws.com"}.

        Raises:
            ApiError: AccessDenied, with AWS's message, when the principal may not.
        """
        ...

    def environment(self) -> dict[str, str]:
        """Return the AWS_* variables with which a child process acts as this principal on this twin."""
        ...

    def read_object(self, bucket: str, key: str) -> bytes:
        """Read one S3 object as this principal (checks s3:GetObject); cheaper than a client call.

        Raises:
            ApiError: NoSuchBucket, NoSuchKey or AccessDenied.
        """
        ...

    def object_etag(self, bucket: str, key: str) -> str:
        """Return the ETag of one S3 object as this principal (checks s3:GetObject), without quotation marks.

        Raises:
            ApiError: NoSuchBucket, NoSuchKey or AccessDenied.
        """
        ...

    def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write one S3 object as this principal (checks s3:PutObject).

        Raises:
            ApiError: NoSuchBucket or AccessDenied.
        """
        ...

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """List the keys under a prefix in order, as this principal (checks s3:ListBucket).

        Raises:
            ApiError: NoSuchBucket or AccessDenied.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event that an AWS service puts on its account's default bus."""

    source: str
    detail_type: str
    detail: Mapping[str, Any]
    account: str
    region: str
    resources: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Command:
    """A child process to start. Its standard output and error go to `log`, its input is empty."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path


class Process(Protocol):
    """A running child process in a process group of its own, which ends with the twin whatever happens."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        ...

    def stop(self, grace: float = 5.0) -> None:
        """End the whole group: SIGTERM, then SIGKILL after `grace` seconds. Does nothing if it has ended."""
        ...


class Table(Protocol):
    """Records by key that outlive the twin's process."""

    def put(self, key: str, record: Any) -> None:
        """Keep a record (picklable plain data) under a key; it is safe from `kill -9` when this returns.

        A key that is put again keeps its place in the order.
        """
        ...

    def remove(self, key: str) -> None:
        """Forget a key; one that is not there is none."""
        ...

    def items(self) -> list[tuple[str, Any]]:
        """Return what is kept, oldest first. What is returned is the caller's own copy."""
        ...


class Context(Protocol):
    """What every service is constructed with."""

    settings: Settings

    def table(self, name: str) -> Table:
        """Return the table of this name; a service loads what it kept when it is constructed.

        A service that has work under way when the twin ends may have `resume()`: it is called once, after every
        service was constructed and before any request is served.
        """
        ...

    def session(self, call: Call) -> Session:
        """Act as the caller of this request."""
        ...

    def assume_role(
        self, role_arn: str, *, service: str, session_name: str, region: str, source_arn: str | None = None
    ) -> Session:
        """Assume a role as an AWS service (e.g. "codebuild.amazonaws.com").

        The role's trust policy must allow it, with aws:SourceArn and aws:SourceAccount given as context.

        Raises:
            ApiError: AccessDenied when the role does not exist or does not trust the service.
        """
        ...

    def emit(self, event: Event) -> None:
        """Put a service's event on the default bus; delivery happens in the background, at least once."""
        ...

    def start_process(self, command: Command) -> Process:
        """Start a child process (guarded: it never outlives the twin)."""
        ...

    def in_background(self, name: str, work: Callable[[], None]) -> None:
        """Run `work` on a worker thread; an exception that escapes it is logged as a defect of the twin."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A service that has something to do about what an earlier twin in this folder left under way."""

    def resume(self) -> None:
        """Go on with it, or mark it as stopped or failed with the reason; nothing stays under way for ever."""
        ...


@dataclass
class Store:
    """A service's resources by (account, region, id). Guard compound changes with your own lock."""

    items: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def of(self, account: str, region: str) -> list[Any]:
        """Return the resources of one account and region, in order of creation."""
        return [v for (a, r, _), v in list(self.items.items()) if (a, r) == (account, region)]


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    from datetime import UTC

    return datetime.now(UTC)
