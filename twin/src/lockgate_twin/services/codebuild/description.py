"""What BatchGetBuilds tells about a build: botocore's Build."""

from __future__ import annotations

from typing import Any

from lockgate_twin.services.codebuild.build import Build
from lockgate_twin.services.codebuild.order import BuildOrder


def describe(build: Build) -> dict[str, Any]:
    """Return a build as AWS describes it."""
    order, outcome, phases = build.order, build.outcome, build.phases
    described: dict[str, Any] = {
        "id": order.build_id,
        "arn": order.arn,
        "buildNumber": order.number,
        "startTime": order.started,
        "currentPhase": phases[-1].name if phases else "SUBMITTED",
        "buildStatus": outcome.status if outcome else "IN_PROGRESS",
        "projectName": order.project,
        "phases": [record.describe() for record in phases],
        "source": dict(order.source),
        "artifacts": {"location": "", **(outcome.artifacts if outcome else {})},
        "cache": {"type": "NO_CACHE"},
        "environment": dict(order.environment),
        "serviceRole": order.service_role,
        "logs": _logs(order),
        "timeoutInMinutes": order.timeout_minutes,
        "queuedTimeoutInMinutes": order.queued_timeout_minutes,
        "buildComplete": outcome is not None,
        "initiator": order.initiator,
        "encryptionKey": order.encryption_key,
    }
    if order.secondary_sources:
        described["secondarySources"] = [dict(source) for source in order.secondary_sources]
    if outcome and outcome.secondary:
        described["secondaryArtifacts"] = [dict(artifacts) for artifacts in outcome.secondary]
    if outcome and outcome.reports:
        described["reportArns"] = list(outcome.reports)
    optional: dict[str, Any] = {
        "sourceVersion": order.source_version,
        "resolvedSourceVersion": order.resolved_version,
        "endTime": outcome.end if outcome else None,
    }
    if outcome and outcome.exported:
        exported = [{"name": name, "value": value} for name, value in outcome.exported.items()]
        described["exportedEnvironmentVariables"] = exported
    return described | {name: value for name, value in optional.items() if value is not None}


def deep_link(order: BuildOrder) -> str:
    """Return where the console shows the build's log."""
    where = f"group={order.log_group};stream={order.log_stream}"
    return f"https://console.aws.amazon.com/cloudwatch/home?region={order.region}#logEvent:{where}"


def _logs(order: BuildOrder) -> dict[str, Any]:
    if order.log_group is None:
        return {"cloudWatchLogs": {"status": "DISABLED"}}
    group, stream = order.log_group, order.log_stream
    return {
        "groupName": group,
        "streamName": stream,
        "deepLink": deep_link(order),
        "cloudWatchLogsArn": f"arn:aws:logs:{order.region}:{order.account}:log-group:{group}:log-stream:{stream}",
        "cloudWatchLogs": {"status": "ENABLED"},
    }
