"""The CloudFormation action's modes that make a change set and execute one.

Source: "CloudFormation deploy action reference" (CodePipeline User Guide): CHANGE_SET_REPLACE makes the change set, in
the place of one of its name; CHANGE_SET_EXECUTE executes it.
Assumption: a change set without changes is no failure, and executing it leaves the stack as it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.services.codepipeline.actions.request import ActionFailedError

_POLL_SECONDS = 0.05
_EMPTY = ("didn't contain changes", "No updates are to be performed")
Described = Mapping[str, Any]


class ChangeSets:
    """Change sets as the action uses them."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def replace(self, name: str, wanted: Mapping[str, Any], *, exists: bool) -> str:
        """Make a change set in the place of one of its name, and return a summary.

        Raises:
            ActionFailedError: it cannot be made.
        """
        if self.find(name, wanted["StackName"]) is not None:
            self._client.delete_change_set(ChangeSetName=name, StackName=wanted["StackName"])
        kind = "UPDATE" if exists else "CREATE"
        self._client.create_change_set(ChangeSetName=name, ChangeSetType=kind, **wanted)
        made = self._settled(name, wanted["StackName"])
        if made["Status"] == "FAILED" and not _is_empty(made):
            reason = made.get("StatusReason", "no reason given")
            raise ActionFailedError("JobFailed", f"Change set {name} cannot be created: {reason}")
        count = len(made.get("Changes", []))
        return f"Change set {name} was created with {count} changes" if count else f"Change set {name} has no changes"

    def execute(self, name: str, stack: str) -> bool:
        """Execute a change set; return False if it has no changes.

        Raises:
            ActionFailedError: there is none of that name, or it cannot be executed.
        """
        found = self.find(name, stack)
        if found is None:
            raise ActionFailedError("ConfigurationError", f"Change set {name} of stack {stack} does not exist")
        if found["Status"] == "FAILED" and _is_empty(found):
            return False
        self._client.execute_change_set(ChangeSetName=name, StackName=stack)
        return True

    def find(self, name: str, stack: str) -> Described | None:
        """Return a change set, or None."""
        try:
            found: Described = self._client.describe_change_set(ChangeSetName=name, StackName=stack)
        except ClientError as error:
            if "does not exist" in str(error) or error.response["Error"]["Code"] == "ChangeSetNotFound":
                return None
            raise
        return found

    def _settled(self, name: str, stack: str) -> Described:
        while (found := self.find(name, stack)) is not None and str(found["Status"]).endswith(
            ("_IN_PROGRESS", "_PENDING")
        ):
            time.sleep(_POLL_SECONDS)
        if found is None:
            raise ActionFailedError("JobFailed", f"Change set {name} of stack {stack} is gone")
        return found


def _is_empty(change_set: Described) -> bool:
    return any(text in str(change_set.get("StatusReason")) for text in _EMPTY)
