"""A bucket's LifecycleConfiguration -> the rules of PutBucketLifecycleConfiguration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed

_VERBATIM = ("Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
_CONDITIONS = ("Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
_EXPIRATION = {
    "ExpirationInDays": "Days",
    "ExpirationDate": "Date",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date", "StorageClass": "StorageClass"}
_NONCURRENT = {
    "TransitionInDays": "NoncurrentDays",
    "NewerNoncurrentVersions": "NewerNoncurrentVersions",
    "StorageClass": "StorageClass",
}
_KNOWN = {"Id", "Transitions", "NoncurrentVersionTransitions", *_VERBATIM, *_CONDITIONS, *_EXPIRATION}


def lifecycle_rules(value: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a LifecycleConfiguration.

    Raises:
        HandlerFailed: InvalidRequest for AWS's deprecated singular members (Transition, ...).
    """
    return {"Rules": [_rule(rule) for rule in value["Rules"]]}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(rule) - _KNOWN)
    if unknown:
        raise HandlerFailed(f"The lifecycle rule member {unknown[0]} is not implemented by the twin.", "InvalidRequest")
    result = {name: rule[name] for name in _VERBATIM if name in rule}
    result["Filter"] = _filter(rule)
    if "Id" in rule:
        result["ID"] = rule["Id"]
    expiration = _renamed(rule, _EXPIRATION)
    if expiration:
        result["Expiration"] = expiration
    if "Transitions" in rule:
        result["Transitions"] = [_renamed(item, _TRANSITION) for item in rule["Transitions"]]
    if "NoncurrentVersionTransitions" in rule:
        items = rule["NoncurrentVersionTransitions"]
        result["NoncurrentVersionTransitions"] = [_renamed(item, _NONCURRENT) for item in items]
    return result


def _renamed(value: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    return {new: value[old] for old, new in table.items() if old in value}


def _filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    """S3 takes one condition alone and several under And; no condition means the whole bucket."""
    conditions = {
        name: rule[name] for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule
    }
    conditions = {k: int(v) if k.startswith("Object") else v for k, v in conditions.items()}
    tags = rule.get("TagFilters", [])
    if len(conditions) + len(tags) > 1:
        return {"And": {**conditions, **({"Tags": tags} if tags else {})}}
    if tags:
        return {"Tag": tags[0]}
    return conditions or {"Prefix": ""}
