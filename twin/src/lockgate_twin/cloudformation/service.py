"""The operations of CloudFormation's API.

Source: the CloudFormation API reference; error texts are those of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.cloudformation import describe
from lockgate_twin.cloudformation.blueprint import Identity
from lockgate_twin.cloudformation.changesets import ChangeSets
from lockgate_twin.cloudformation.controls import Controls
from lockgate_twin.cloudformation.failures import invalid
from lockgate_twin.cloudformation.keeping import StackTables
from lockgate_twin.cloudformation.naming import check_stack_name, stack_id
from lockgate_twin.cloudformation.nested import NestedStacks
from lockgate_twin.cloudformation.operations import Operations, Removal
from lockgate_twin.cloudformation.preparation import Preparer, refuse_unsupported
from lockgate_twin.cloudformation.records import Record, Stacks
from lockgate_twin.cloudformation.stack import Options
from lockgate_twin.cloudformation.template import Template
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler


class CloudFormation:
    """AWS CloudFormation. Every resource is made with the session of the caller or of the stack's service role."""

    name = "cloudformation"

    def __init__(self, context: Context) -> None:
        self._stacks = Stacks(StackTables(context.table))
        self._operations = Operations(context, self._stacks)
        self._preparer = Preparer(context, self._exported_values)
        self._operations.nested = NestedStacks(self._preparer, self._stacks, self._operations)
        self._change_sets = ChangeSets(
            self._preparer, self._stacks, self._operations, context.table("cloudformation.change_sets")
        )

    def resume(self) -> None:
        """Roll back or delete on behalf of an earlier twin."""
        self._operations.resume(self._preparer.session_again)

    def accept_signal(self, environ: Mapping[str, Any], body: bytes) -> None:
        """Take an unsigned request to an address of `SIGNALS` as an answer that a stack waits for.

        Raises:
            ApiError: AccessDenied for any but the one address that was given out.
        """
        self._operations.signals.accept(environ, body)

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by AWS operation name."""
        return {
            "CreateStack": self._create_stack,
            "UpdateStack": self._update_stack,
            "DeleteStack": self._delete_stack,
            "DescribeStacks": self._describe_stacks,
            "ListStacks": self._list_stacks,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResources": self._describe_stack_resources,
            "ListStackResources": self._list_stack_resources,
            "ListExports": self._list_exports,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._get_template_summary,
            "ValidateTemplate": self._validate_template,
            "UpdateTerminationProtection": self._update_termination_protection,
            **self._change_sets.operations(),
            **Controls(self._preparer, self._stacks, self._operations).operations(),
        }

    def _exported_values(self, account: str, region: str) -> dict[str, str]:
        return {name: value for name, (value, _) in self._stacks.exports(account, region).items()}

    def _find(self, request: Mapping[str, Any], call: Call) -> Record:
        return self._stacks.find(call.account, call.region, request["StackName"])

    def _create_stack(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        name, token = request["StackName"], request.get("ClientRequestToken", "")
        check_stack_name(name)
        existing = self._stacks.named(call.account, call.region, name)
        if existing is not None:
            if token and existing.stack.options.token == token:
                return {"StackId": existing.stack.identity.id}
            raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
        identity = Identity(name, stack_id(name, call.account, call.region), call.account, call.region)
        prepared = self._preparer.prepare(request, call, identity, request.get("RoleARN"))
        policy = self._preparer.policy(request, call, "StackPolicy") or ""
        options = replace(_options(request, request.get("RoleARN")), policy=policy)
        record = self._operations.create(prepared, options)
        return {"StackId": record.stack.identity.id}

    def _update_stack(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        record = self._find(request, call)
        stack, token = record.stack, request.get("ClientRequestToken", "")
        if stack.status == "DELETE_COMPLETE":
            raise invalid(f"Stack [{request['StackName']}] does not exist")
        if token and token == stack.options.token:
            return _repeated(record, token)
        role_arn = request.get("RoleARN") or stack.options.role_arn
        prepared = self._preparer.prepare(request, call, stack.identity, role_arn, stack)
        options = replace(
            _options(request, role_arn),
            termination_protection=stack.options.termination_protection,
            policy=self._preparer.policy(request, call, "StackPolicy") or stack.options.policy,
            policy_during_update=self._preparer.policy(request, call, "StackPolicyDuringUpdate") or "",
        )
        self._operations.update(record, prepared, options)
        return {"StackId": stack.identity.id}

    def _delete_stack(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        refuse_unsupported(request)
        force = request.get("DeletionMode") == "FORCE_DELETE_STACK"
        try:
            record = self._find(request, call)
        except ApiError:  # as on AWS: deleting what is not there succeeds
            return {}
        stack, retained = record.stack, request.get("RetainResources", [])
        if retained and stack.status != "DELETE_FAILED":
            raise invalid(
                f"Invalid operation on stack [{stack.identity.id}]. RetainResources can only be used on a stack in "
                "DELETE_FAILED state"
            )
        if force and stack.status != "DELETE_FAILED":
            raise invalid(
                f"Stack [{stack.identity.id}] must be in DELETE_FAILED state for DeletionMode FORCE_DELETE_STACK"
            )
        session = self._preparer.session(request.get("RoleARN") or stack.options.role_arn, stack.identity, call)
        removal = Removal(frozenset(retained), request.get("ClientRequestToken", ""), force)
        self._operations.delete(record, session, removal)
        return {}

    def _describe_stacks(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        if "StackName" in request:
            return {"Stacks": [describe.stack(self._find(request, call).stack)]}
        stacks = [record.stack for record in self._stacks.all(call.account, call.region)]
        return {"Stacks": [describe.stack(stack) for stack in stacks if stack.status != "DELETE_COMPLETE"]}

    def _list_stacks(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        wanted = request.get("StackStatusFilter")
        stacks = [record.stack for record in self._stacks.all(call.account, call.region)]
        return {"StackSummaries": [describe.summary(stack) for stack in stacks if not wanted or stack.status in wanted]}

    def _describe_stack_events(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        record = self._find(request, call)
        return {"StackEvents": [describe.event(record.stack, event) for event in reversed(record.events)]}

    def _describe_stack_resource(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        stack, name = self._find(request, call).stack, request["LogicalResourceId"]
        if name not in stack.resources:
            raise invalid(f"Resource {name} does not exist for stack {stack.identity.name}")
        return {"StackResourceDetail": describe.resource_detail(stack, stack.resources[name])}

    def _describe_stack_resources(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        stack = self._stack_of(request, call).stack
        name = request.get("LogicalResourceId")
        if name and name not in stack.resources:
            raise invalid(f"Resource {name} does not exist for stack {stack.identity.name}")
        resources = [stack.resources[name]] if name else list(stack.resources.values())
        return {"StackResources": [describe.resource(stack, item) for item in resources]}

    def _stack_of(self, request: Mapping[str, Any], call: Call) -> Record:
        physical_id = request.get("PhysicalResourceId")
        if "StackName" in request:
            return self._find(request, call)
        for record in self._stacks.all(call.account, call.region):
            if physical_id and any(r.exists and r.physical_id == physical_id for r in record.stack.resources.values()):
                return record
        raise invalid(f"Stack for {physical_id} does not exist")

    def _list_stack_resources(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        resources = self._find(request, call).stack.resources.values()
        return {"StackResourceSummaries": [describe.resource_summary(item) for item in resources]}

    def _list_exports(self, _: dict[str, Any], call: Call) -> dict[str, Any]:
        exports = self._stacks.exports(call.account, call.region)
        return {
            "Exports": [
                {"ExportingStackId": stack.identity.id, "Name": name, "Value": value}
                for name, (value, stack) in exports.items()
            ]
        }

    def _get_template(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        if "ChangeSetName" in request or "StackName" not in request:
            raise NotImplementedByTwin("GetTemplate of a change set")
        text = self._find(request, call).stack.blueprint.template.text
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    def _get_template_summary(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        if "StackName" in request:
            return describe.template_summary(self._find(request, call).stack.blueprint.template)
        return describe.template_summary(self._given_template(request, call))

    def _validate_template(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        return describe.validated(self._given_template(request, call))

    def _given_template(self, request: Mapping[str, Any], call: Call) -> Template:
        template = self._preparer.checked_template(request, call)
        if template is None:
            raise invalid("Either Template URL or Template Body must be specified.")
        return template

    def _update_termination_protection(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        record = self._find(request, call)
        protection = bool(request["EnableTerminationProtection"])
        record.change(options=replace(record.stack.options, termination_protection=protection))
        return {"StackId": record.stack.identity.id}


def _options(request: Mapping[str, Any], role_arn: str | None) -> Options:
    if "OnFailure" in request and "DisableRollback" in request:
        raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
    on_failure = "DO_NOTHING" if request.get("DisableRollback") else request.get("OnFailure", "ROLLBACK")
    return Options(
        role_arn=role_arn,
        capabilities=tuple(request.get("Capabilities", [])),
        on_failure=on_failure,
        retain_except_on_create=bool(request.get("RetainExceptOnCreate")),
        termination_protection=bool(request.get("EnableTerminationProtection")),
        token=request.get("ClientRequestToken", ""),
    )


def _repeated(record: Record, token: str) -> dict[str, Any]:
    """A repeated request with the token of the update under way answers as the first did."""
    if not record.stack.status.startswith("UPDATE"):
        raise ApiError("TokenAlreadyExistsException", f"Token {token} already exists")
    return {"StackId": record.stack.identity.id}
