"""The CloudFormation deploy action, which talks to CloudFormation as the pipeline's role.

Source: "CloudFormation deploy action reference" (CodePipeline User Guide) for the action modes, and for which states of
a stack REPLACE_ON_FAILURE deletes it first.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import utc_now
from lockgate_twin.services.codepipeline.actions.change_set import ChangeSets
from lockgate_twin.services.codepipeline.actions.request import ActionFailedError, ActionRequest
from lockgate_twin.services.codepipeline.actions.stack_request import stack_request
from lockgate_twin.services.codepipeline.execution import ActionResult, Artifact

_REPLACED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"}
_SUCCEEDED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_POLL_SECONDS = 0.05
_CONSOLE = "https://console.aws.amazon.com/cloudformation/home?region={region}#/stacks/stackinfo?stackId={stack}"

StackData = Mapping[str, Any]


class CloudFormationDeploy:
    """Creates, updates, replaces and deletes stacks."""

    def run(self, request: ActionRequest) -> ActionResult:
        """Bring the stack to the state that the action mode asks for, and wait for it."""
        stacks = _Stacks(request.session.client("cloudformation"), utc_now())
        name, mode = request.configuration["StackName"], request.configuration["ActionMode"]
        current = stacks.find(name)
        if mode == "CHANGE_SET_EXECUTE":
            return stacks.execute(request)
        if mode == "DELETE_ONLY":
            if current is not None:
                stacks.delete(current, request.configuration["RoleArn"])
            return ActionResult(summary=f"Stack {name} was deleted")
        wanted = stack_request(request.configuration, lambda n: request.store.read(request.inputs[n].location))
        if mode == "CHANGE_SET_REPLACE":
            known = current is not None and current["StackStatus"] != "REVIEW_IN_PROGRESS"
            change_set = request.configuration["ChangeSetName"]
            return ActionResult(summary=ChangeSets(stacks.client).replace(change_set, wanted, exists=known))
        if mode == "REPLACE_ON_FAILURE" and current is not None and current["StackStatus"] in _REPLACED:
            stacks.delete(current, request.configuration["RoleArn"])
            current = None
        stack = stacks.deploy(wanted, current, request)
        return _result(request, stack)


@dataclass(frozen=True)
class _Stacks:
    """CloudFormation as the action uses it; `since` is when the action began."""

    client: Any
    since: datetime

    def find(self, name: str) -> StackData | None:
        try:
            found: StackData = self.client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def deploy(self, wanted: dict[str, Any], current: StackData | None, request: ActionRequest) -> StackData:
        if current is None or current["StackStatus"] == "REVIEW_IN_PROGRESS":
            stack_id = self.client.create_stack(**wanted)["StackId"]
        else:
            try:
                stack_id = self.client.update_stack(**wanted)["StackId"]
            except ClientError as error:
                if "No updates are to be performed" in str(error):
                    return current
                raise
        request.report(stack_id, _CONSOLE.format(region=request.pipeline.region, stack=stack_id))
        stack = self.settled(stack_id)
        if stack is None or stack["StackStatus"] not in _SUCCEEDED:
            raise ActionFailedError("JobFailed", self.failure(stack_id, stack))
        return stack

    def execute(self, request: ActionRequest) -> ActionResult:
        """Execute a change set and wait for its stack."""
        name, change_set = request.configuration["StackName"], request.configuration["ChangeSetName"]
        if not ChangeSets(self.client).execute(change_set, name):
            stack = self.find(name)
            return _result(request, stack) if stack else ActionResult(summary=f"Change set {change_set} is empty")
        stack = self.settled(name)
        if stack is None or stack["StackStatus"] not in _SUCCEEDED:
            raise ActionFailedError("JobFailed", self.failure(name, stack))
        return _result(request, stack)

    def delete(self, stack: StackData, role_arn: str) -> None:
        self.client.delete_stack(StackName=stack["StackName"], RoleARN=role_arn)
        left = self.settled(stack["StackId"])
        if left is not None and left["StackStatus"] != "DELETE_COMPLETE":
            raise ActionFailedError("JobFailed", self.failure(stack["StackId"], left))

    def settled(self, stack_id: str) -> StackData | None:
        """Wait until nothing is in progress; CloudFormation tells of its progress only when asked."""
        while (stack := self.find(stack_id)) is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
            time.sleep(_POLL_SECONDS)
        return stack

    def failure(self, stack_id: str, stack: StackData | None) -> str:
        """Name the stack, its state and the first resource that failed."""
        name = stack["StackName"] if stack else stack_id
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        reason = stack.get("StackStatusReason", "") if stack else ""
        return f"Stack {name} ended with {status}: {self._first_failure(stack_id) or reason}"

    def _first_failure(self, stack_id: str) -> str:
        try:
            events = self.client.describe_stack_events(StackName=stack_id)["StackEvents"]
        except (ApiError, ClientError):
            return ""  # the role may deploy but not read events; the stack's own reason is told then
        failed = [e for e in events if e["ResourceStatus"].endswith("_FAILED") and e["Timestamp"] >= self.since]
        if not failed:
            return ""
        first = failed[-1]  # events come newest first
        reason = first.get("ResourceStatusReason", "no reason given")
        return f"{first['LogicalResourceId']} ({first['ResourceType']}): {reason}"


def _result(request: ActionRequest, stack: StackData) -> ActionResult:
    variables = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    outputs = {}
    for name in request.action.outputs:
        location = request.store.place(name)
        request.store.write(location, _outputs_archive(request.configuration, variables))
        outputs[name] = Artifact(location=location)
    summary = f"Stack {stack['StackId']} is in state {stack['StackStatus']}"
    return ActionResult(summary=summary, variables=variables, outputs=outputs)


def _outputs_archive(configuration: Mapping[str, str], variables: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(configuration.get("OutputFileName", "CreateStackOutput.json"), json.dumps(variables))
    return buffer.getvalue()
