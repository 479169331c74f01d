"""The event bus: from an event to every target of every rule that matches, at least once.

Source: EventBridge User Guide, "How EventBridge retries delivering events" and "Using dead-letter queues":
failures that may pass are retried with growing delays up to the target's RetryPolicy, then, like failures that
cannot pass, go to the target's dead-letter queue; without one the event is dropped. The twin also logs that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Event, Handler, utc_now
from lockgate_twin.services.eventbridge.backoff import Backoff, RetryPolicy
from lockgate_twin.services.eventbridge.dead_letters import DeadLetter, bury
from lockgate_twin.services.eventbridge.envelope import entry_error, envelope
from lockgate_twin.services.eventbridge.failures import DeliveryError, delivery_error
from lockgate_twin.services.eventbridge.faults import Faults
from lockgate_twin.services.eventbridge.input_transformer import Matched, TemplateError
from lockgate_twin.services.eventbridge.json_path import JsonPathError
from lockgate_twin.services.eventbridge.operators import PatternError
from lockgate_twin.services.eventbridge.pattern import compile_pattern
from lockgate_twin.services.eventbridge.pending import PendingDeliveries
from lockgate_twin.services.eventbridge.ports import Named, Rule, RuleSource, TargetKind
from lockgate_twin.services.eventbridge.record import Delivery, DeliveryLog, Outcome
from lockgate_twin.services.eventbridge.targets.event_bus import EventBusTarget
from lockgate_twin.services.eventbridge.targets.queue import QueueSender
from lockgate_twin.services.timers import Scheduler, Timers

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What the event bus delivers with."""

    rules: RuleSource
    targets: Mapping[str, TargetKind]
    dead_letters: QueueSender
    scheduler: Scheduler | None = None
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    key: str
    matched: Matched
    number: int
    since: float


class EventBus:
    """The event buses of all accounts and regions. Rules and targets themselves are kept elsewhere."""

    name = "events"

    def __init__(self, context: Context, wiring: Wiring) -> None:
        self._context = context
        self._wiring = wiring
        self._scheduler = wiring.scheduler or Timers(context.in_background)
        self._log = DeliveryLog()
        self._targets = {**wiring.targets, "events": EventBusTarget(context, self._arrive)}
        self.faults = Faults(lambda seconds, work: self._scheduler.after(seconds, "delayed deliveries", work))
        self._pending = PendingDeliveries(context.table("events.deliveries"))
        self._left = list(self._pending.left())

    def resume(self) -> None:
        """Go on with the deliveries that an earlier twin had not finished; one may happen a second time."""
        while self._left:
            left = self._left.pop(0)
            since = self._scheduler.now() - left.age
            self._begin(_Attempt(key=left.key, matched=left.matched, number=left.number, since=since))

    def operations(self) -> Mapping[str, Handler]:
        """Return the operations of events that are not left to moto."""
        return {"PutEvents": self.put_events, "TestEventPattern": self.try_event_pattern}

    def emit(self, event: Event) -> None:
        """Put a service's event on its account's default bus (`Context.emit`)."""
        self.put(event)

    def put(self, event: Event) -> str:
        """Put a service's event on its account's default bus; return the event's id."""
        wrapped = envelope(event, utc_now())
        self._route(wrapped, "default")
        return str(wrapped["id"])

    def put_scheduled(self, rule: Named, at: datetime) -> str:
        """Give a scheduled rule's targets their "Scheduled Event" of a moment; return the event's id."""
        _, _, _, region, account, _ = rule.arn.split(":", 5)
        event = Event(
            source="aws.events",
            detail_type="Scheduled Event",
            detail={},
            account=account,
            region=region,
            resources=(rule.arn,),
        )
        wrapped = envelope(event, at)
        for target in rule.targets:
            self._start(_matched(wrapped, rule, target))
        return str(wrapped["id"])

    def put_events(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Take a customer's events; each entry is accepted or refused on its own."""
        results = [self._put_entry(entry, call) for entry in parameters["Entries"]]
        return {"FailedEntryCount": sum("ErrorCode" in r for r in results), "Entries": results}

    def try_event_pattern(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Tell whether an event would match a pattern."""
        try:
            pattern = compile_pattern(parameters["EventPattern"])
        except PatternError as error:
            raise ApiError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {error}") from error
        event = _parsed(parameters["Event"])
        if not isinstance(event, dict):
            raise ApiError("ValidationException", "Parameter Event is not valid JSON.")
        return {"Result": pattern.matches(event)}

    def deliveries(self, event_id: str | None = None) -> list[Delivery]:
        """Return the newest state of recent deliveries, of one event or of all, oldest first."""
        return self._log.deliveries(event_id)

    def redeliver(self, event_id: str) -> int:
        """Deliver a recent event once more, unchanged, as AWS may do at any time; return how many targets get it."""
        again = self._log.matched(event_id)
        for matched in again:
            self._start(matched)
        return len(again)

    def close(self) -> None:
        """Give up all waiting retries."""
        self._scheduler.close()

    def _put_entry(self, entry: Mapping[str, Any], call: Call) -> dict[str, Any]:
        detail = _parsed(entry.get("Detail"))
        if refused := entry_error(entry, detail):
            return {"ErrorCode": refused[0], "ErrorMessage": refused[1]}
        event = Event(
            source=entry["Source"],
            detail_type=entry["DetailType"],
            detail=detail,
            account=call.account,
            region=call.region,
            resources=tuple(entry.get("Resources") or ()),
        )
        wrapped = envelope(event, entry.get("Time") or utc_now())
        bus = str(entry.get("EventBusName") or "default")
        if bus.startswith("arn:"):
            self._arrive(wrapped, bus, forwarded=False)
        else:
            self._route(wrapped, bus)
        return {"EventId": wrapped["id"]}

    def _route(self, wrapped: Mapping[str, Any], bus: str) -> None:
        for rule in self._wiring.rules(wrapped["account"], wrapped["region"], bus):
            if _matches(rule, wrapped):
                for target in rule.targets:
                    self._start(_matched(wrapped, rule, target))

    def _arrive(self, wrapped: Mapping[str, Any], bus_arn: str, *, forwarded: bool = True) -> None:
        """Take an event on a bus that may be another account's or region's; the event keeps its own."""
        _, _, _, region, account, name = bus_arn.split(":", 5)
        for rule in self._wiring.rules(account, region, name.partition("/")[2]):
            if _matches(rule, wrapped):
                for target in rule.targets:
                    self._start(replace(_matched(wrapped, rule, target), forwarded=forwarded))

    def _start(self, matched: Matched) -> None:
        def deliver() -> None:
            key = self._pending.begin(matched)
            self._begin(_Attempt(key=key, matched=matched, number=1, since=self._scheduler.now()))

        if not self.faults.apply(matched.rule_name, deliver):
            lost = DeliveryError("FAULT", "Lost by the fault that is switched on.")
            self._log.put(Delivery.of(matched, Outcome.DROPPED, error=lost), matched)

    def _begin(self, attempt: _Attempt) -> None:
        self._log.put(Delivery.of(attempt.matched), attempt.matched)
        self._context.in_background(_title(attempt.matched), lambda: self._try(attempt))

    def _try(self, attempt: _Attempt) -> None:
        try:
            self._deliver(attempt.matched)
        except DeliveryError as error:
            self._failed(attempt, error)
        except (JsonPathError, TemplateError) as error:
            self._failed(attempt, DeliveryError("INVALID_PARAMETER", str(error)))
        except Exception as error:
            # A defect of the twin loses no event: it is tried again, and in the end dead-lettered.
            told = f"{type(error).__name__}: {error}"
            self._failed(attempt, DeliveryError("INTERNAL_ERROR", told, retry=True))
            raise
        else:
            self._note(attempt, Outcome.DELIVERED)

    def _deliver(self, matched: Matched) -> None:
        service = str(matched.target["Arn"]).split(":")[2]
        kind = self._targets.get(service)
        if kind is None:
            raise delivery_error(NotImplementedByTwin(f"An EventBridge target of service {service}"))
        kind.deliver(matched)

    def _failed(self, attempt: _Attempt, error: DeliveryError) -> None:
        policy = RetryPolicy.of(attempt.matched.target)
        age = self._scheduler.now() - attempt.since
        exhausted = policy.exhausted(attempts=attempt.number, age=age) if error.retry else None
        if error.retry and exhausted is None:
            self._retry(attempt, error)
        else:
            letter = DeadLetter(matched=attempt.matched, error=error, attempts=attempt.number, exhausted=exhausted)
            self._give_up(attempt, letter)

    def _retry(self, attempt: _Attempt, error: DeliveryError) -> None:
        self._note(attempt, Outcome.RETRYING, error)
        following = replace(attempt, number=attempt.number + 1)
        self._pending.retry(attempt.key, attempt.matched, following.number)
        delay = self._wiring.backoff.delay(attempt.number)
        self._scheduler.after(delay, _title(attempt.matched), lambda: self._try(following))

    def _give_up(self, attempt: _Attempt, letter: DeadLetter) -> None:
        try:
            queue = bury(letter, self._wiring.dead_letters)
        except DeliveryError as error:
            log.warning("%s: %s; its dead-letter queue: %s", _title(letter.matched), letter.error, error)
            self._note(attempt, Outcome.DROPPED, letter.error)
            return
        log.warning("%s: %s; dead-letter queue: %s", _title(letter.matched), letter.error, queue or "none")
        self._note(attempt, Outcome.DEAD_LETTERED if queue else Outcome.DROPPED, letter.error)

    def _note(self, attempt: _Attempt, outcome: Outcome, error: DeliveryError | None = None) -> None:
        delivery = Delivery.of(attempt.matched, outcome, attempts=attempt.number, error=error)
        if outcome is not Outcome.RETRYING:
            self._pending.end(attempt.key)
        self._log.put(delivery, attempt.matched)


def _parsed(detail: Any) -> Any:
    try:
        return json.loads(detail)
    except (TypeError, ValueError):
        return None


def _matches(rule: Rule, wrapped: Mapping[str, Any]) -> bool:
    try:
        return compile_pattern(rule.pattern).matches(wrapped)
    except PatternError as error:
        log.warning("Rule %s matches nothing: its event pattern is not valid. Reason: %s", rule.arn, error)
        return False


def _matched(wrapped: Mapping[str, Any], rule: Named, target: Mapping[str, Any]) -> Matched:
    return Matched(event=wrapped, rule_arn=rule.arn, rule_name=rule.name, target=target, received_at=utc_now())


def _title(matched: Matched) -> str:
    return f"event {matched.event['detail-type']} of rule {matched.rule_name} to {matched.target['Arn']}"
