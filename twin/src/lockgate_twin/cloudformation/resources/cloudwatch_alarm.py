"""AWS::CloudWatch::Alarm on a metric or metric math. Ref is the name."""

from __future__ import annotations

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names, refuse_existing

_VALUES = (
    "ActionsEnabled AlarmActions AlarmDescription ComparisonOperator DatapointsToAlarm Dimensions"
    " EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Metrics"
    " Namespace OKActions Period Statistic Threshold ThresholdMetricId TreatMissingData Unit"
)


def _create(request: Request) -> Made:
    cloudwatch, name = request.client("cloudwatch"), request.name
    refuse_existing(name, found=bool(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]))
    cloudwatch.put_metric_alarm(AlarmName=name, **request.pick(*_VALUES.split(), "Tags"))
    request.identify(name)
    return Made(name, {"Arn": f"arn:aws:cloudwatch:{request.region}:{request.account}:alarm:{name}"})


def _update(request: Request) -> Made:
    cloudwatch, name = request.client("cloudwatch"), request.physical_id
    cloudwatch.put_metric_alarm(AlarmName=name, **request.pick(*_VALUES.split()))
    added, removed = request.tag_changes
    if added:
        cloudwatch.tag_resource(ResourceARN=request.attributes["Arn"], Tags=added)
    if removed:
        cloudwatch.untag_resource(ResourceARN=request.attributes["Arn"], TagKeys=removed)
    return Made(name)


def _delete(request: Request) -> None:
    request.client("cloudwatch").delete_alarms(AlarmNames=[request.physical_id])


ADAPTER = Adapter(
    type="AWS::CloudWatch::Alarm",
    properties=names(f"AlarmName Tags {_VALUES}"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("AlarmName", 255),
    gone=names("ResourceNotFound ResourceNotFoundException"),
)
