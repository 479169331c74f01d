"""The alarms of the service `cloudwatch`, put together. Metric data and dashboards are left to moto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.ports import Context, Handler
from lockgate_twin.services.clock import Clock, WallClock
from lockgate_twin.services.cloudwatch.actions import Actions, Functions
from lockgate_twin.services.cloudwatch.alarm_operations import AlarmOperations
from lockgate_twin.services.cloudwatch.book import AlarmBook
from lockgate_twin.services.cloudwatch.evaluator import Evaluator
from lockgate_twin.services.cloudwatch.points import DataSource
from lockgate_twin.services.cloudwatch.state_operations import StateOperations
from lockgate_twin.services.timers import Timers
from lockgate_twin.services.topics import Topics


class CloudWatchAlarms:
    """The metric alarms of all accounts and regions."""

    name = "cloudwatch"

    def __init__(
        self,
        context: Context,
        data: DataSource,
        *,
        functions: Functions,
        topics: Topics,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or WallClock(Timers(context.in_background))
        book = AlarmBook(context.table("cloudwatch-alarms"), context.table("cloudwatch-alarm-history"))
        actions = Actions(context, self._clock, book, functions=functions, topics=topics)
        self._evaluator = Evaluator(self._clock, book, data, actions)
        self._alarms = AlarmOperations(self._clock, book, self._evaluator)
        self.states = StateOperations(book, self._evaluator, actions)

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {**self._alarms.operations(), **self.states.operations()}

    def arrived(self, parameters: Mapping[str, Any], account: str, region: str) -> None:
        """Evaluate the alarms that a PutMetricData request concerns."""
        self._evaluator.arrived(parameters, account, region)

    def resume(self) -> None:
        """Go on evaluating the alarms that an earlier twin in this folder had."""
        self._evaluator.keep_watching()

    def close(self) -> None:
        """Stop evaluating."""
        self._clock.close()
