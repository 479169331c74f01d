"""Pipelines: Create, Update, Describe, List, Delete; a definition is checked completely before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, Principal, Session, utc_now
from lockgate_twin.services.kept import NOT_KEPT, Kept
from lockgate_twin.services.sagemaker import definition_checks
from lockgate_twin.services.sagemaker.definition_reader import parse
from lockgate_twin.services.sagemaker.errors import conflict, not_found, validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.names import Named, named, place, user_context
from lockgate_twin.services.sagemaker.pipeline_definition import Definition, DefinitionError
from lockgate_twin.services.sagemaker.pipeline_execution import Execution
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.tags import TagRegistry

KEPT = ("PipelineDisplayName", "PipelineDescription", "ParallelismConfiguration", "RoleArn")


@dataclass
class Pipeline(Kept):
    """A pipeline; `versions` are its definitions (kept one by one, by `Pipelines`), the last one is current."""

    key: Named
    settings: dict[str, Any]
    request: Mapping[str, Any]
    created_by: Principal
    versions: list[Definition] = field(default_factory=list, metadata=NOT_KEPT)
    created: datetime = field(default_factory=utc_now)
    modified_by: Principal | None = None
    modified: datetime = field(default_factory=utc_now)
    last_run: datetime | None = field(default=None, metadata=NOT_KEPT)

    @property
    def name(self) -> str:
        """Return the pipeline's name."""
        return self.key.name

    @property
    def arn(self) -> str:
        """Return the pipeline's ARN."""
        return self.key.place.arn("pipeline", self.name)

    def definition(self, version: int | None) -> Definition:
        """Return a version's definition, the current one for None.

        Raises:
            ApiError: ResourceNotFound for an unknown version.
        """
        number = version or len(self.versions)
        if number > len(self.versions):
            raise not_found(f"Pipeline {self.arn} has no version {version}; the latest is {len(self.versions)}.")
        return self.versions[number - 1]

    def described(self, version: int | None) -> dict[str, Any]:
        """Return DescribePipeline's members."""
        return {
            "PipelineArn": self.arn,
            "PipelineName": self.name,
            **self.settings,
            "PipelineDefinition": self.definition(version).text,
            "PipelineStatus": "Active",
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "CreatedBy": user_context(self.created_by),
            "LastModifiedBy": user_context(self.modified_by or self.created_by),
            **({"LastRunTime": self.last_run} if self.last_run else {}),
        }

    def summary(self) -> dict[str, Any]:
        """Return ListPipelines' members."""
        members = ("PipelineDisplayName", "PipelineDescription", "RoleArn")
        return {
            "PipelineArn": self.arn,
            "PipelineName": self.name,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            **{name: self.settings[name] for name in members if name in self.settings},
            **({"LastExecutionTime": self.last_run} if self.last_run else {}),
        }


LISTER: Lister[Pipeline] = Lister(
    "PipelineSummaries",
    facts=lambda pipeline: Facts(name=pipeline.name, created=pipeline.created),
    summary=Pipeline.summary,
)


class Pipelines:
    """The operations on pipelines."""

    name = "sagemaker"

    def __init__(self, context: Context, tags: TagRegistry) -> None:
        self._context = context
        self._tags = tags
        self.pipelines: Registry[Pipeline] = Registry(context.table("sagemaker.pipelines"))
        self._versions = context.table("sagemaker.pipeline-versions")
        self._load()

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "DescribePipeline": self.describe,
            "ListPipelines": self.list_all,
        }

    def find(self, call: Call, name_or_arn: str) -> Pipeline:
        """Return a pipeline.

        Raises:
            ApiError: ResourceNotFound.
        """
        key = named(call, name_or_arn)
        return self.pipelines.find(key, not_found(f"Pipeline '{key.place.arn('pipeline', key.name)}' does not exist."))

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a pipeline; the same ClientRequestToken again gives the same answer.

        Raises:
            ApiError: ValidationException naming everything that is wrong with the definition.
        """
        _refuse_aliases(parameters)
        key = Named(place(call), parameters["PipelineName"])
        existing = self.pipelines.get(key)
        taken = validation(
            f"Pipeline names must be unique within an AWS account ({call.account}) and region ({call.region}). "
            f"Pipeline with name ({key.name}) already exists."
        )
        if existing:
            if existing.request == parameters:
                return {"PipelineArn": existing.arn}
            raise taken
        definition = read_definition(self._context.session(call), parameters)
        settings = {name: parameters[name] for name in KEPT if name in parameters}
        pipeline = Pipeline(key, settings, parameters, call.principal)
        self._tags.register_for(self._context.session(call), pipeline.arn, parameters.get("Tags", []))
        with self.pipelines.lock:
            if self.pipelines.get(key):
                raise taken
            # Its version first: a pipeline without any could not be described.
            self._add_version(pipeline, definition)
            self.pipelines.add(key, pipeline, taken)
        return {"PipelineArn": pipeline.arn}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a pipeline; a new definition makes a new version."""
        _refuse_aliases(parameters)
        pipeline = self.find(call, parameters["PipelineName"])
        given = "PipelineDefinition" in parameters or "PipelineDefinitionS3Location" in parameters
        definition = read_definition(self._context.session(call), parameters) if given else None
        with self.pipelines.lock:
            pipeline.settings.update({name: parameters[name] for name in KEPT if name in parameters})
            if definition and definition.text != pipeline.versions[-1].text:
                self._add_version(pipeline, definition)
            pipeline.modified, pipeline.modified_by = utc_now(), call.principal
            self.pipelines.keep(pipeline.key, pipeline)
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": len(pipeline.versions)}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a pipeline, or one version of it."""
        _refuse_aliases(parameters)
        return self.find(call, parameters["PipelineName"]).described(parameters.get("PipelineVersionId"))

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List pipelines, newest first unless asked otherwise (assumption: AWS documents no default order)."""
        managed_by_aws = parameters.get("ManagedBy") == "AWS"
        return LISTER.page([] if managed_by_aws else self.pipelines.here(place(call)), parameters)

    def remove(self, pipeline: Pipeline, *, running: int) -> None:
        """Delete a pipeline of which nothing runs.

        Raises:
            ApiError: ConflictException while an execution runs ("you must stop all running instances").
        """
        if running:
            raise conflict(f"Pipeline {pipeline.arn} has {running} running execution(s); stop them first.")
        self.pipelines.remove(pipeline.key, not_found(f"Pipeline '{pipeline.arn}' does not exist."))
        for number in range(1, len(pipeline.versions) + 1):
            self._versions.remove(f"{pipeline.arn}/{number}")
        self._tags.forget(pipeline.arn)

    def reunite(self, execution: Execution) -> bool:
        """Let an execution that was read again share its pipeline's definition, and the pipeline know of its start.

        False if there is no such pipeline any more.
        """
        pipeline = self.pipelines.get(Named(execution.start.place, execution.start.pipeline_name))
        if pipeline is None:
            return False
        pipeline.last_run = max(pipeline.last_run or execution.created, execution.created)
        shared = pipeline.versions[execution.start.version - 1 : execution.start.version]
        if shared == [execution.start.definition]:
            execution.start = replace(execution.start, definition=shared[0])
        return True

    def _add_version(self, pipeline: Pipeline, definition: Definition) -> None:
        self._versions.put(f"{pipeline.arn}/{len(pipeline.versions) + 1}", definition.text)
        pipeline.versions.append(definition)

    def _load(self) -> None:
        texts = dict(self._versions.items())
        for pipeline in self.pipelines.all():
            while text := texts.get(f"{pipeline.arn}/{len(pipeline.versions) + 1}"):
                pipeline.versions.append(parse(text))


def read_definition(session: Session, parameters: Mapping[str, Any]) -> Definition:
    """Return the checked definition of a request, given inline or in S3 (read as the caller).

    Raises:
        ApiError: ValidationException with every mistake in it.
    """
    inline, stored = parameters.get("PipelineDefinition"), parameters.get("PipelineDefinitionS3Location")
    if (inline is None) == (stored is None):
        raise validation("Exactly one of PipelineDefinition and PipelineDefinitionS3Location must be given.")
    text = inline if stored is None else _stored(session, stored)
    try:
        definition = parse(text or "")
        found = definition_checks.problems(definition)
    except DefinitionError as error:
        found = error.problems
    if found:
        raise validation(f"The pipeline definition is not valid: {'; '.join(found)}")
    return definition


def _stored(session: Session, location: Mapping[str, Any]) -> str:
    if "VersionId" in location:
        raise NotImplementedByTwin("PipelineDefinitionS3Location with VersionId")
    try:
        return session.read_object(location["Bucket"], location["ObjectKey"]).decode()
    except (ApiError, UnicodeDecodeError) as error:
        where = f"s3://{location['Bucket']}/{location['ObjectKey']}"
        raise validation(f"The pipeline definition {where} cannot be read: {error}") from error


def _refuse_aliases(parameters: Mapping[str, Any]) -> None:
    for name in ("PipelineVersionAliases", "PipelineVersionAlias"):
        if name in parameters:
            raise NotImplementedByTwin(f"Pipelines with {name}")
