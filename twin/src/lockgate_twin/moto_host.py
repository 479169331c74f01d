"""The commodity services behind the twin's front, kept by moto.

moto (Apache-2.0) keeps s3, iam, kms, logs, ssm, sqs, sns, events' rules, cloudwatch, ecr and secretsmanager.
The twin reads some of its state directly (roles' policies, bucket policies, objects, rules) where going through
HTTP would cost more than the work itself.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from lockgate_twin.errors import ApiError

SERVICES = frozenset({"s3", "iam", "kms", "logs", "ssm", "sqs", "sns", "events", "cloudwatch", "ecr", "secretsmanager"})
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Role:
    """An IAM role with everything that decides what it may do and who may assume it."""

    arn: str
    name: str
    trust: Mapping[str, Any]
    identity: tuple[Mapping[str, Any], ...]
    boundary_arn: str | None
    boundary: Mapping[str, Any] | None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An enabled EventBridge rule with its targets, in the shapes of the events API."""

    arn: str
    name: str
    pattern: Mapping[str, Any]
    targets: tuple[Mapping[str, Any], ...]


class MotoHost:
    """moto in this process, for one default account."""

    def __init__(self, account: str) -> None:
        # moto takes its default account from the environment, once, when it is imported.
        os.environ["MOTO_ACCOUNT_ID"] = account
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._account = account
        self.application: WsgiApp = DomainDispatcherApplication(create_backend_app)

    def warm_up(self) -> None:
        """Import what the first requests need, so that they do not wait for it."""
        from moto.backends import get_backend

        for name in ("iam", "s3", "kms", "logs", "ssm", "sqs", "events", "sts"):
            get_backend(name)

    # -- IAM

    def role(self, account: str, arn_or_name: str) -> Role | None:
        """Return a role by ARN or by name, or None."""
        backend = _backend("iam", account, "aws")
        for role in list(backend.roles.values()):
            if arn_or_name in {role.arn, role.name}:
                return _role(backend, role)
        return None

    # -- S3

    def bucket_policy(self, bucket: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """Return a bucket's policy document and its owner's account id (None, None if there is no bucket)."""
        account, backend = self._owner(bucket)
        if backend is None:
            return None, None
        policy = backend.buckets[bucket].policy
        return (json.loads(policy) if policy else None), account

    def read_object(self, bucket: str, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            ApiError: NoSuchBucket or NoSuchKey.
        """
        entry = self._bucket_backend(bucket).get_object(bucket, key)
        if entry is None:
            raise ApiError("NoSuchKey", f"The specified key does not exist: s3://{bucket}/{key}", 404)
        return bytes(entry.value)

    def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object.

        Raises:
            ApiError: NoSuchBucket.
        """
        self._bucket_backend(bucket).put_object(bucket, key, body)

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys under a prefix, in order.

        Raises:
            ApiError: NoSuchBucket.
        """
        keys = self._bucket_backend(bucket).buckets[bucket].keys
        return sorted(k for k in list(keys.keys()) if k.startswith(prefix))

    def _owner(self, bucket: str) -> tuple[str | None, Any]:
        from moto.s3.models import s3_backends

        for account, partitions in list(s3_backends.items()):
            backend = partitions["aws"]
            if bucket in backend.buckets:
                return account, backend
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
        queue = _backend("sqs", account, region).queues.get(name)
        policy = queue.policy if queue is not None else None
        if not policy:
            return None
        document: Mapping[str, Any] = json.loads(policy) if isinstance(policy, str) else policy
        return document

    def rules(self, account: str, region: str, bus: str = "default") -> list[Rule]:
        """Return the enabled rules with an event pattern of one event bus."""
        buses = _backend("events", account, region).event_buses
        rules = list(buses[bus].rules.values()) if bus in buses else []
        return [_rule(r) for r in rules if r.state == "ENABLED" and r.event_pattern.get_pattern()]


def _backend(service: str, account: str, region: str) -> Any:
    from moto.backends import get_backend

    return get_backend(service)[account][region]


def _role(backend: Any, role: Any) -> Role:
    managed = [_document(policy) for policy in role.managed_policies.values()]
    inline = [json.loads(unquote(text)) if isinstance(text, str) else text for text in role.policies.values()]
    boundary_arn = role.permissions_boundary_arn
    boundary = _document(backend.get_policy(boundary_arn)) if boundary_arn else None
    trust = role.assume_role_policy_document
    return Role(
        arn=role.arn,
        name=role.name,
        trust=json.loads(trust) if isinstance(trust, str) else trust,
        identity=(*inline, *managed),
        boundary_arn=boundary_arn,
        boundary=boundary,
        tags=_tags(role),
    )


def _tags(role: Any) -> dict[str, str]:
    tags = role.tags.values() if isinstance(role.tags, dict) else role.tags or []
    return {t["Key"]: t["Value"] for t in tags if isinstance(t, Mapping)}


def _document(policy: Any) -> Mapping[str, Any]:
    text = next(version.document for version in policy.versions if version.is_default)
    document: Mapping[str, Any] = json.loads(text) if isinstance(text, str) else text
    return document


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
    data = b"".join(chunks)
    return answer["status"], answer["headers"], data
