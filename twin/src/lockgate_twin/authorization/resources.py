"""What resources themselves say to a decision: their policies, their owners, their tags and other condition keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin import moto_resources
from lockgate_twin.authorization.condition_keys import resource_tag_keys
from lockgate_twin.moto_host import MotoHost

ResourceTags = Callable[[str], Mapping[str, str]]
ResourceKeys = Callable[[str], Mapping[str, Any]]
Owned = tuple[Mapping[str, Any] | None, str | None]
ResourcePolicy = Callable[[str], Owned]
# The caller makes these: nobody owns them yet, whatever has their name.
_MADE = frozenset({"s3:CreateBucket"})
_ARN_PARTS = 6


class Resources:
    """Everything that is known of resources by ARN; services register what only they know."""

    def __init__(self, moto: MotoHost) -> None:
        self._moto = moto
        self._keys: dict[str, ResourceKeys] = {"kms": moto_resources.key_keys}
        self._tags: dict[str, ResourceTags] = {"s3": moto_resources.object_tags, "iam": self._role_tags}
        self._policies: dict[str, ResourcePolicy] = {
            "s3": self._bucket_policy,
            "sqs": lambda arn: (self._moto.queue_policy(arn), arn.split(":")[4]),
            "sns": moto_resources.topic_policy,
            "kms": moto_resources.key_policy,
            "ecr": moto_resources.repository_policy,
            "events": moto_resources.event_bus_policy,
            "secretsmanager": moto_resources.secret_policy,
        }

    def register_policies(self, service: str, lookup: ResourcePolicy) -> None:
        """Let a service give the resource policies of its ARNs: `lookup(arn) -> (policy, owner account)`."""
        self._policies[service] = lookup

    def register_tags(self, service: str, lookup: ResourceTags) -> None:
        """Let a service give the tags of its ARNs (none for an ARN it does not know), for aws:ResourceTag."""
        self._tags[service] = lookup

    def register_keys(self, service: str, lookup: ResourceKeys) -> None:
        """Let a service give further condition keys of its ARNs."""
        self._keys[service] = lookup

    def policy(self, arn: str) -> Owned:
        """Return a resource's own policy and its owner's account id, each None where there is none."""
        lookup = self._policies.get(arn.split(":")[2]) if arn.startswith("arn:") else None
        return lookup(arn) if lookup else (None, None)

    def owned(self, action: str, arn: str) -> Owned:
        """Return the policy that decides on an action on a resource, and the account that owns it."""
        if action in _MADE:
            return None, None
        if action == "sts:AssumeRole":
            role = self._moto.role(arn.split(":")[4], arn) if arn.startswith("arn:") else None
            return (role.trust, arn.split(":")[4]) if role else (None, None)
        policy, owner = self.policy(arn)
        return policy, owner or _owner(arn)

    def keys(self, arn: str, owner: str | None) -> dict[str, Any]:
        """Return the condition keys that a resource itself gives: its tags, its owner's account, a key's aliases."""
        if not arn.startswith("arn:"):
            return {}
        service = arn.split(":", 3)[2]
        tags, more = self._tags.get(service), self._keys.get(service)
        account = {"aws:ResourceAccount": owner} if owner else {}
        if owner and service == "s3":
            account["s3:ResourceAccount"] = owner
        return {**account, **(resource_tag_keys(service, tags(arn)) if tags else {}), **(more(arn) if more else {})}

    def _bucket_policy(self, arn: str) -> Owned:
        return self._moto.bucket_policy(arn.split(":::", 1)[1].split("/", 1)[0])

    def _role_tags(self, arn: str) -> Mapping[str, str]:
        role = self._moto.role(arn.split(":")[4], arn) if ":role/" in arn else None
        return role.tags if role else {}


def _owner(arn: str) -> str | None:
    """Return the account in an ARN. AWS's own container images are open to everybody."""
    parts = arn.split(":", 5)
    known = len(parts) == _ARN_PARTS and parts[2] != "ecr" and parts[4].isdigit()
    return parts[4] if known else None
