"""The commodity services behind the twin's front, kept by moto.

moto (Apache-2.0) keeps s3, iam, kms, logs, ssm, sqs, sns, events' rules, cloudwatch, ecr and secretsmanager.
The twin reads some of its state directly (roles' policies, bucket policies, objects, rules) where going through
HTTP would cost more than the work itself.
"""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from lockgate_twin.errors import ApiError
from lockgate_twin.moto_state import MotoState

SERVICES = frozenset({"s3", "iam", "kms", "logs", "ssm", "sqs", "sns", "events", "cloudwatch", "ecr", "secretsmanager"})
# How moto is told whose resources a request is about; what a client sends under this name is replaced.
ACCOUNT_HEADER = "HTTP_X_MOTO_ACCOUNT_ID"
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Role:
    """An IAM role with everything that decides what it may do and who may assume it.

    `policy_names` name the documents of `identity`: an inline policy's name, a managed policy's ARN.
    `longest_session` is MaxSessionDuration in seconds.
    """

    arn: str
    name: str
    trust: Mapping[str, Any]
    identity: tuple[Mapping[str, Any], ...]
    boundary_arn: str | None
    boundary: Mapping[str, Any] | None
    tags: Mapping[str, str] = field(default_factory=dict)
    policy_names: tuple[str, ...] = ()
    longest_session: int = 3600


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An enabled EventBridge rule with its targets, in the shapes of the events API."""

    arn: str
    name: str
    pattern: Mapping[str, Any]
    targets: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class ScheduledRule:
    """An enabled EventBridge rule with a schedule expression."""

    arn: str
    name: str
    expression: str
    targets: tuple[Mapping[str, Any], ...]


class MotoHost:
    """moto in this process; it keeps every account's resources apart."""

    def __init__(self, account: str) -> None:
        # moto takes its default account from the environment, once, when it is imported.
        os.environ["MOTO_ACCOUNT_ID"] = account
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        from moto.moto_server.werkzeug_app import create_backend_app

        self._account = account
        self._applications: dict[str, WsgiApp] = {}
        self._role_ids: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self._create: Callable[[str], WsgiApp] = create_backend_app
        self._state: MotoState | None = None

    def keep_in(self, state: MotoState) -> None:
        """Give moto back what an earlier twin kept, and keep from now on what calls change.

        Raises:
            StartError: it cannot be read.
        """
        state.load()
        self._state = state

    def forward(
        self, service: str, environ: Mapping[str, Any], body: bytes, account: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Let moto answer a request to one service on an account's resources, and return (status, headers, body).

        moto's own dispatcher goes by the Host header and the path, which may say another service than the one that
        was authorized (or moto's own `/moto-api/reset`); it is left out.
        """
        self._prepare(service)
        return call_wsgi(self._applications[service], {**environ, ACCOUNT_HEADER: account}, body)

    def kept(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Return when everything that a call to moto has changed is written down."""
        if self._state is not None:
            self._state.keep(service, operation, parameters)

    def _prepare(self, service: str) -> None:
        with self._lock:
            if self._state is not None:
                self._state.prepare(service)
            if service not in self._applications:
                self._applications[service] = self._create(service)

    def warm_up(self) -> None:
        """Import what the first requests need, so that they do not wait for it."""
        from moto.backends import get_backend

        get_backend("sts")
        for name in ("iam", "s3", "kms", "logs", "ssm", "sqs", "events", "sns"):
            get_backend(name)
            self._prepare(name)

    # -- IAM

    def role(self, account: str, arn_or_name: str) -> Role | None:
        """Return a role by ARN or by name, or None."""
        backend = backend_of("iam", account, "aws")
        # moto's own look-up goes through all roles. A role that was made again has another id: no entry is ever wrong.
        role = backend.roles.get(self._role_ids.get((account, arn_or_name), ""))
        if role is None or arn_or_name not in {role.arn, role.name}:
            role = next((r for r in list(backend.roles.values()) if arn_or_name in {r.arn, r.name}), None)
        if role is None:
            return None
        self._role_ids[account, arn_or_name] = role.id
        return _role(backend, role)

    def roles(self, account: str) -> list[Role]:
        """Return all roles of an account, oldest first."""
        backend = backend_of("iam", account, "aws")
        return [_role(backend, role) for role in list(backend.roles.values())]

    # -- S3

    def bucket_policy(self, bucket: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return a bucket's policy document and its owner's account id (None, None if there is no bucket)."""
        account, backend = self._owner(bucket)
        if backend is None:
            return None, None
        policy = backend.buckets[bucket].policy
        return (document_of(policy) if policy else None), account

    def read_object(self, bucket: str, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            ApiError: NoSuchBucket or NoSuchKey.
        """
        return bytes(self._object(bucket, key).value)

    def object_etag(self, bucket: str, key: str) -> str:
        """Return an object's ETag, without quotation marks.

        Raises:
            ApiError: NoSuchBucket or NoSuchKey.
        """
        return str(self._object(bucket, key).etag).strip('"')

    def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object.

        Raises:
            ApiError: NoSuchBucket.
        """
        self._prepare("s3")
        self._bucket_backend(bucket).put_object(bucket, key, body)
        self.kept("s3", "PutObject", {"Bucket": bucket, "Key": key})

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys under a prefix, in order.

        Raises:
            ApiError: NoSuchBucket.
        """
        keys = self._bucket_backend(bucket).buckets[bucket].keys
        return sorted(k for k in list(keys.keys()) if k.startswith(prefix))

    def _object(self, bucket: str, key: str) -> Any:
        entry = self._bucket_backend(bucket).get_object(bucket, key)
        if entry is None:
            raise ApiError("NoSuchKey", f"The specified key does not exist: s3://{bucket}/{key}", 404)
        return entry

    def _owner(self, bucket: str) -> tuple[str | None, Any]:
        from moto.s3.models import s3_backends

        # Names of buckets are global: moto keeps one table of their owners for all accounts.
        _, account = s3_backends.bucket_accounts.get(bucket, ("", ""))
        for owner in [account] if account else list(s3_backends):
            backend = s3_backends[owner]["aws"]
            if bucket in backend.buckets:
                return owner, backend
        return None, None

    def _bucket_backend(self, bucket: str) -> Any:
        _, backend = self._owner(bucket)
        if backend is None:
            raise ApiError("NoSuchBucket", f"The specified bucket does not exist: {bucket}", 404)
        return backend

    # -- SQS, EventBridge

    def queue_policy(self, arn: str) -> Mapping[str, Any] | None:
        """Return the policy of an SQS queue, or None."""
        _, _, _, region, account, name = arn.split(":", 5)
        queue = backend_of("sqs", account, region).queues.get(name)
        policy = queue.policy if queue is not None else None
        return document_of(policy) if policy else None

    def rules(self, account: str, region: str, bus: str = "default") -> list[Rule]:
        """Return the enabled rules with an event pattern of one event bus."""
        buses = backend_of("events", account, region).event_buses
        rules = list(buses[bus].rules.values()) if bus in buses else []
        return [_rule(r) for r in rules if r.state == "ENABLED" and r.event_pattern.get_pattern()]


def scheduled_rules() -> list[ScheduledRule]:
    """Return the enabled rules with a schedule of all accounts and regions; only default buses have them."""
    from moto.events.models import events_backends

    backends = [backend for regions in list(events_backends.values()) for backend in list(regions.values())]
    rules = [rule for backend in backends for rule in list(backend.event_buses["default"].rules.values())]
    return [
        ScheduledRule(
            arn=rule.arn,
            name=rule.name,
            expression=rule.scheduled_expression,
            targets=tuple(dict(target) for target in rule.targets),
        )
        for rule in rules
        if rule.state == "ENABLED" and rule.scheduled_expression
    ]


def backend_of(service: str, account: str, region: str) -> Any:
    """Return moto's backend of a service; of a service without regions, its region is "aws"."""
    from moto.backends import get_backend

    return get_backend(service)[account][region]


def _role(backend: Any, role: Any) -> Role:
    managed = [_document(policy) for policy in role.managed_policies.values()]
    inline = [document_of(text) for text in role.policies.values()]
    boundary_arn = role.permissions_boundary_arn
    boundary = _document(backend.get_policy(boundary_arn)) if boundary_arn else None
    trust = role.assume_role_policy_document
    return Role(
        arn=role.arn,
        name=role.name,
        trust=document_of(trust),
        identity=(*inline, *managed),
        boundary_arn=boundary_arn,
        boundary=boundary,
        tags=_tags(role),
        longest_session=int(role.max_session_duration or 3600),
        policy_names=(*role.policies, *role.managed_policies),
    )


def _tags(role: Any) -> dict[str, str]:
    tags = role.tags.values() if isinstance(role.tags, dict) else role.tags or []
    return {t["Key"]: t["Value"] for t in tags if isinstance(t, Mapping)}


def _document(policy: Any) -> Mapping[str, Any]:
    return document_of(next(version.document for version in policy.versions if version.is_default))


def document_of(policy: Any) -> Mapping[str, Any]:
    """Return a policy as a document; the same text gives the same object, which nobody changes."""
    text = policy.decode() if isinstance(policy, bytes) else policy
    document: Mapping[str, Any] = _parsed(text if isinstance(text, str) else json.dumps(text))
    return document


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Any:
    # IAM keeps documents percent-encoded, the other services as they were given.
    return json.loads(unquote(text) if text.lstrip().startswith("%") else text)


def _rule(rule: Any) -> Rule:
    return Rule(
        arn=rule.arn,
        name=rule.name,
        pattern=rule.event_pattern.get_pattern(),
        targets=tuple(dict(t) for t in rule.targets),
    )


def call_wsgi(app: WsgiApp, environ: dict[str, Any], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Call a WSGI application and return (status, headers, body)."""
    answer: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> None:
        answer.update(status=int(status.split(" ", 1)[0]), headers=headers)

    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    chunks = app(environ, start_response)
    try:
        data = b"".join(chunks)
    finally:
        getattr(chunks, "close", int)()
    return answer["status"], answer["headers"], data
