"""The values of expressions while an execution runs, read as the pipeline's role."""

from __future__ import annotations

import json
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs import staging
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.ports import Session
from lockgate_twin.services.sagemaker.expressions import (
    ExecutionReference,
    ExpressionError,
    ItemReference,
    ParameterReference,
    PropertyFileReference,
    Reference,
    follow,
)
from lockgate_twin.services.sagemaker.pipeline_execution import Execution


class ExecutionValues:
    """Looks up parameters, execution variables, steps' properties and property files (`expressions.Values`)."""

    def __init__(self, execution: Execution, session: Session) -> None:
        self._execution = execution
        self._session = session

    def of(self, reference: Reference) -> Any:
        """Return a reference's value."""
        if isinstance(reference, ParameterReference):
            return self._execution.start.parameters[reference.name]
        if isinstance(reference, ExecutionReference):
            return self._execution.variables()[reference.variable]
        if isinstance(reference, ItemReference):
            raise ExpressionError("ForEach.CurrentItem has a value within the body of a ForEach step only")
        if isinstance(reference, PropertyFileReference):
            raise ExpressionError(f"property file {reference.file} can only be read by Std:JsonGet")
        return follow(self._execution.steps[reference.step].properties, reference.path)

    def document(self, reference: PropertyFileReference) -> Any:
        """Return a property file's parsed content."""
        run = self._execution.steps[reference.step]
        file = run.step.property_files[reference.file]
        path = ("ProcessingOutputConfig", "Outputs", file.output, "S3Output", "S3Uri")
        return self.json_object(str(staging.beneath(follow(run.properties, path), file.path)))

    def json_object(self, uri: str) -> Any:
        """Return the parsed content of a JSON object in S3."""
        try:
            where = staging.parse(uri)
            return json.loads(self._session.read_object(where.bucket, where.key))
        except (ApiError, JobError, ValueError) as error:
            raise ExpressionError(f"{uri} cannot be read as JSON: {error}") from error
