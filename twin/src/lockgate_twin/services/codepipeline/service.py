"""CodePipeline as the twin serves it."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.ports import Context, Handler
from lockgate_twin.services.codebuild import PipelineBuilds
from lockgate_twin.services.codecommit import SourceArchives
from lockgate_twin.services.codepipeline.action_runs import ActionRuns
from lockgate_twin.services.codepipeline.actions.build import CodeBuildAction
from lockgate_twin.services.codepipeline.actions.function import LambdaInvokeAction
from lockgate_twin.services.codepipeline.actions.request import ActionProvider
from lockgate_twin.services.codepipeline.actions.source import CodeCommitSource
from lockgate_twin.services.codepipeline.actions.stack import CloudFormationDeploy
from lockgate_twin.services.codepipeline.execution_operations import ExecutionOperations
from lockgate_twin.services.codepipeline.executor import Executor
from lockgate_twin.services.codepipeline.jobs import Jobs
from lockgate_twin.services.codepipeline.pipeline_operations import PipelineOperations
from lockgate_twin.services.codepipeline.pipeline_tables import PipelineTables
from lockgate_twin.services.codepipeline.pipelines import Pipelines
from lockgate_twin.services.codepipeline.stage_operations import StageOperations


class CodePipeline:
    """Pipelines whose stages really run."""

    name = "codepipeline"

    def __init__(self, context: Context, *, sources: SourceArchives, builds: PipelineBuilds) -> None:
        jobs = Jobs()
        providers: dict[str, ActionProvider] = {
            "CodeCommit": CodeCommitSource(sources),
            "CodeBuild": CodeBuildAction(builds),
            "CloudFormation": CloudFormationDeploy(),
            "Lambda": LambdaInvokeAction(jobs),
        }
        self._pipelines = Pipelines(PipelineTables(context))
        action_runs = ActionRuns(context, providers)
        self._executor = executor = Executor(context, action_runs)
        self._parts = (
            PipelineOperations(context, self._pipelines, executor),
            ExecutionOperations(context, self._pipelines, executor),
            StageOperations(self._pipelines, action_runs),
            jobs,
        )

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {name: handler for part in self._parts for name, handler in part.operations().items()}

    def resume(self) -> None:
        """Go on with what an earlier twin left under way."""
        for record in self._pipelines.all():
            self._executor.resume(record)

    def close(self) -> None:
        """Give up all executions, so that no action starts after this; the next twin goes on with them."""
        self._pipelines.close()
        for record in self._pipelines.all():
            record.abandon_executions()
