"""What delivery needs from the rest of the twin: rules, targets, queues, functions and permissions of services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate_twin.services.eventbridge.input_transformer import Matched


class Named(Protocol):
    """An enabled rule; targets are in the shape of botocore's `Target`."""

    @property
    def arn(self) -> str:
        """Return the rule's ARN."""
        ...

    @property
    def name(self) -> str:
        """Return the rule's name."""
        ...

    @property
    def targets(self) -> Sequence[Mapping[str, Any]]:
        """Return the targets."""
        ...


class Rule(Named, Protocol):
    """An enabled rule with an event pattern."""

    @property
    def pattern(self) -> Mapping[str, Any]:
        """Return the event pattern, parsed."""
        ...


class Scheduled(Named, Protocol):
    """An enabled rule with a schedule expression."""

    @property
    def expression(self) -> str:
        """Return the schedule expression."""
        ...


# The enabled rules of (account, region, event bus name); a bus that does not exist has none.
RuleSource = Callable[[str, str, str], Sequence[Rule]]
# May this AWS service do this action on this resource, by the resource's own policy?
# (service principal, action, resource ARN, condition keys) -> bool
ServiceMay = Callable[[str, str, str, Mapping[str, Any]], bool]


class TargetKind(Protocol):
    """How one kind of target is called."""

    def deliver(self, matched: Matched) -> None:
        """Hand one event over.

        Raises:
            DeliveryError: the target did not take it; the error says whether trying again can help.
        """
        ...


class Functions(Protocol):
    """Lambda, as an AWS service calls it."""

    def invoke_asynchronously(self, function_arn: str, payload: bytes) -> None:
        """Queue an event for a function.

        Raises:
            ApiError: the function does not exist, or the event is too large.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Message:
    """An SQS message; attributes are of type String."""

    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    group_id: str | None = None


class Queues(Protocol):
    """SQS queues, without asking who sends."""

    def send(self, queue_arn: str, message: Message) -> None:
        """Put a message into a queue.

        Raises:
            ApiError: the queue does not exist or does not take the message.
        """
        ...
