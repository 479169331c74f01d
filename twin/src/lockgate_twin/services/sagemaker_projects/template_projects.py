"""Projects from templates in S3 (TemplateProviders): a stack SP-<name>-<id>, made with the caller's permissions.

Source: SageMaker Developer Guide, "Create a project from a template in Amazon S3": the template's object must have
the tag sagemaker:studio-visibility=true, which the caller must be able to read; a role is passed to CloudFormation.

Assumptions: SageMaker's own two parameters are given if the template declares them; what CloudFormation refuses at
once is answered by CreateProject itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.cloudformation.sources import location
from lockgate_twin.cloudformation.template import parse
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Session
from lockgate_twin.services.sagemaker_projects.model import (
    Project,
    State,
    TemplateStack,
    own_parameters,
    project_tags,
)
from lockgate_twin.services.sagemaker_projects.refusals import told_by_sagemaker, validation
from lockgate_twin.services.servicecatalog.stacks import StackError, wait

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
_VISIBILITY = "sagemaker:studio-visibility"
End = Callable[[Project, State, str], None]


class TemplateProjects:
    """Creates, updates and deletes the stacks of projects. `end` notes how it ended."""

    def __init__(self, context: Context, end: End) -> None:
        self._context = context
        self._end = end

    def create(self, project: Project, provider: Mapping[str, Any], tags: Mapping[str, str], call: Call) -> Project:
        """Start the creation of the stack; return the project with its stack.

        Raises:
            ApiError: ValidationException or AccessDeniedException.
        """
        session = self._context.session(call)
        values = _values(project, provider, session, {})
        stack = TemplateStack(
            template_name=provider["TemplateName"],
            url=provider["TemplateURL"],
            role=provider.get("RoleARN"),
            parameters=values,
            name=f"SP-{project.name}-{project.id}",
            id="",
        )
        role = {"RoleARN": stack.role} if stack.role else {}
        with told_by_sagemaker():
            identifier = session.client("cloudformation").create_stack(
                StackName=stack.name,
                TemplateURL=stack.url,
                Parameters=_listed(values),
                Tags=project_tags(project.name, project.id, tags),
                Capabilities=_CAPABILITIES,
                **role,
            )["StackId"]
        return replace(project, stack=replace(stack, id=identifier))

    def update(self, project: Project, provider: Mapping[str, Any], call: Call) -> Project:
        """Start an update of the stack; return the changed project.

        Raises:
            ApiError: ValidationException or AccessDeniedException.
        """
        before = _stack(project)
        session = self._context.session(call)
        values = _values(project, provider, session, before.parameters)
        with told_by_sagemaker():
            session.client("cloudformation").update_stack(
                StackName=before.id,
                TemplateURL=provider["TemplateURL"],
                Parameters=_listed(values),
                Capabilities=_CAPABILITIES,
            )
        changed = {"template_name": provider["TemplateName"], "url": provider["TemplateURL"]}
        return replace(project, stack=replace(before, parameters=values, **changed))

    def delete(self, project: Project, call: Call) -> None:
        """Start the deletion of the stack.

        Raises:
            ApiError: ValidationException or AccessDeniedException.
        """
        with told_by_sagemaker():
            self._context.session(call).client("cloudformation").delete_stack(StackName=_stack(project).id)

    def follow(self, project: Project, call: Call) -> None:
        """Note the end of the project's operation when the stack's ends."""
        client = self._context.session(call).client("cloudformation")
        wanted = f"{project.operation.upper()}_COMPLETE"

        def work() -> None:
            try:
                wait(client, _stack(project).id, wanted)
            except StackError as error:
                self._end(project, "Failed", error.message)
            else:
                self._end(project, "Completed", wanted)

        self._context.in_background(f"stack of project {project.name}", work)


def _stack(project: Project) -> TemplateStack:
    if project.stack is None:
        raise validation(f"Project {project.name} was not made from a template in S3.")
    return project.stack


def _values(
    project: Project, provider: Mapping[str, Any], session: Session, before: Mapping[str, str]
) -> dict[str, str]:
    """Return the parameters of the stack, after checking that the template may be used for projects."""
    declared = _declared(provider["TemplateURL"], session)
    own = {k: v for k, v in own_parameters(project.name, project.id).items() if k in declared}
    kept = {k: v for k, v in before.items() if k in declared}
    given = {p["Key"]: p.get("Value", "") for p in provider.get("Parameters") or ()}
    if reserved := sorted(set(given) & set(own)):
        raise validation(f"The parameter {', '.join(reserved)} is set by SageMaker; leave it out.")
    return {**kept, **given, **own}


def _declared(url: str, session: Session) -> set[str]:
    try:
        bucket, key, _ = location(url)
    except ApiError as error:
        raise validation(f"TemplateURL {url} is not the https URL of an object in S3.") from error
    with told_by_sagemaker():
        tags = session.client("s3").get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    if {"Key": _VISIBILITY, "Value": "true"} not in tags:
        raise validation(f"The template {url} does not have the tag {_VISIBILITY}=true; tag the object.")
    try:
        return set(parse(session.read_object(bucket, key).decode()).parameters)
    except ApiError as error:
        code = "AccessDeniedException" if error.code.startswith("AccessDenied") else "ValidationException"
        raise ApiError(code, f"The template {url} cannot be used: {error.message}") from error


def _listed(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
