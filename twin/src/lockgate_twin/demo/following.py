"""Following a CodePipeline execution, action by action, and saying what happens as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.demo.failures import StageFailedError

POLL_SECONDS = 0.1
_TERMINAL = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}


@dataclass
class Follower:
    """Watches one pipeline with a person's CodePipeline client; `say` gets one line per change."""

    client: Any
    pipeline: str
    say: Callable[[str], None]
    log: str
    seconds: float = 600.0
    also: Callable[[], None] = lambda: None
    _said: dict[str, str] = field(default_factory=dict)

    def executions(self) -> list[dict[str, Any]]:
        """Return the summaries of the pipeline's executions, newest first."""
        found: list[dict[str, Any]] = self.client.list_pipeline_executions(pipelineName=self.pipeline)[
            "pipelineExecutionSummaries"
        ]
        return found

    def new_execution(self, known: set[str]) -> str:
        """Wait for an execution that is not among the known ones and return its id."""

        def look() -> str | None:
            found = (summary["pipelineExecutionId"] for summary in self.executions())
            return next((execution for execution in found if execution not in known), None)

        return str(self.until(look, f"an execution of {self.pipeline} starts"))

    def finish(self, execution_id: str) -> dict[str, Any]:
        """Wait for the end of an execution.

        Raises:
            StageFailedError: it did not succeed; the failing action's own message says why.
        """
        status = self.until(lambda: self._terminal_status(execution_id), f"{self.pipeline} ends")
        if status != "Succeeded":
            raise StageFailedError(self._failure(execution_id, str(status)), self.log)
        execution: dict[str, Any] = self.client.get_pipeline_execution(
            pipelineName=self.pipeline, pipelineExecutionId=execution_id
        )["pipelineExecution"]
        return execution

    def approval_token(self, execution_id: str) -> tuple[str, str, str]:
        """Wait for a manual approval and return (stage, action, token)."""

        def look() -> tuple[str, str, str] | None:
            if (status := self._terminal_status(execution_id)) is not None:
                raise StageFailedError(self._failure(execution_id, status), self.log)
            state = self.client.get_pipeline_state(name=self.pipeline)
            for stage in state["stageStates"]:
                for action in stage.get("actionStates", []):
                    token = action.get("latestExecution", {}).get("token")
                    if token and action["latestExecution"]["status"] == "InProgress":
                        return stage["stageName"], action["actionName"], token
            return None

        found: tuple[str, str, str] = self.until(look, f"{self.pipeline} asks for approval")
        return found

    def until(self, look: Callable[[], Any], what: str) -> Any:
        """Call `look` until it returns something.

        Raises:
            StageFailedError: nothing happened in time.
        """
        deadline = time.monotonic() + self.seconds
        while (found := look()) is None:
            self.also()
            if time.monotonic() > deadline:
                raise StageFailedError(f"Waited {self.seconds:.0f} s in vain until {what}.", self.log)
            time.sleep(POLL_SECONDS)
        return found

    def actions(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the action executions of one execution, oldest first."""
        details = self.client.list_action_executions(
            pipelineName=self.pipeline, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return sorted(details, key=lambda d: d["startTime"])

    def _terminal_status(self, execution_id: str) -> str | None:
        for action in self.actions(execution_id):
            self._say_once(action)
        status: str = self.client.get_pipeline_execution(pipelineName=self.pipeline, pipelineExecutionId=execution_id)[
            "pipelineExecution"
        ]["status"]
        return status if status in _TERMINAL else None

    def _say_once(self, action: dict[str, Any]) -> None:
        key, status = action["actionExecutionId"], action["status"]
        if self._said.get(key) != status:
            self._said[key] = status
            self.say(f"{action['stageName']}/{action['actionName']}: {status}")

    def _failure(self, execution_id: str, status: str) -> str:
        for action in self.actions(execution_id):
            if action["status"] == "Failed":
                result = action.get("output", {}).get("executionResult", {})
                message = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
                return f"{self.pipeline}: {action['stageName']}/{action['actionName']} failed: {message}"
        return f"{self.pipeline}: execution {execution_id} ended {status}."
