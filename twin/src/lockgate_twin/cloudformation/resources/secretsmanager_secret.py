"""AWS::SecretsManager::Secret. Ref and Id are the ARN.

Assumption: deleting the resource deletes the secret at once, without a recovery window.
"""

from __future__ import annotations

import json
from typing import Any

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names

_GENERATOR_OWN = ("GenerateStringKey", "SecretStringTemplate")


def _secret(request: Request) -> str:
    """Return the text given or a generated one; without either the secret is generated (template reference)."""
    given, rule = request.properties.get("SecretString"), dict(request.properties.get("GenerateSecretString", {}))
    if given is not None and rule:
        raise HandlerFailed("You can't specify both SecretString and GenerateSecretString.", "InvalidRequest")
    if given is not None:
        return str(given)
    key, template = (rule.pop(name, None) for name in _GENERATOR_OWN)
    password = request.client("secretsmanager").get_random_password(**rule)["RandomPassword"]
    if (key is None) != (template is None):
        raise HandlerFailed("GenerateStringKey and SecretStringTemplate go together.", "InvalidRequest")
    return str(password) if key is None else json.dumps({**json.loads(template), key: password})


def _create(request: Request) -> Made:
    values: dict[str, Any] = {**request.pick("Description", "KmsKeyId", "Tags"), "SecretString": _secret(request)}
    arn = request.client("secretsmanager").create_secret(Name=request.name, **values)["ARN"]
    request.identify(arn)
    return Made(arn, {"Id": arn})


def _update(request: Request) -> Made:
    client, arn = request.client("secretsmanager"), request.physical_id
    values = request.pick("Description", "KmsKeyId")
    if request.changed("SecretString", "GenerateSecretString"):
        values["SecretString"] = _secret(request)
    if request.changed("Description", "KmsKeyId", "SecretString", "GenerateSecretString"):
        client.update_secret(SecretId=arn, **values)
    added, removed = request.tag_changes
    if added:
        client.tag_resource(SecretId=arn, Tags=added)
    if removed:
        client.untag_resource(SecretId=arn, TagKeys=removed)
    return Made(arn)


def _delete(request: Request) -> None:
    request.client("secretsmanager").delete_secret(SecretId=request.physical_id, ForceDeleteWithoutRecovery=True)


ADAPTER = Adapter(
    type="AWS::SecretsManager::Secret",
    properties=names("Description GenerateSecretString KmsKeyId Name SecretString Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("Name", 255),
    gone=names("ResourceNotFoundException"),
)
