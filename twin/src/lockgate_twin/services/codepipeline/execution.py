"""What is known of an execution while it runs and afterwards. Guarded by its pipeline's lock."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lockgate_twin.ports import utc_now
from lockgate_twin.services.codebuild import S3Location
from lockgate_twin.services.codepipeline.declaration import Action, Pipeline, Rule
from lockgate_twin.services.codepipeline.variables import PIPELINE_VARIABLES, SERVICE
from lockgate_twin.services.kept import Kept

RUNNING = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An artifact of one execution; `revision` is the source revision that it is or was made from."""

    location: S3Location
    revision: str | None = None


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A source revision (botocore's ArtifactRevision and SourceRevision)."""

    action: str
    artifact: str
    revision_id: str
    summary: str
    url: str
    created: datetime


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """What an action that succeeded leaves behind."""

    summary: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    revision: Revision | None = None


@dataclass(kw_only=True)
class ActionRun(Kept):
    """One run of one action. `token` is set for an approval, until it is answered."""

    action: Action
    stage: str
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start: datetime = field(default_factory=utc_now)
    updated: datetime = field(default_factory=utc_now)
    status: str = "InProgress"
    configuration: Mapping[str, str] = field(default_factory=dict)
    result: ActionResult = field(default_factory=ActionResult)
    summary: str = ""
    error: tuple[str, str] | None = None
    external_id: str = ""
    external_url: str = ""
    token: str = ""
    updated_by: str = ""


@dataclass(kw_only=True)
class RuleRun(Kept):
    """One check of one rule of a stage's condition (`kind` is BEFORE_ENTRY, ON_SUCCESS or ON_FAILURE)."""

    kind: str
    stage: str
    rule: Rule
    condition: int
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: datetime = field(default_factory=utc_now)
    status: str = "Succeeded"
    summary: str = ""
    configuration: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class StageRun(Kept):
    """One pass of an execution through a stage; `entered` is when it did so last.

    `unmet` is what a condition that is not met leads to (FAIL, SKIP or ROLLBACK), "" as long as all are; `engaged` what
    a condition of the stage's failure that is met leads to; `overridden` the kinds of conditions that do not count.
    """

    name: str
    start: datetime = field(default_factory=utc_now)
    entered: datetime = field(default_factory=utc_now)
    status: str = "InProgress"
    actions: list[ActionRun] = field(default_factory=list)
    rules: list[RuleRun] = field(default_factory=list)
    unmet: str = ""
    engaged: str = ""
    overridden: tuple[str, ...] = ()
    automatic_retries: int = 0
    manual_retries: int = 0
    latest_retry: str = ""

    @property
    def failure(self) -> ActionRun | None:
        """Return the first action whose latest run failed, or None."""
        latest = [self.latest(name) for name in dict.fromkeys(run.action.name for run in self.actions)]
        return next((run for run in latest if run is not None and run.status == "Failed"), None)

    def latest(self, action: str) -> ActionRun | None:
        """Return the latest run of an action in this pass, or None."""
        return next((run for run in reversed(self.actions) if run.action.name == action), None)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What started an execution (botocore's ExecutionTrigger)."""

    type: str
    detail: str


@dataclass(kw_only=True)
class Execution:
    """One execution of one version of a pipeline.

    `pinned` are commit ids by the names of source actions; `token` is the client request token that started it, if any;
    `history` holds all runs of actions, those that a retry replaced included.
    """

    pipeline: Pipeline
    trigger: Trigger
    variables: Mapping[str, str]
    pinned: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start: datetime = field(default_factory=utc_now)
    updated: datetime = field(default_factory=utc_now)
    status: str = "InProgress"
    summary: str = ""
    attempt: int = 1
    stages: dict[str, StageRun] = field(default_factory=dict)
    history: list[ActionRun] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    abandoned: bool = False
    stop_reason: str | None = None
    rolled_back_to: str | None = None
    only_stage: str | None = None

    @property
    def type(self) -> str:
        """Return botocore's ExecutionType; a rollback runs through one stage only, with an earlier one's artifacts."""
        return "ROLLBACK" if self.rolled_back_to else "STANDARD"

    @property
    def namespaces(self) -> dict[str, Mapping[str, str]]:
        """Return the values that configurations may refer to."""
        service = {"PipelineExecutionId": self.execution_id}
        return {**self.outputs, PIPELINE_VARIABLES: self.variables, SERVICE: service}

    @property
    def position(self) -> tuple[int, bool]:
        """Return the index of the stage that it is in or waits for, and whether it is in it."""
        stages = self.pipeline.stages
        for index, stage in enumerate(stages):
            run = self.stages.get(stage.name)
            if self.only_stage not in {None, stage.name}:
                continue
            if run is None or run.status not in {"Succeeded", "Skipped"}:
                return index, run is not None and run.status == "InProgress"
        return len(stages) - 1, False

    def abandon(self) -> None:
        """Give up what is under way: its thread ends the execution as stopped."""
        if self.status in RUNNING:
            self.status, self.abandoned = "Stopping", True

    def end(self, status: str, summary: str) -> None:
        """Take a status that no execution leaves by itself."""
        self.status, self.summary, self.updated = status, summary, utc_now()

    def complete(self, run: ActionRun, result: ActionResult) -> None:
        """Keep what an action leaves to later ones."""
        run.result, self.updated = result, utc_now()
        self.artifacts.update(result.outputs)
        if result.revision is not None:
            self.revisions.append(result.revision)
        if run.action.namespace:
            self.outputs[run.action.namespace] = dict(result.variables)
