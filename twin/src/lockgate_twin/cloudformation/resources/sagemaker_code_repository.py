"""AWS::SageMaker::CodeRepository. Ref is the ARN."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names
from lockgate_twin.cloudformation.resources.sagemaker_things import change_tags, ignoring_missing, name_of


def _create(request: Request) -> Made:
    created = request.client("sagemaker").create_code_repository(
        CodeRepositoryName=request.name, **request.pick("GitConfig", "Tags")
    )
    arn = created["CodeRepositoryArn"]
    attributes = {"CodeRepositoryArn": arn, "CodeRepositoryName": request.name}
    request.identify(arn, attributes)
    return Made(arn, attributes)


def _update(request: Request) -> Made:
    if request.changed("GitConfig"):
        secret = request.properties["GitConfig"].get("SecretArn")
        request.client("sagemaker").update_code_repository(
            CodeRepositoryName=name_of(request, "CodeRepositoryName"),
            GitConfig={"SecretArn": secret} if secret else {},
        )
    change_tags(request, request.physical_id)
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    with ignoring_missing():
        request.client("sagemaker").delete_code_repository(CodeRepositoryName=name_of(request, "CodeRepositoryName"))


ADAPTER = Adapter(
    type="AWS::SageMaker::CodeRepository",
    properties=names("CodeRepositoryName GitConfig Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("CodeRepositoryName", 63),
)
