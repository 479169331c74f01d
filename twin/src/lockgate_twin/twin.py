"""The twin, put together: this file only wires the services."""

from __future__ import annotations

import hmac
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lockgate_twin import moto_host, moto_resources
from lockgate_twin.audit import snapshot
from lockgate_twin.cloudformation import SIGNALS, CloudFormation
from lockgate_twin.core import Core
from lockgate_twin.log_keys import key_check
from lockgate_twin.ports import Principal, Resumable, Service, Settings, utc_now
from lockgate_twin.resource_tags import SERVICES, ServiceTags
from lockgate_twin.services import sagemaker
from lockgate_twin.services.clock import WallClock
from lockgate_twin.services.cloudwatch import CloudWatchAlarms
from lockgate_twin.services.codebuild import CodeBuild
from lockgate_twin.services.codecommit import CodeCommit, GitHttp
from lockgate_twin.services.codepipeline import CodePipeline
from lockgate_twin.services.eventbridge import (
    REFUSED_OPERATIONS,
    SCHEDULE_OPERATIONS,
    EventBus,
    QueueSender,
    ScheduledRules,
    SessionQueues,
    Wiring,
    check_rule,
    check_targets,
    messaging_targets,
    refuse,
    standard_targets,
)
from lockgate_twin.services.lambda_ import Lambda
from lockgate_twin.services.metric_data import metric_data
from lockgate_twin.services.sagemaker_projects import Projects
from lockgate_twin.services.scheduler import ScheduleService
from lockgate_twin.services.servicecatalog import ServiceCatalog
from lockgate_twin.services.timers import Timers
from lockgate_twin.services.topics import Topics
from lockgate_twin.switches import Switches, fault_switches, schedule_switches


class Twin:
    """AWS on one machine."""

    def __init__(self, settings: Settings) -> None:
        self.core = Core(settings)
        self._started = _beginning(self.core)
        self._codecommit, self._codebuild = CodeCommit(self.core), CodeBuild(self.core)
        self._codepipeline = CodePipeline(
            self.core, sources=self._codecommit.archives, builds=self._codebuild.pipeline_builds
        )
        self._lambda = Lambda(self.core)
        self._sagemaker = sagemaker.assemble(self.core)
        self._catalog = ServiceCatalog(self.core)
        self._projects = Projects(self.core, self._catalog, self._sagemaker.tags)
        self.events = _event_bus(self.core, self._lambda)
        clock = WallClock(Timers(self.core.in_background))
        self._rules = ScheduledRules(clock, moto_host.scheduled_rules, self.events.put_scheduled)
        self.core.front.after_moto("events", self._rules.changed, *SCHEDULE_OPERATIONS)
        self.schedules = ScheduleService(self.core)
        topics = Topics(self.core, self.core.administrator_of, self.core.authorizer.service_may)
        self.alarms = CloudWatchAlarms(self.core, metric_data, functions=self._lambda, topics=topics)
        self.core.front.after_moto("cloudwatch", self.alarms.arrived, "PutMetricData")
        self.switches = Switches(
            self._authenticate, schedule_switches(self.schedules), fault_switches(self.events.faults)
        )
        self.git = GitHttp(self._codecommit, self._authenticate)
        self.core.on_event = self.events.emit
        self.core.authorizer.register_resource_policies("lambda", self._lambda.resource_policy)
        self.core.authorizer.register_resource_policies("sagemaker", self._sagemaker.groups.resource_policy)
        self.core.authorizer.register_resource_tags("sagemaker", self._sagemaker.tags.known)
        self.core.authorizer.register_resource_policies("logs", moto_resources.log_policy)
        self.core.authorizer.register_resource_tags("scheduler", self.schedules.groups.known_tags)
        self.core.authorizer.register_resource_tags("cloudwatch", self.alarms.states.known_tags)
        self.core.authorizer.register_request_keys("servicecatalog", self._catalog.condition_keys)
        self.core.front.check_before_moto("events", "PutRule", check_rule)
        self.core.front.check_before_moto("events", "PutTargets", check_targets)
        for operation in REFUSED_OPERATIONS:
            self.core.front.check_before_moto("events", operation, refuse(operation))
        self.core.front.check_before_moto("logs", "CreateLogGroup", key_check(self.core.authorizer.service_may))
        stacks = CloudFormation(self.core)
        self.core.front.accept_unsigned(SIGNALS, stacks.accept_signal)
        own: tuple[Service, ...] = (
            stacks,
            self._codecommit,
            self._codebuild,
            self._codepipeline,
            self._lambda,
            self._catalog,
            self._projects,
            self.events,
            self.schedules,
            self.alarms,
        )
        tags = ServiceTags(own)
        for name in SERVICES:
            self.core.authorizer.register_resource_tags(name, tags.of)
        self.core.authorizer.register_resource_keys("sagemaker", self._sagemaker.packages.condition_keys)
        for service in (*own, *self._sagemaker.services):
            self.core.front.register(service)
        # What works on others' resources goes on when they are there; events are delivered when all can take them.
        last: tuple[object, ...] = (stacks, self._catalog, self._projects, self.events)
        first = [part for part in own if part not in last]
        _resume(self._sagemaker, *self._sagemaker.services, *first, self._rules, *last)

    def status(self) -> dict[str, Any]:
        """Tell what runs and how much time the users' own programs took."""
        finished, running = self.core.processes.finished(), self.core.processes.running()
        now, clock = time.monotonic(), utc_now()  # spans are told in seconds before now
        return {
            "endpoint_url": self.core.settings.endpoint_url,
            "state_dir": str(self.core.settings.state_dir),
            "running_processes": sorted(running.values()),
            "finished_processes": finished,
            "spans": [
                (span.name, span.start - now, span.end - now)
                for span in (*self.core.processes.spans(), *self._lambda.spans())
            ],
            "pipelines": [
                (name, (start - clock).total_seconds(), (end - clock).total_seconds())
                for name, start, end in self._sagemaker.executions.spans()
            ],
            "faults": self.events.faults.shown(),
        }

    def roles(self) -> dict[str, Any]:
        """Tell what the roles may do, for an audit of the access log."""
        return snapshot.take(self.core, self._started)

    def close(self) -> None:
        """Stop everything that runs; nothing outlives the twin but its logs and what they need to be read."""
        closers: tuple[Callable[[], None], ...] = (
            lambda: snapshot.save(self.roles(), self.core.settings.state_dir),
            self.schedules.close,
            self.alarms.close,
            self._rules.close,
            self.events.close,
            self._codepipeline.close,
            self._codebuild.close,
            self._lambda.close,
            self._sagemaker.close,
            self.core.processes.close,
            self.core.log.close,
            self.core.tables.close,
        )
        for close in closers:
            try:
                close()
            except Exception:  # noqa: BLE001 - one part that cannot stop must not keep the others running
                traceback.print_exc()

    def warm_up(self) -> None:
        """Do in the background, once, what the first calls and jobs would wait for."""
        self.core.in_background("warm-up core", self.core.warm_up)
        self.core.in_background("warm-up sagemaker", self._sagemaker.warm_up)

    def _authenticate(self, user: str, password: str) -> Principal | None:
        found = self.core.credentials.find(user)
        if found is None or not hmac.compare_digest(found.secret_access_key.encode(), password.encode()):
            return None
        return None if self.core.credentials.expired(found) else found.principal


def _beginning(core: Core) -> datetime:
    """Return when the first twin in this folder began; the access log goes back as far."""
    table = core.table("twin")
    began: datetime = dict(table.items()).get("began") or utc_now()
    table.put("began", began)
    return began


def _resume(*parts: object) -> None:
    """Let every part go on with, or give up, what an earlier twin in this folder left under way."""
    for part in parts:
        if isinstance(part, Resumable):
            part.resume()


def _event_bus(core: Core, functions: Lambda) -> EventBus:
    queues = SessionQueues(core, core.administrator_of)
    may = core.authorizer.service_may
    topics = Topics(core, core.administrator_of, may)
    messaging = messaging_targets(core, core.administrator_of, topics)
    wiring = Wiring(
        rules=core.moto.rules,
        targets={**standard_targets(core, functions, queues, may), **messaging},
        dead_letters=QueueSender(queues, may),
    )
    return EventBus(core, wiring)
