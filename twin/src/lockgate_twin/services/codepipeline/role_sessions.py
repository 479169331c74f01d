"""Acting as a pipeline's role, or as the role of one of its actions, which the pipeline's role assumes.

Source: "Manage the CodePipeline service role" and "Action declaration" (CodePipeline User Guide): an action's roleArn
is assumed through the pipeline's role.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Principal, Session
from lockgate_twin.services.codepipeline.execution import Execution


def role_session(context: Context, execution: Execution, role_arn: str | None, name: str) -> Session:
    """Act as the pipeline's role or, through it, as another one.

    Raises:
        ApiError: AccessDenied when a role may not be assumed.
    """
    pipeline = execution.pipeline
    session = context.assume_role(
        pipeline.role_arn,
        service="codepipeline.amazonaws.com",
        session_name=execution.execution_id,
        region=pipeline.region,
        source_arn=pipeline.arn,
    )
    if role_arn in {None, pipeline.role_arn}:
        return session
    try:
        issued = session.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=name)
    except ClientError as error:
        told = error.response["Error"]
        raise ApiError(told["Code"], told["Message"], 403) from error
    principal = Principal(
        arn=issued["AssumedRoleUser"]["Arn"],
        account=str(role_arn).split(":")[4],
        access_key_id=issued["Credentials"]["AccessKeyId"],
        role_arn=role_arn,
    )
    call = Call(principal=principal, region=pipeline.region, service="sts", operation="AssumeRole", request_id=name)
    return context.session(call)
