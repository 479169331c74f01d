"""A request for a stack -> a checked blueprint and the session that will carry it out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.cloudformation import admission, conditions, parameters, references, stack_policy, tagging
from lockgate_twin.cloudformation.blueprint import Blueprint, Identity
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.intrinsics import Scope
from lockgate_twin.cloudformation.sources import template_text
from lockgate_twin.cloudformation.stack import Stack
from lockgate_twin.cloudformation.template import Template, parse
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Principal, Session

_ROLE_SERVICE = "cloudformation.amazonaws.com"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_ROLE_SESSION = "AWSCloudFormation"
_REFUSED = (
    "RollbackConfiguration",
    "NotificationARNs",
    "ResourceTypes",
    "TimeoutInMinutes",
    "DeploymentConfig",
    "DisableValidation",
    "ResourcesToImport",
    "ImportExistingResources",
    "IncludeNestedStacks",
)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A blueprint that was admitted, and the session to carry it out with."""

    blueprint: Blueprint
    session: Session


@dataclass(frozen=True)
class Preparer:
    """Reads and checks requests. `exports` gives the exported values of an account and region."""

    context: Context
    exports: Callable[[str, str], Mapping[str, str]]

    def template(self, request: Mapping[str, Any], call: Call) -> Template | None:
        """Return the template a request gives, parsed, or None when it gives none.

        Raises:
            ApiError: ValidationError when it cannot be read or is malformed.
        """
        return self._parsed(request, self.context.session(call))

    def _parsed(self, request: Mapping[str, Any], session: Session) -> Template | None:
        text = template_text(request, session, self.context.settings.endpoint_url)
        if text is None:
            return None
        template = parse(text)
        parameters.check_declarations(template.parameters)
        return template

    def policy(self, request: Mapping[str, Any], call: Call, name: str) -> str | None:
        """Return the stack policy that a request gives as `<name>Body` or `<name>URL`, checked, or None.

        Raises:
            ApiError: ValidationError when it cannot be read or is malformed.
        """
        given = {"TemplateBody": request.get(f"{name}Body"), "TemplateURL": request.get(f"{name}URL")}
        text = template_text(given, self.context.session(call), self.context.settings.endpoint_url)
        if text is not None:
            stack_policy.check(text)
        return text

    def checked_template(self, request: Mapping[str, Any], call: Call) -> Template | None:
        """Return the template a request gives, with its types and references checked.

        Raises:
            ApiError: ValidationError when it cannot be used.
        """
        template = self.template(request, call)
        if template is not None:
            admission.check_types(template, call.region)
            references.check(template)
        return template

    def session(self, role_arn: str | None, identity: Identity, call: Call) -> Session:
        """Return the service role's session, or the caller's own.

        Raises:
            ApiError: ValidationError when CloudFormation cannot assume the role.
        """
        if not role_arn:
            return self.context.session(call)
        if not _ROLE_ARN.fullmatch(role_arn):
            raise invalid(f"Role {role_arn} is invalid or cannot be assumed")
        try:
            return self.context.assume_role(
                role_arn,
                service=_ROLE_SERVICE,
                session_name=_ROLE_SESSION,
                region=identity.region,
                source_arn=identity.id,
            )
        except ApiError as error:
            raise invalid(f"Role {role_arn} is invalid or cannot be assumed") from error

    def session_again(self, stack: Stack, principal: Principal) -> Session:
        """Return the session for work that `principal` began on a stack, in an earlier twin.

        Raises:
            ApiError: the role cannot be assumed any more, or the principal's credentials are gone.
        """
        identity = stack.identity
        call = Call(
            principal=principal,
            region=identity.region,
            service="cloudformation",
            operation="ContinueStackOperation",
            request_id="",
        )
        return self.session(stack.options.role_arn, identity, call)

    def prepare(
        self,
        request: Mapping[str, Any],
        call: Call,
        identity: Identity,
        role_arn: str | None,
        before: Stack | None = None,
    ) -> Prepared:
        """Read a request and check all that can be checked before anything is touched.

        Raises:
            ApiError: as CloudFormation refuses it.
        """
        refuse_unsupported(request)
        template = self.template(request, call) or _previous(request, before)
        return self._admitted(request, template, identity, before, lambda: self.session(role_arn, identity, call))

    def prepare_as(
        self, request: Mapping[str, Any], session: Session, identity: Identity, before: Stack | None
    ) -> Prepared:
        """Check a nested stack's request, whose template is read with the session that will carry it out.

        Raises:
            ApiError: as CloudFormation refuses it.
        """
        template = self._parsed(request, session) or _previous(request, before)
        return self._admitted(request, template, identity, before, lambda: session)

    def _admitted(
        self,
        request: Mapping[str, Any],
        template: Template,
        identity: Identity,
        before: Stack | None,
        assume: Callable[[], Session],
    ) -> Prepared:
        admission.check_capabilities(template, request.get("Capabilities", []))
        admission.check_types(template, identity.region)
        references.check(template)
        session = assume()
        blueprint = self._blueprint(request, template, identity, session, before)
        scope = Scope(values=blueprint.values, mappings=template.mappings)
        conditions.check_rules(template.rules, scope)
        admission.admit(blueprint, before.made() if before else {})
        return Prepared(blueprint=blueprint, session=session)

    def _blueprint(
        self,
        request: Mapping[str, Any],
        template: Template,
        identity: Identity,
        session: Session,
        before: Stack | None,
    ) -> Blueprint:
        declared, given = template.parameters, request.get("Parameters", [])
        previous_values = before.blueprint.parameters if before else {}
        previous_tags = dict(before.blueprint.tags) if before else {}
        return Blueprint(
            identity=identity,
            template=template,
            parameters=parameters.bind(declared, given, previous_values, _fetch(session)),
            tags=tagging.parse(request["Tags"]) if "Tags" in request else previous_tags,
            exports=self.exports(identity.account, identity.region),
        )


def refuse_unsupported(request: Mapping[str, Any]) -> None:
    """Refuse what the twin would have to ignore.

    Raises:
        NotImplementedByTwin: naming the member.
    """
    for name in _REFUSED:
        if request.get(name):
            raise NotImplementedByTwin(f"The parameter {name} of CloudFormation's stack operations")


def _previous(request: Mapping[str, Any], before: Stack | None) -> Template:
    if before is None or not request.get("UsePreviousTemplate"):
        raise invalid("Either Template URL or Template Body must be specified.")
    return before.blueprint.template


def _fetch(session: Session) -> parameters.Fetch:
    def fetch(name: str) -> str:
        try:
            found = session.client("ssm").get_parameters(Names=[name])["Parameters"]
        except ClientError as error:
            raise invalid(str(error.response["Error"].get("Message", error))) from error
        if not found:
            raise invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return str(found[0]["Value"])

    return fetch
