"""How often and how long delivery is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """The delay before each new attempt doubles from `first` to `longest`, in seconds.

    AWS adds jitter and does not publish its delays; the twin's are short and have no chance in them.
    """

    first: float = 0.25
    longest: float = 60.0

    def delay(self, attempt: int) -> float:
        """Return the wait after the attempt with this number (the first is 1)."""
        return float(min(self.first * 2 ** (attempt - 1), self.longest))


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """A target's limits; EventBridge's defaults are 185 retries and 24 hours (EventBridge User Guide)."""

    retries: int = 185
    age: float = 86_400.0

    @classmethod
    def of(cls, target: Mapping[str, Any]) -> RetryPolicy:
        """Read the limits of a target in the shape of botocore's `Target`."""
        policy = target.get("RetryPolicy") or {}
        return cls(
            retries=int(policy.get("MaximumRetryAttempts", cls.retries)),
            age=float(policy.get("MaximumEventAgeInSeconds", cls.age)),
        )

    def exhausted(self, *, attempts: int, age: float) -> str | None:
        """Return EXHAUSTED_RETRY_CONDITION's value if no further attempt is allowed, else None."""
        if attempts > self.retries:
            return "MaximumRetryAttempts"
        return "MaximumEventAgeInSeconds" if age >= self.age else None
