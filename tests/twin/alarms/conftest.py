"""A core with CloudWatch alarms whose time the test moves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from lockgate_twin.core import Core
from lockgate_twin.moto_host import backend_of
from lockgate_twin.ports import Event
from lockgate_twin.services.cloudwatch import CloudWatchAlarms
from lockgate_twin.services.metric_data import metric_data
from lockgate_twin.services.topics import Topics

from tests.support.manual_clock import ManualClock
from tests.support.twin_server import client_of, running_core

ACCOUNT = "111122223333"


@dataclass
class Functions:
    """Takes down what functions are invoked with."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)

    def invoke_asynchronously(self, function_arn: str, payload: bytes) -> None:
        """Take down."""
        self.calls.append((function_arn, json.loads(payload)))
        self.came.set()


@dataclass(frozen=True)
class House:
    """What the tests need."""

    core: Core
    clock: ManualClock
    alarms: CloudWatchAlarms
    functions: Functions
    events: list[Event]
    policies: dict[str, Any]

    def client(self, service: str) -> Any:
        """Return the administrator's client."""
        return client_of(self.core, service)

    def put(self, value: float, *, at: datetime | None = None, **more: Any) -> None:
        """Put one value of the metric `drift`."""
        datum = {"MetricName": "drift", "Value": value, "Timestamp": at or self.clock.now(), **more}
        self.client("cloudwatch").put_metric_data(Namespace="Lockgate", MetricData=[datum])

    def state(self, name: str) -> dict[str, Any]:
        """Return an alarm as it is described."""
        (alarm,) = self.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return dict(alarm)

    def history(self, name: str, kind: str) -> list[dict[str, Any]]:
        """Return entries of an alarm's history, oldest first."""
        found = self.client("cloudwatch").describe_alarm_history(
            AlarmName=name, HistoryItemType=kind, ScanBy="TimestampAscending"
        )
        return list(found["AlarmHistoryItems"])


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Serve a core whose alarms are evaluated on a clock of the test."""
    clock, functions, events = ManualClock(), Functions(), []
    policies: dict[str, Any] = {}
    with running_core(tmp_path_factory.mktemp("alarms")) as core:
        topics = Topics(core, core.administrator_of, core.authorizer.service_may)
        alarms = CloudWatchAlarms(core, metric_data, functions=functions, topics=topics, clock=clock)
        core.front.register(alarms)
        core.front.after_moto("cloudwatch", alarms.arrived, "PutMetricData")
        core.authorizer.register_resource_policies("lambda", lambda arn: (policies.get(arn), ACCOUNT))
        core.on_event = events.append
        # moto is one for all cores of this process.
        backend_of("cloudwatch", ACCOUNT, "us-east-1").metric_data.clear()
        yield House(core, clock, alarms, functions, events, policies)


@pytest.fixture
def new_alarm(house: House) -> Callable[..., str]:
    """Make alarms on the metric `drift` above 0.5; members replace the defaults, None leaves one out."""

    def make(name: str = "drifted", **members: Any) -> str:
        defaults: dict[str, Any] = {
            "MetricName": "drift",
            "Namespace": "Lockgate",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        whole = {k: v for k, v in {**defaults, **members}.items() if v is not None}
        house.client("cloudwatch").put_metric_alarm(AlarmName=name, **whole)
        return name

    return make
