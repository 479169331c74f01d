"""One try of one step: what it is given, and how it ends when it does not succeed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Session
from lockgate_twin.services.sagemaker.names import random_id
from lockgate_twin.services.sagemaker.pipeline_definition import Step
from lockgate_twin.services.sagemaker.retry_policies import classify

MAX_NAME = 63
NAME_SUFFIX = 10


class StepFailure(Exception):
    """A step failed; `exception_type` is what retry policies know the failure by, if it may be retried at all."""

    def __init__(self, reason: str, exception_type: str | None = None) -> None:
        super().__init__(reason)
        self.exception_type = exception_type


class StepStopped(Exception):
    """A step ended because the execution is being stopped."""


@dataclass(frozen=True, kw_only=True)
class StepCall:
    """One try of one step: its resolved arguments and what it may use."""

    step: Step
    arguments: dict[str, Any]
    execution_id: str
    execution_arn: str
    session: Session
    stop: threading.Event
    resolve: Callable[[Any], Any]
    started: Callable[[Mapping[str, Any]], None]
    on_stop: Callable[[Callable[[], None]], None]

    def api(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call a SageMaker operation as the pipeline's role.

        Raises:
            StepFailure: the service refused, worded as AWS does.
        """
        return self.invoke("sagemaker", operation, **parameters)

    def invoke(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call any service's operation as the pipeline's role.

        Raises:
            StepFailure: the service refused, worded as AWS does.
        """
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        failed = f"ClientError: Failed to invoke {service}:{operation}. Error Details: "
        try:
            answer: dict[str, Any] = getattr(self.session.client(service), xform_name(operation))(**parameters)
        except ClientError as error:
            details, status = error.response["Error"], error.response["ResponseMetadata"].get("HTTPStatusCode", 400)
            kind = classify(details["Code"], status)
            raise StepFailure(f"{failed}{details['Code']}: {details['Message']}", kind) from error
        except BotoCoreError as error:
            raise StepFailure(f"{failed}{error}") from error
        except ApiError as error:
            raise StepFailure(f"{failed}{error}", classify(error.code, error.status)) from error
        return answer

    def resource_name(self, given: str | None = None) -> str:
        """Return the name of what the step creates: pipelines-<execution>-<step>-<random>, or with the given prefix."""
        step = self.step.name.replace("_", "-")
        prefix = given or f"pipelines-{self.execution_id}-{step}"
        return f"{prefix[: MAX_NAME - NAME_SUFFIX - 1].rstrip('-')}-{random_id(NAME_SUFFIX)}"
