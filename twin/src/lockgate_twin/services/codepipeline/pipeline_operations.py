"""The API operations on pipelines themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.codepipeline.declaration import Pipeline, parse_pipeline
from lockgate_twin.services.codepipeline.describe_pipeline import (
    pipeline_and_metadata,
    pipeline_state,
    pipeline_summary,
)
from lockgate_twin.services.codepipeline.execution import Execution, Trigger
from lockgate_twin.services.codepipeline.executor import Executor
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord, Pipelines
from lockgate_twin.services.codepipeline.validation import validate
from lockgate_twin.services.paging import limit, page

_PAGE = 1000
_MOST_TAGS = 50


class PipelineOperations:
    """Create, describe, change, delete and tag pipelines."""

    def __init__(self, context: Context, pipelines: Pipelines, executor: Executor) -> None:
        self._context = context
        self._pipelines = pipelines
        self._executor = executor

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreatePipeline": self.create,
            "GetPipeline": self.get,
            "UpdatePipeline": self.update,
            "DeletePipeline": self.delete,
            "ListPipelines": self.list,
            "GetPipelineState": self.state,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make a pipeline and, like AWS, start it at once.

        Assumption: a pipeline with a variable that has no default value is not started by its creation.
        """
        pipeline = parse_pipeline(parameters["pipeline"], call.account, call.region, version=1)
        self._check(pipeline)
        record = PipelineRecord(pipeline=pipeline, versions={1: pipeline}, tags=_tags(parameters.get("tags", [])))
        self._pipelines.add(record)
        defaults = {name: value for name, value in pipeline.variables.items() if value is not None}
        if len(defaults) == len(pipeline.variables):
            trigger = Trigger(type="CreatePipeline", detail=call.principal.arn)
            self._executor.start(record, Execution(pipeline=pipeline, trigger=trigger, variables=defaults))
        return {"pipeline": dict(pipeline.raw), "tags": parameters.get("tags", [])}

    def get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a pipeline's structure, by default of its latest version."""
        record = self._pipelines.get(call.account, call.region, parameters["name"])
        version = parameters.get("version", record.pipeline.version)
        if version not in record.versions:
            message = f"The pipeline {parameters['name']} has no version {version}."
            raise ApiError("PipelineVersionNotFoundException", message)
        return pipeline_and_metadata(record, record.versions[version])

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Replace a pipeline's structure. Executions under way go on with the one they started with."""
        raw = parameters["pipeline"]
        record = self._pipelines.get(call.account, call.region, raw["name"])
        with record.changed:
            pipeline = parse_pipeline(raw, call.account, call.region, version=record.pipeline.version + 1)
            self._check(pipeline)
            record.replace(pipeline)
            self._pipelines.keep(record)
        return {"pipeline": dict(pipeline.raw)}

    def delete(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete a pipeline; executions under way are abandoned. One that does not exist is no error."""
        record = self._pipelines.remove(call.account, call.region, parameters["name"])
        if record is not None:
            record.abandon_executions()

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Summarize the pipelines by name."""
        found = sorted(self._pipelines.of(call.account, call.region), key=lambda record: record.pipeline.name)
        size = limit(parameters, "maxResults", _PAGE)
        shown, more = page([pipeline_summary(record) for record in found], parameters.get("nextToken"), size=size)
        return {"pipelines": shown, **more}

    def state(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Tell where a pipeline's executions are."""
        record = self._pipelines.get(call.account, call.region, parameters["name"])
        with record.changed:
            return pipeline_state(record)

    def tag(self, parameters: dict[str, Any], _: Call) -> None:
        """Add or replace tags."""
        record = self._pipelines.by_arn(parameters["resourceArn"])
        tags = {**record.tags, **_tags(parameters["tags"])}
        if len(tags) > _MOST_TAGS:
            raise ApiError("TooManyTagsException", f"A pipeline has at most {_MOST_TAGS} tags.")
        record.tags = tags
        self._pipelines.keep(record)

    def untag(self, parameters: dict[str, Any], _: Call) -> None:
        """Remove tags; keys that are not there are ignored."""
        record = self._pipelines.by_arn(parameters["resourceArn"])
        record.tags = {key: value for key, value in record.tags.items() if key not in parameters["tagKeys"]}
        self._pipelines.keep(record)

    def list_tags(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Return a pipeline's tags."""
        record = self._pipelines.by_arn(parameters["resourceArn"])
        return {"tags": [{"key": key, "value": value} for key, value in record.tags.items()]}

    def _check(self, pipeline: Pipeline) -> None:
        validate(pipeline)
        try:
            self._context.assume_role(
                pipeline.role_arn,
                service="codepipeline.amazonaws.com",
                session_name="check",
                region=pipeline.region,
                source_arn=pipeline.arn,
            )
        except ApiError as error:
            message = f"CodePipeline is not authorized to perform AssumeRole on role {pipeline.role_arn}"
            raise ApiError("InvalidStructureException", message) from error


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    system = [tag["key"] for tag in tags if tag["key"].lower().startswith("aws:")]
    if system:
        raise ApiError("InvalidTagsException", f"The tag '{system[0]}' is reserved for AWS.")
    return {tag["key"]: tag["value"] for tag in tags}
