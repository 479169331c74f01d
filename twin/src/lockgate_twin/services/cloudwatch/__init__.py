"""CloudWatch alarms: the twin evaluates them over the metric data that moto keeps, and does what they ask for."""

from lockgate_twin.services.cloudwatch.service import CloudWatchAlarms

__all__ = ["CloudWatchAlarms"]
