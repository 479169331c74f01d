"""Dynamic references in resource properties: `{{resolve:ssm:name}}` and `{{resolve:secretsmanager:...}}`.

They are looked up when a resource is made or changed, with the operation's credentials, and never stored.
Source: "Get values stored in other services using dynamic references" of the CloudFormation user guide.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.resources.adapter import Clients
from lockgate_twin.errors import NotImplementedByTwin

_REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):([^}]*)\}\}")


def resolve(value: Any, clients: Clients) -> Any:
    """Replace all dynamic references in a value.

    Raises:
        ClientError: when the caller may not read the value or there is none.
        HandlerFailed: when a secret has no such key.
        NotImplementedByTwin: for ssm-secure and anything else.
    """
    if isinstance(value, dict):
        return {key: resolve(member, clients) for key, member in value.items()}
    if isinstance(value, list):
        return [resolve(member, clients) for member in value]
    if isinstance(value, str) and "{{resolve:" in value:
        return _REFERENCE.sub(lambda found: _look_up(found[1], found[2], clients), value)
    return value


def _look_up(service: str, reference: str, clients: Clients) -> str:
    if service == "ssm":
        return str(clients.get("ssm").get_parameter(Name=reference)["Parameter"]["Value"])
    if service == "secretsmanager":
        return _secret(reference, clients)
    raise NotImplementedByTwin(f"The dynamic reference {{{{resolve:{service}:...}}}}")


def _secret(reference: str, clients: Clients) -> str:
    """A reference is `secret-id:SecretString:json-key:version-stage:version-id`; a secret's ARN has seven parts."""
    parts = reference.split(":")
    length = 7 if reference.startswith("arn:") else 1
    _, key, stage, version = [*parts[length:], "", "", "", ""][:4]
    chosen = {"VersionStage": stage, "VersionId": version}
    text = clients.get("secretsmanager").get_secret_value(
        SecretId=":".join(parts[:length]), **{name: given for name, given in chosen.items() if given}
    )["SecretString"]
    if not key:
        return str(text)
    found = json.loads(text).get(key)
    if found is None:
        raise HandlerFailed(f"Could not find a value associated with JSONKey in SecretString: {key}", "NotFound")
    return str(found)
