"""Executions of pipelines: Start, Describe, List, Stop, their steps and parameters; and DeletePipeline."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.sagemaker.errors import conflict, not_found, validation
from lockgate_twin.services.sagemaker.executor import Executor
from lockgate_twin.services.sagemaker.expressions import text
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import Named, place, random_id
from lockgate_twin.services.sagemaker.pipeline_definition import Definition
from lockgate_twin.services.sagemaker.pipeline_execution import FINAL, Execution, Start, StepRun
from lockgate_twin.services.sagemaker.pipelines import Pipeline, Pipelines
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.step_cache import StepCache
from lockgate_twin.services.sagemaker.step_runners import Runner

REFUSED = ("SelectiveExecutionConfig", "MlflowExperimentName", "PipelineVersionAlias")
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
        self._cache = StepCache()
        self._executor = Executor(context=context, runners=runners, cache=self._cache)
        self._serials = itertools.count(1)
        self._tokens: dict[tuple[str, str], Execution] = {}
        self.executions: Registry[Execution] = Registry()

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
            "DeletePipeline": self.delete_pipeline,
        }

    def start(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start an execution; the same ClientRequestToken again gives the execution that it started.

        Raises:
            ApiError: ResourceNotFound, ValidationException naming all wrong parameters, ConflictException.
        """
        if refused := [name for name in REFUSED if name in parameters]:
            raise NotImplementedByTwin(f"StartPipelineExecution with {', '.join(refused)}")
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
        start = Start(
            place=pipeline.key.place,
            pipeline_name=pipeline.name,
            pipeline_arn=pipeline.arn,
            version=version,
            role_arn=parameters.get("RoleArn") or pipeline.settings["RoleArn"],
            definition=definition,
            parameters=_values(definition, parameters.get("PipelineParameters", [])),
            request=parameters,
            principal=call.principal,
            max_parallel=(parallelism or {}).get("MaxParallelExecutionSteps"),
        )
        execution = Execution(start, random_id(), next(self._serials))
        pipeline.last_run = execution.created
        key = Named(pipeline.key.place, execution.arn)
        self.executions.add(key, execution, conflict(f"{execution.arn} already exists."))
        return execution

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
        return STEPS.page([run for run in list(runs.values()) if not run.skipped], parameters)

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

    def seconds(self) -> float:
        """Return how many seconds the executions that are over took, from their start to their end."""
        over = [execution for execution in self.executions.all() if execution.status in FINAL]
        return sum((execution.modified - execution.created).total_seconds() for execution in over)

    def close(self) -> None:
        """Start no more steps."""
        for execution in self.executions.all():
            execution.stop_requested.set()

    def _of(self, pipeline: Pipeline) -> list[Execution]:
        return [e for e in self.executions.here(pipeline.key.place) if e.start.pipeline_arn == pipeline.arn]


def _values(definition: Definition, given: list[dict[str, str]]) -> dict[str, Any]:
    """Return the value of every parameter: what the request gives, or its default.

    Raises:
        ApiError: ValidationException with everything that is wrong.
    """
    values = {name: parameter.default for name, parameter in definition.parameters.items()}
    problems: list[str] = []
    for name, value in ((item["Name"], item["Value"]) for item in given):
        if name not in values:
            problems.append(f"the pipeline has no parameter {name!r} (but {', '.join(values) or 'none'})")
            continue
        try:
            values[name] = definition.parameters[name].read(value)
        except ValueError as error:
            problems.append(str(error))
    missing = [n for n, v in values.items() if v is None and n not in {item["Name"] for item in given}]
    problems += [f"parameter {name} has no default and needs a value" for name in missing]
    if problems:
        raise validation(f"The pipeline parameters are not valid: {'; '.join(problems)}")
    return values
