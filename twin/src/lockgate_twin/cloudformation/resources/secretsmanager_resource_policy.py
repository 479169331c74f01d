"""AWS::SecretsManager::ResourcePolicy. Ref and Id are the secret's ARN."""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, names


def _put(request: Request) -> str:
    policy, secret = document(request.properties["ResourcePolicy"]), request.properties["SecretId"]
    blocked = request.pick("BlockPublicPolicy")
    answer = request.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=policy, **blocked)
    return str(answer["ARN"])


def _create(request: Request) -> Made:
    arn = _put(request)
    request.identify(arn)
    return Made(arn, {"Id": arn})


def _update(request: Request) -> Made:
    _put(request)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    request.client("secretsmanager").delete_resource_policy(SecretId=request.physical_id)


ADAPTER = Adapter(
    type="AWS::SecretsManager::ResourcePolicy",
    properties=names("BlockPublicPolicy ResourcePolicy SecretId"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("ResourceNotFoundException"),
)
