"""CodePipeline as the twin serves it."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.ports import Context, Handler
from lockgate_twin.services.codebuild import PipelineBuilds
from lockgate_twin.services.codecommit import SourceArchives
from lockgate_twin.services.codepipeline.action_runs import ActionRuns
from lockgate_twin.services.codepipeline.actions.build import CodeBuildAction
from lockgate_twin.services.codepipeline.actions.request import ActionProvider
from lockgate_twin.services.codepipeline.actions.source import CodeCommitSource
from lockgate_twin.services.codepipeline.actions.stack import CloudFormationDeploy
from lockgate_twin.services.codepipeline.execution_operations import ExecutionOperations
from lockgate_twin.services.codepipeline.executor import Executor
from lockgate_twin.services.codepipeline.pipeline_operations import PipelineOperations
from lockgate_twin.services.codepipeline.pipelines import Pipelines
from lockgate_twin.services.codepipeline.stage_operations import StageOperations


class CodePipeline:
    """Pipelines whose stages really run."""

    name = "codepipeline"

    def __init__(self, context: Context, *, sources: SourceArchives, builds: PipelineBuilds) -> None:
        providers: dict[str, ActionProvider] = {
            "CodeCommit": CodeCommitSource(sources),
            "CodeBuild": CodeBuildAction(builds),
            "CloudFormation": CloudFormationDeploy(),
        }
        self._pipelines, action_runs = Pipelines(), ActionRuns(context, providers)
        executor = Executor(context, action_runs)
        self._parts = (
            PipelineOperations(context, self._pipelines, executor),
            ExecutionOperations(context, self._pipelines, executor),
            StageOperations(self._pipelines, action_runs),
        )

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {name: handler for part in self._parts for name, handler in part.operations().items()}

    def close(self) -> None:
        """Give up all executions, so that no action starts after this; builds end with their processes."""
        for record in self._pipelines.all():
            record.abandon_executions()
