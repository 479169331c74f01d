"""EventBridge: matches events with rules and delivers them to targets, at least once. Rules are kept by moto."""

from lockgate_twin.services.eventbridge.delivery import EventBus, Wiring
from lockgate_twin.services.eventbridge.faults import Fault, Faults
from lockgate_twin.services.eventbridge.rules import REFUSED_OPERATIONS, check_rule, check_targets, refuse
from lockgate_twin.services.eventbridge.scheduled_rules import OPERATIONS as SCHEDULE_OPERATIONS
from lockgate_twin.services.eventbridge.scheduled_rules import ScheduledRules
from lockgate_twin.services.eventbridge.session_queues import SessionQueues
from lockgate_twin.services.eventbridge.targets import messaging_targets, standard_targets
from lockgate_twin.services.eventbridge.targets.queue import QueueSender

__all__ = [
    "REFUSED_OPERATIONS",
    "SCHEDULE_OPERATIONS",
    "EventBus",
    "Fault",
    "Faults",
    "QueueSender",
    "ScheduledRules",
    "SessionQueues",
    "Wiring",
    "check_rule",
    "check_targets",
    "messaging_targets",
    "refuse",
    "standard_targets",
]
