"""Policies and tags of the resources that moto keeps, for authorization (see `moto_host` for roles and buckets)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from lockgate_twin.moto_host import backend_of, document_of

Owned = tuple[Mapping[str, Any] | None, str | None]


def key_policy(arn: str) -> Owned:
    """Return a KMS key's policy and its owner; the key of an alias' ARN is the alias' target."""
    _, _, _, region, account, _ = arn.split(":", 5)
    key = _key(account, region, arn)
    return (document_of(key.policy) if key is not None else None), account


def key_arn(account: str, region: str, name: str) -> str | None:
    """Return the ARN of the key that a key id, alias or ARN names, or None."""
    if name.startswith("arn:"):
        _, _, _, region, account, _ = name.split(":", 5)
    key = _key(account, region, name)
    return str(key.arn) if key is not None else None


def key_keys(arn: str) -> dict[str, Any]:
    """Return the condition keys that a KMS key gives (Service Authorization Reference, AWS KMS)."""
    _, _, _, region, account, _ = arn.split(":", 5)
    key = _key(account, region, arn)
    return {"kms:ResourceAliases": list(key.aliases)} if key is not None and key.aliases else {}


def topic_policy(arn: str) -> Owned:
    """Return an SNS topic's policy and its owner."""
    _, _, _, region, account, _ = arn.split(":", 5)
    topic = backend_of("sns", account, region).topics.get(arn)
    return (document_of(topic.policy) if topic is not None else None), account


def repository_policy(arn: str) -> Owned:
    """Return an ECR repository's policy and its owner; none for one of an account that the twin does not have."""
    _, _, _, region, account, resource = arn.split(":", 5)
    found = backend_of("ecr", account, region).repositories.get(resource.partition("/")[2])
    if found is None:
        return None, None
    return (document_of(found.policy) if getattr(found, "policy", None) else None), account


def event_bus_policy(arn: str) -> Owned:
    """Return an event bus' policy and its owner; rules and what else is EventBridge's have none."""
    _, _, _, region, account, resource = arn.split(":", 5)
    kind, _, name = resource.partition("/")
    buses = backend_of("events", account, region).event_buses if kind == "event-bus" else {}
    policy = buses[name].policy if name in buses else None
    return (document_of(policy) if policy else None), account


def log_policy(arn: str) -> Owned:
    """Return the resource policies of CloudWatch Logs of an account and region as one policy, and its owner."""
    _, _, _, region, account, _ = arn.split(":", 5)
    kept = [document_of(p.policy_document) for p in backend_of("logs", account, region).resource_policies.values()]
    statements = [s for document in kept for s in _listed(document.get("Statement"))]
    return ({"Version": "2012-10-17", "Statement": statements} if statements else None), account


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def secret_policy(arn: str) -> Owned:
    """Return a secret's policy and its owner."""
    _, _, _, region, account, _ = arn.split(":", 5)
    backend = backend_of("secretsmanager", account, region)
    secret = backend.secrets.get(arn) if arn in backend.secrets else None
    return (document_of(secret.policy) if secret is not None and secret.policy else None), account


def object_tags(arn: str) -> Mapping[str, str]:
    """Return the tags of an S3 object."""
    from moto.s3.models import s3_backends

    bucket, _, name = arn.split(":::", 1)[1].partition("/")
    if not name:
        return {}
    for partitions in list(s3_backends.values()):
        backend = partitions["aws"]
        if bucket in backend.buckets:
            entry = backend.buckets[bucket].keys.get(unquote(name))
            # A delete marker has no ARN, and no tags.
            arn_of_entry = getattr(entry, "arn", None)
            return dict(backend.tagger.get_tag_dict_for_resource(arn_of_entry)) if arn_of_entry else {}
    return {}


def object_is_missing(bucket: str, key: str, version: str | None) -> bool:
    """Tell whether a bucket that exists has no such object, or only its delete marker."""
    from moto.s3.models import FakeKey, s3_backends

    for partitions in list(s3_backends.values()):
        if bucket in partitions["aws"].buckets:
            versions = partitions["aws"].buckets[bucket].keys.getlist(key, [])
            newest = versions[-1:] if version is None else [v for v in versions if v.version_id == version]
            return not any(isinstance(entry, FakeKey) for entry in newest)
    return False


def _key(account: str, region: str, name: str) -> Any:
    backend = backend_of("kms", account, region)
    plain = backend.get_key_id(backend.get_alias_name(name))
    if plain.startswith("alias/"):
        # moto would make AWS's own key for a reserved alias that is only asked about.
        return next((key for key in list(backend.keys.values()) if plain in key.aliases), None)
    return backend.keys.get(plain)
