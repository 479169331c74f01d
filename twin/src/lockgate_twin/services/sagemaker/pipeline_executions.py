"""Executions of pipelines: Start, Describe, List, Stop, their steps and parameters; and DeletePipeline."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.sagemaker import selective_execution
from lockgate_twin.services.sagemaker.errors import conflict, not_found, validation
from lockgate_twin.services.sagemaker.execution_registry import ExecutionRegistry
from lockgate_twin.services.sagemaker.executor import Executor
from lockgate_twin.services.sagemaker.expressions import text
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import Named, place, random_id
from lockgate_twin.services.sagemaker.parameter_values import inherited, values_of
from lockgate_twin.services.sagemaker.pipeline_execution import FINAL, Execution, Start, StepRun
from lockgate_twin.services.sagemaker.pipelines import Pipeline, Pipelines
from lockgate_twin.services.sagemaker.step_cache import StepCache
from lockgate_twin.services.sagemaker.step_runners import Runner

REFUSED = ("MlflowExperimentName", "PipelineVersionAlias")
# Assumption: the lists about one execution answer up to 100 items a page when MaxResults is not given.
PAGE = 100

EXECUTIONS: Lister[Execution] = Lister(
    "PipelineExecutionSummaries",
    facts=lambda e: Facts(name=e.arn, created=e.created, serial=e.serial, status=e.status),
    summary=Execution.summary,
    default_page=PAGE,
)
# Newest first when SortOrder is not given, as the outputs shown in AWS's own notebooks.
STEPS: Lister[StepRun] = Lister(
    "PipelineExecutionSteps",
    facts=lambda run: Facts(name=run.step.name, created=run.started),
    summary=StepRun.described,
    default_page=PAGE,
)


class PipelineExecutions:
    """The operations on executions."""

    name = "sagemaker"

    def __init__(self, context: Context, pipelines: Pipelines, runners: Mapping[str, Runner]) -> None:
        self._context = context
        self._pipelines = pipelines
        self._cache = StepCache(context.table("sagemaker.step-cache"))
        self.executions = ExecutionRegistry(
            context.table("sagemaker.pipeline-executions"), context.table("sagemaker.pipeline-steps")
        )
        self._executor = Executor(context=context, runners=runners, cache=self._cache, executions=self.executions)
        for left in [e for e in self.executions.all() if not pipelines.reunite(e)]:
            # Its pipeline was deleted, and the twin killed before this was.
            self.executions.remove(Named(left.start.place, left.arn), not_found(left.arn))
        known = self.executions.all()
        self._serials = itertools.count(1 + max((execution.serial for execution in known), default=0))
        self._tokens = {(e.start.pipeline_arn, e.start.request["ClientRequestToken"]): e for e in known}

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "StartPipelineExecution": self.start,
            "DescribePipelineExecution": self.describe,
            "ListPipelineExecutions": self.list_all,
            "ListPipelineExecutionSteps": self.list_steps,
            "ListPipelineParametersForExecution": self.list_parameters,
            "DescribePipelineDefinitionForExecution": self.describe_definition,
            "StopPipelineExecution": self.stop,
            "RetryPipelineExecution": self.retry,
            "UpdatePipelineExecution": self.update,
            "DeletePipeline": self.delete_pipeline,
        }

    def start(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start an execution; the same ClientRequestToken again gives the execution that it started.

        Assumption: AWS documents no end of this ("completes no more than once"); here a token counts as long as its
        pipeline exists.

        Raises:
            ApiError: ResourceNotFound, ValidationException naming all wrong parameters, ConflictException.
        """
        if refused := [name for name in REFUSED if name in parameters]:
            raise NotImplementedByTwin(f"StartPipelineExecution with {', '.join(refused)}")
        if "RoleArn" in parameters:
            raise validation("RoleArn cannot be given: executions of a pipeline that you created use its role.")
        pipeline = self._pipelines.find(call, parameters["PipelineName"])
        token = (pipeline.arn, parameters["ClientRequestToken"])
        with self.executions.lock:
            known = self._tokens.get(token)
            if known is None:
                known = self._tokens[token] = self._new(pipeline, parameters, call)
            elif known.start.request != parameters:
                raise conflict("The ClientRequestToken was used before with other parameters; use a new one.")
            else:
                return {"PipelineExecutionArn": known.arn}
        execution = known
        self._context.in_background(f"execution {execution.id}", lambda: self._executor.run(execution))
        return {"PipelineExecutionArn": execution.arn}

    def _new(self, pipeline: Pipeline, parameters: dict[str, Any], call: Call) -> Execution:
        version = parameters.get("PipelineVersionId") or len(pipeline.versions)
        definition = pipeline.definition(version)
        parallelism = parameters.get("ParallelismConfiguration") or pipeline.settings.get("ParallelismConfiguration")
        config = parameters.get("SelectiveExecutionConfig")
        source = self._source(pipeline, config) if config else None
        given = [*inherited(definition, source), *parameters.get("PipelineParameters", [])]
        start = Start(
            place=pipeline.key.place,
            pipeline_name=pipeline.name,
            pipeline_arn=pipeline.arn,
            version=version,
            role_arn=pipeline.settings["RoleArn"],
            definition=definition,
            parameters=values_of(definition, given),
            request=parameters,
            principal=call.principal,
            max_parallel=(parallelism or {}).get("MaxParallelExecutionSteps"),
        )
        execution = Execution(start, random_id(), next(self._serials))
        execution.steps.update(self._given(execution))
        pipeline.last_run = execution.created
        key = Named(pipeline.key.place, execution.arn)
        self.executions.add(key, execution, conflict(f"{execution.arn} already exists."))
        for run in execution.steps.values():
            if run.selective_source:
                self.executions.keep_step(execution, run)
        return execution

    def _given(self, execution: Execution) -> dict[str, StepRun]:
        """Return the steps that a selective execution does not run itself."""
        config = execution.start.request.get("SelectiveExecutionConfig")
        if not config:
            return {}
        source = self.executions.get(Named(execution.start.place, config.get("SourcePipelineExecutionArn", "")))
        names = selective_execution.selected(config)
        return selective_execution.begin(execution.start.definition, names, source)

    def _source(self, pipeline: Pipeline, config: Mapping[str, Any]) -> Execution | None:
        """Return the reference execution of a selective one, or None if it names none.

        Raises:
            ApiError: ValidationException when it is not one of this pipeline.
        """
        arn = config.get("SourcePipelineExecutionArn")
        found = self.executions.get(Named(pipeline.key.place, arn)) if arn else None
        if arn and (found is None or found.start.pipeline_arn != pipeline.arn):
            raise validation(f"SourcePipelineExecutionArn {arn} is no execution of {pipeline.arn}.")
        return found

    def find(self, parameters: Mapping[str, Any], call: Call) -> Execution:
        """Return the execution of a request.

        Raises:
            ApiError: ResourceNotFound; ValidationException when the request names none (botocore requires it of most
                operations, not of all).
        """
        arn = parameters.get("PipelineExecutionArn")
        if arn is None:
            raise validation("PipelineExecutionArn is required.")
        missing = not_found(f"Pipeline execution with ARN {arn} does not exist.")
        return self.executions.find(Named(place(call), arn), missing)

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe an execution."""
        return self.find(parameters, call).described()

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List a pipeline's executions, newest first unless asked otherwise."""
        if "PipelineVersionAlias" in parameters:
            raise NotImplementedByTwin("ListPipelineExecutions with PipelineVersionAlias")
        pipeline = self._pipelines.find(call, parameters["PipelineName"])
        return EXECUTIONS.page(self._of(pipeline), parameters)

    def list_steps(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the steps that were started."""
        runs = self.find(parameters, call).steps
        return STEPS.page([run for run in list(runs.values()) if not run.skipped and not run.hidden], parameters)

    def list_parameters(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the values of all parameters of an execution, defaults included."""
        execution = self.find(parameters, call)
        names = list(execution.start.parameters)
        lister: Lister[str] = Lister(
            "PipelineParameters",
            facts=lambda name: Facts(name=name, created=execution.created, serial=names.index(name)),
            summary=lambda name: {"Name": name, "Value": text(execution.start.parameters[name])},
            sort_order="Ascending",
            default_page=PAGE,
        )
        return lister.page(names, parameters)

    def describe_definition(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the definition that an execution runs."""
        execution = self.find(parameters, call)
        return {"PipelineDefinition": execution.start.definition.text, "CreationTime": execution.created}

    def stop(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Stop an execution: no new steps, running jobs are stopped."""
        execution = self.find(parameters, call)
        if execution.status in FINAL:
            raise validation(f"Pipeline execution {execution.arn} is {execution.status}; only a running one stops.")
        if not execution.stop_requested.is_set():
            self._executor.enter(execution, "Stopping")
            self._context.in_background(f"stop {execution.id}", execution.request_stop)
        return {"PipelineExecutionArn": execution.arn}

    def retry(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Go on with an execution that failed or was stopped: steps that succeeded are kept, the others run again.

        Raises:
            ApiError: ResourceNotFound, or ConflictException for an execution that runs or succeeded.
        """
        execution = self.find(parameters, call)
        token = parameters["ClientRequestToken"]
        with self.executions.lock:
            if token in execution.retry_tokens:
                if execution.retry_tokens[token] != parameters:
                    raise conflict("The ClientRequestToken was used before with other parameters; use a new one.")
                return {"PipelineExecutionArn": execution.arn}
            previous = execution.status
            try:
                dropped = execution.reopen()
            except ValueError:
                told = f"{execution.arn} is {previous}; only one that failed or was stopped is retried."
                raise conflict(told) from None
            execution.retry_tokens[token] = parameters
            if "ParallelismConfiguration" in parameters:
                execution.changes["ParallelismConfiguration"] = parameters["ParallelismConfiguration"]
            for run in dropped:
                self.executions.forget_step(execution, run)
            for name, run in self._given(execution).items():
                execution.steps.setdefault(name, run)
            self.executions.keep_status(execution)
        self._context.in_background(f"execution {execution.id}", lambda: self._executor.run(execution, previous))
        return {"PipelineExecutionArn": execution.arn}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change an execution's name, description or parallelism; steps that run go on."""
        execution = self.find(parameters, call)
        with self.executions.lock:
            execution.changes.update({n: v for n, v in parameters.items() if n != "PipelineExecutionArn"})
            execution.modified, execution.changed_by = utc_now(), call.principal
            self.executions.keep_status(execution)
        return {"PipelineExecutionArn": execution.arn}

    def delete_pipeline(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a pipeline with its executions."""
        pipeline = self._pipelines.find(call, parameters["PipelineName"])
        executions = self._of(pipeline)
        self._pipelines.remove(pipeline, running=sum(e.status not in FINAL for e in executions))
        for execution in executions:
            self.executions.remove(Named(pipeline.key.place, execution.arn), not_found(execution.arn))
        self._tokens = {key: e for key, e in self._tokens.items() if key[0] != pipeline.arn}
        self._cache.forget(pipeline.arn)
        return {"PipelineArn": pipeline.arn}

    def spans(self) -> list[tuple[str, datetime, datetime]]:
        """Return when the executions that are over ran, each with its pipeline's name."""
        over = [execution for execution in self.executions.all() if execution.status in FINAL]
        return [(execution.start.pipeline_name, execution.created, execution.modified) for execution in over]

    def resume(self) -> None:
        """Stop what ran when the twin ended."""
        for execution in self.executions.all():
            if execution.status not in FINAL:
                self._executor.give_up(execution)

    def close(self) -> None:
        """Start no more steps; `resume` of the next twin says how what runs has ended."""
        self.executions.close()
        for execution in self.executions.all():
            execution.stop_requested.set()

    def _of(self, pipeline: Pipeline) -> list[Execution]:
        return [e for e in self.executions.here(pipeline.key.place) if e.start.pipeline_arn == pipeline.arn]
