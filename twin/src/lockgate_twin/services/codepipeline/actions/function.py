"""The Lambda invoke action: a function gets a job, and answers it by calling CodePipeline.

Source: "AWS Lambda invoke action reference" and "Invoke an AWS Lambda function in a pipeline" (CodePipeline User
Guide): the event's shape; the pipeline's role invokes the function.
Assumption: a function that does not answer within 20 minutes has failed.
"""

from __future__ import annotations

import json
from typing import Any

from lockgate_twin.services.codebuild import S3Location
from lockgate_twin.services.codepipeline.actions.request import ActionFailedError, ActionRequest
from lockgate_twin.services.codepipeline.execution import ActionResult, Artifact
from lockgate_twin.services.codepipeline.jobs import Job, Jobs

_CONSOLE = "https://console.aws.amazon.com/lambda/home?region={region}#/functions/{name}"
_SECONDS = 1200.0


class LambdaInvokeAction:
    """Invokes functions and waits for their answers."""

    def __init__(self, jobs: Jobs, seconds: float = _SECONDS) -> None:
        self._jobs, self._seconds = jobs, seconds

    def run(self, request: ActionRequest) -> ActionResult:
        """Give the function a job and wait until it answers."""
        pipeline, name = request.pipeline, request.configuration["FunctionName"]
        job = self._jobs.open(pipeline.account, pipeline.region)
        request.report(job.job_id, _CONSOLE.format(region=pipeline.region, name=name))
        outputs = {output: request.store.place(output) for output in request.action.outputs}
        payload = json.dumps({"CodePipeline.job": _job(request, job, outputs)}).encode()
        request.session.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=payload)
        result = self._jobs.wait(job, self._seconds)
        if result is None:
            message = f"The AWS Lambda function {name} failed to return a result. Check the function and its log."
            raise ActionFailedError("JobFailed", message)
        if result.failure is not None:
            raise ActionFailedError(*result.failure)
        made = {output: Artifact(location=at) for output, at in outputs.items()}
        return ActionResult(summary=result.summary, variables=result.variables, outputs=made)


def _job(request: ActionRequest, job: Job, outputs: dict[str, S3Location]) -> dict[str, Any]:
    key, environment = request.pipeline.encryption_key, request.session.environment()
    credentials = {
        "accessKeyId": environment["AWS_ACCESS_KEY_ID"],
        "secretAccessKey": environment["AWS_SECRET_ACCESS_KEY"],
        "sessionToken": environment.get("AWS_SESSION_TOKEN", ""),
    }
    inputs = [_artifact(name, at.location, at.revision) for name, at in request.inputs.items()]
    data = {
        "actionConfiguration": {"configuration": dict(request.configuration)},
        "inputArtifacts": inputs,
        "outputArtifacts": [_artifact(name, at, None) for name, at in outputs.items()],
        "artifactCredentials": credentials,
        **({"encryptionKey": {"id": key, "type": "KMS"}} if key else {}),
    }
    return {"id": job.job_id, "accountId": job.account, "data": data}


def _artifact(name: str, at: S3Location, revision: str | None) -> dict[str, Any]:
    place = {"bucketName": at.bucket, "objectKey": at.key}
    return {"location": {"s3Location": place, "type": "S3"}, "revision": revision, "name": name}
