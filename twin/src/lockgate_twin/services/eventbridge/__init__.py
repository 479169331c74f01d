"""EventBridge: matches events with rules and delivers them to targets, at least once. Rules are kept by moto."""

from lockgate_twin.services.eventbridge.delivery import EventBus, Wiring
from lockgate_twin.services.eventbridge.rules import check_rule
from lockgate_twin.services.eventbridge.session_queues import SessionQueues
from lockgate_twin.services.eventbridge.targets import standard_targets
from lockgate_twin.services.eventbridge.targets.queue import QueueSender

__all__ = ["EventBus", "QueueSender", "SessionQueues", "Wiring", "check_rule", "standard_targets"]
