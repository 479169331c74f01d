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


def object_tags(arn: str) -> Mapping[str, str]:
    """Return the tags of an S3 object."""
    from moto.s3.models import s3_backends

    bucket, _, name = arn.split(":::", 1)[1].partition("/")
    for partitions in list(s3_backends.values()):
        backend = partitions["aws"]
        if bucket in backend.buckets:
            entry = backend.buckets[bucket].keys.get(unquote(name)) if name else None
            return dict(backend.tagger.get_tag_dict_for_resource(entry.arn)) if entry is not None else {}
    return {}


def _key(account: str, region: str, name: str) -> Any:
    backend = backend_of("kms", account, region)
    plain = backend.get_key_id(backend.get_alias_name(name))
    if plain.startswith("alias/"):
        # moto would make AWS's own key for a reserved alias that is only asked about.
        return next((key for key in list(backend.keys.values()) if plain in key.aliases), None)
    return backend.keys.get(plain)
