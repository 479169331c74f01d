"""EventBridge Scheduler: schedules, their groups, and the calls of targets that they make."""

from lockgate_twin.services.scheduler.service import ScheduleService

__all__ = ["ScheduleService"]
