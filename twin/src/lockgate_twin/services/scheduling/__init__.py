"""When something is due: at(), rate() and cron() expressions, which EventBridge's rules and Scheduler share."""

from lockgate_twin.services.scheduling.cron import Cron
from lockgate_twin.services.scheduling.errors import ExpressionError
from lockgate_twin.services.scheduling.expression import At, Expression, Rate, next_due, parse

__all__ = ["At", "Cron", "Expression", "ExpressionError", "Rate", "next_due", "parse"]
