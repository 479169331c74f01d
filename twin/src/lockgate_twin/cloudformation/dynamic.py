"""Dynamic references in resource properties: `{{resolve:ssm:name}}` and `{{resolve:secretsmanager:...}}`.

They are looked up when a resource is made or changed, with the operation's credentials, and never stored.
Source: "Get values stored in other services using dynamic references" of the CloudFormation user guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.resources.adapter import Clients

_REFERENCE = re.compile(r"\{\{resolve:([a-zA-Z0-9-]+):([^}]*)\}\}")
_SECURE = "{{resolve:ssm-secure:"


class Resolver:
    """Looks references up with an operation's credentials. `secrets` are the secret values it has found."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.secrets: set[str] = set()

    def resolve(self, value: Any) -> Any:
        """Replace all dynamic references in a value.

        Raises:
            ClientError: when the caller may not read the value or there is none.
            HandlerFailed: when a secret has no such key, or the reference is malformed.
        """
        if isinstance(value, dict):
            return {key: self.resolve(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.resolve(member) for member in value]
        if isinstance(value, str) and "{{resolve:" in value:
            return _REFERENCE.sub(lambda found: self._look_up(found[1], found[2]), value)
        return value

    def mask(self, text: str) -> str:
        """Return a text without the secret values found so far."""
        for secret in self.secrets:
            text = text.replace(secret, "****") if secret else text
        return text

    def _look_up(self, service: str, reference: str) -> str:
        if service == "ssm":
            return self._parameter(reference)
        if service == "secretsmanager":
            found = self._secret(reference)
            self.secrets.add(found)
            return found
        raise HandlerFailed(f"Dynamic reference for service {service} is not supported", "InvalidRequest")

    def _parameter(self, reference: str) -> str:
        """A name, or an ARN, with or without a version; SecureStrings are not for this service."""
        found = self._clients.get("ssm").get_parameter(Name=reference)["Parameter"]
        if found["Type"] == "SecureString":
            raise HandlerFailed(f"Non-secure ssm prefix was used for secure parameter: {reference}", "InvalidRequest")
        return str(found["Value"])

    def _secret(self, reference: str) -> str:
        """A reference is `secret-id:SecretString:json-key:version-stage:version-id`; a secret's ARN has seven parts."""
        parts = reference.split(":")
        length = 7 if reference.startswith("arn:") else 1
        kind, key, stage, version, *rest = [*parts[length:], "", "", "", ""]
        if kind not in {"", "SecretString"} or any(rest) or (stage and version):
            raise HandlerFailed(f"Incorrect dynamic reference to a secret: {reference}", "InvalidRequest")
        chosen = {name: given for name, given in (("VersionStage", stage), ("VersionId", version)) if given}
        secret = self._clients.get("secretsmanager").get_secret_value(SecretId=":".join(parts[:length]), **chosen)
        if "SecretString" not in secret:
            raise HandlerFailed("Secrets Manager can't find the specified secret value: it is binary.", "NotFound")
        return _member(str(secret["SecretString"]), key) if key else str(secret["SecretString"])


def _member(text: str, key: str) -> str:
    try:
        found = json.loads(text).get(key)
    except (ValueError, AttributeError) as error:
        raise HandlerFailed("Could not parse SecretString JSON", "InvalidRequest") from error
    if found is None:
        raise HandlerFailed(f"Could not find a value associated with JSONKey in SecretString: {key}", "NotFound")
    return found if isinstance(found, str) else json.dumps(found)


def secure_paths(value: Any, path: str) -> Iterator[str]:
    """Find where ssm-secure references stand; none of the twin's types takes them.

    Source: "Resources that support dynamic parameter patterns for secure strings" of the CloudFormation user guide.
    """
    if isinstance(value, str) and _SECURE in value:
        yield path
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from secure_paths(member, f"{path}/{key}")
    elif isinstance(value, list):
        for member in value:
            yield from secure_paths(member, path)
