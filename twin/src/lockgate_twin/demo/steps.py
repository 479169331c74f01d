"""Watching the SageMaker pipeline inside a build, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class StepWatcher:
    """Says one line for each change of a step in the newest execution of a SageMaker pipeline."""

    client: Any
    pipeline: str
    say: Callable[[str], None]
    _said: dict[tuple[str, str], str] = field(default_factory=dict)

    def look(self) -> None:
        """Say what has changed since the last look."""
        for execution in self._executions():
            listed = self.client.list_pipeline_execution_steps(PipelineExecutionArn=execution, SortOrder="Ascending")
            for step in listed["PipelineExecutionSteps"]:
                self._say_once(execution, step)

    def _executions(self) -> list[str]:
        try:
            listed = self.client.list_pipeline_executions(PipelineName=self.pipeline, MaxResults=1)
        except ClientError as error:
            # Before the first build there is no pipeline yet.
            if error.response["Error"]["Code"] == "ResourceNotFound":
                return []
            raise
        return [e["PipelineExecutionArn"] for e in listed["PipelineExecutionSummaries"]]

    def _say_once(self, execution: str, step: dict[str, Any]) -> None:
        key = (execution, step["StepName"])
        status = "reused from an earlier run" if step.get("CacheHitResult") else step["StepStatus"]
        if self._said.get(key) != status and status != "Starting":
            self._said[key] = status
            self.say(f"  {step['StepName']}: {status}")
