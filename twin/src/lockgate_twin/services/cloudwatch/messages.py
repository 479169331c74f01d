"""What an alarm's change of state tells others: the event, a function's payload, a topic's message. Pure functions.

Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge" (event), "Invoke a Lambda function from an alarm"
(payload); the message to SNS topics as in aws-lambda-go's sample cloudwatch-alarm-sns-payload-single-metric.json.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.cloudwatch.reasons import stamp
from lockgate_twin.services.cloudwatch.record import Alarm, State


def event(alarm: Alarm, old: State) -> Event:
    """Return "CloudWatch Alarm State Change"."""
    return Event(
        source="aws.cloudwatch",
        detail_type="CloudWatch Alarm State Change",
        detail={
            "alarmName": alarm.name,
            "state": _state(alarm.state),
            "previousState": _state(old),
            "configuration": _configuration(alarm),
        },
        account=alarm.account,
        region=alarm.region,
        resources=(alarm.arn,),
    )


def payload(alarm: Alarm, old: State) -> bytes:
    """Return what a function gets that is an action of the alarm."""
    told = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.arn,
        "accountId": alarm.account,
        "time": stamp(alarm.state.updated),
        "region": alarm.region,
        "alarmData": {
            "alarmName": alarm.name,
            "state": _state(alarm.state),
            "previousState": _state(old),
            "configuration": _configuration(alarm),
        },
    }
    return json.dumps(told).encode()


def subject(alarm: Alarm) -> str:
    """Return the subject of the message to a topic, at most 100 characters."""
    return f'{alarm.state.value}: "{alarm.name}" in {region_name(alarm.region)}'[:100]


def message(alarm: Alarm, old: State) -> str:
    """Return the message to a topic."""
    values = alarm.values
    extended = "ExtendedStatistic" in values
    trigger = {
        "MetricName": values["MetricName"],
        "Namespace": values["Namespace"],
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        **({"ExtendedStatistic": alarm.statistic} if extended else {"Statistic": alarm.statistic.upper()}),
        "Unit": values.get("Unit"),
        "Dimensions": [{"value": v, "name": k} for k, v in alarm.dimensions.items()],
        "Period": alarm.period,
        "EvaluationPeriods": alarm.periods,
        **({"DatapointsToAlarm": alarm.needed} if values.get("DatapointsToAlarm") else {}),
        "ComparisonOperator": values["ComparisonOperator"],
        "Threshold": float(values["Threshold"]),
        "TreatMissingData": values.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": values.get("EvaluateLowSampleCountPercentile", ""),
    }
    told = {
        "AlarmName": alarm.name,
        "AlarmDescription": values.get("AlarmDescription"),
        "AWSAccountId": alarm.account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured),
        "NewStateValue": alarm.state.value,
        "NewStateReason": alarm.state.reason,
        "StateChangeTime": stamp(alarm.state.updated),
        "Region": region_name(alarm.region),
        "AlarmArn": alarm.arn,
        "OldStateValue": old.value,
        "OKActions": list(values.get("OKActions") or []),
        "AlarmActions": list(values.get("AlarmActions") or []),
        "InsufficientDataActions": list(values.get("InsufficientDataActions") or []),
        "Trigger": trigger,
    }
    return json.dumps(told)


@cache
def region_name(region: str) -> str:
    """Return a region's name in words."""
    import botocore.session

    partitions = botocore.session.Session().get_data("endpoints")["partitions"]
    names = {code: known["description"] for p in partitions for code, known in p["regions"].items()}
    return str(names.get(region, region))


def _state(state: State) -> dict[str, Any]:
    data = {"reasonData": state.data} if state.data else {}
    return {"value": state.value, "reason": state.reason, **data, "timestamp": stamp(state.updated)}


def _configuration(alarm: Alarm) -> Mapping[str, Any]:
    described = alarm.values.get("AlarmDescription")
    unit = alarm.values.get("Unit")
    metric = {
        "dimensions": dict(alarm.dimensions),
        "name": alarm.values["MetricName"],
        "namespace": alarm.values["Namespace"],
    }
    stat = {"metric": metric, "period": alarm.period, "stat": alarm.statistic, **({"unit": unit} if unit else {})}
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{alarm.arn}/{alarm.configured.isoformat()}"))
    return {
        **({"description": described} if described else {}),
        "metrics": [{"id": identity, "metricStat": stat, "returnData": True}],
    }
