"""AWS::CloudFormation::Stack: a nested stack. Ref is its id; Fn::GetAtt reads `Outputs.<name>`.

Not taken: NotificationARNs and TimeoutInMinutes. Assumption: an update looks at a nested stack again when its
TemplateURL, parameters or tags change.
"""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names


def _create(request: Request) -> Made:
    return request.around.nested.create(request)


def _update(request: Request) -> Made:
    return request.around.nested.update(request)


def _delete(request: Request) -> None:
    request.around.nested.delete(request)


ADAPTER = Adapter(
    type="AWS::CloudFormation::Stack",
    properties=names("Parameters Tags TemplateURL"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 128),
    keeps_attributes=False,
)
