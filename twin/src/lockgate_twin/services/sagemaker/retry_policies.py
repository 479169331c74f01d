"""Retry policies of pipeline steps (Developer Guide, "Retry Policy for Pipeline Steps")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXCEPTION_TYPES = frozenset(
    {
        "Step.SERVICE_FAULT",
        "Step.THROTTLING",
        "SageMaker.JOB_INTERNAL_ERROR",
        "SageMaker.CAPACITY_ERROR",
        "SageMaker.RESOURCE_LIMIT",
    }
)
THROTTLING_CODES = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When and how often a step is tried again; intervals are seconds."""

    exception_types: frozenset[str]
    interval: float = 1.0
    backoff: float = 2.0
    max_attempts: int | None = None
    expire_after_minutes: float | None = None

    def delay(self, attempt: int, elapsed: float) -> float | None:
        """Return the wait before the next try after `attempt` tries and `elapsed` seconds, or None to give up."""
        if self.max_attempts is not None and attempt > self.max_attempts:
            return None
        if self.expire_after_minutes is not None and elapsed > self.expire_after_minutes * 60:
            return None
        return self.interval * self.backoff ** (attempt - 1)


def classify(code: str, status: int) -> str | None:
    """Return the exception type of an error that a Create call answered with, or None if it is not retried."""
    if code in THROTTLING_CODES:
        return "Step.THROTTLING"
    if code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    # 501 is the twin's own "not implemented": trying again cannot help.
    return "Step.SERVICE_FAULT" if status >= 500 and status != 501 else None


def classify_reason(reason: str) -> str | None:
    """Return the exception type of a job's FailureReason, or None: an algorithm's error is not retried."""
    if reason.startswith("InternalServerError"):
        return "SageMaker.JOB_INTERNAL_ERROR"
    return "SageMaker.CAPACITY_ERROR" if reason.startswith("CapacityError") else None


# "Pipelines retries on this type of error automatically." Assumption: AWS does not document how often; here it is three
# times, after 1, 2 and 4 seconds.
AUTOMATIC = RetryPolicy(exception_types=frozenset({"Step.SERVICE_FAULT", "Step.THROTTLING"}), max_attempts=3)


def policy_for(policies: Sequence[RetryPolicy], exception_type: str | None) -> RetryPolicy | None:
    """Return the first policy that covers an exception type; None if nothing does, not even what AWS does by itself."""
    return next((p for p in (*policies, AUTOMATIC) if exception_type in p.exception_types), None)
