"""One call of a schedule's target: its input, and the AWS API request that it becomes. Pure functions.

Source: EventBridge Scheduler User Guide, "Templated targets" and "Adding context attributes".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

DEFAULT_RETRIES, DEFAULT_AGE = 185, 86_400


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One occurrence of a schedule on its way to the target. `attempt` counts from 1; `on_demand`: fired by hand."""

    execution_id: str
    schedule_arn: str
    group_arn: str
    target: Mapping[str, Any]
    scheduled_time: datetime
    since: datetime
    attempt: int = 1
    on_demand: bool = False

    @property
    def account(self) -> str:
        """Return the schedule's account."""
        return self.schedule_arn.split(":")[4]

    @property
    def region(self) -> str:
        """Return the schedule's region."""
        return self.schedule_arn.split(":")[3]

    @property
    def retries(self) -> int:
        """Return how many further attempts the retry policy allows."""
        return int((self.target.get("RetryPolicy") or {}).get("MaximumRetryAttempts", DEFAULT_RETRIES))

    @property
    def age(self) -> int:
        """Return for how many seconds the retry policy allows further attempts."""
        return int((self.target.get("RetryPolicy") or {}).get("MaximumEventAgeInSeconds", DEFAULT_AGE))


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """An AWS API request: botocore's service name and client method, and the request's members."""

    service: str
    method: str
    members: Mapping[str, Any]

    def text(self) -> str:
        """Return the members as JSON, as a dead-letter queue receives them."""
        return json.dumps(self.members, default=lambda blob: blob.decode(errors="replace"))


def stamp(moment: datetime) -> str:
    """Return a moment as Scheduler writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def target_text(invocation: Invocation) -> str:
    """Return the target's input with the context attributes filled in.

    Assumption: without Input a target receives a "Scheduled Event" of source aws.scheduler, as Lambda functions are
    seen to do; it is not documented.
    """
    text = invocation.target.get("Input")
    if text is None:
        return _default_event(invocation)
    values = {
        "schedule-arn": invocation.schedule_arn,
        "scheduled-time": stamp(invocation.scheduled_time),
        "execution-id": invocation.execution_id,
        "attempt-number": str(invocation.attempt),
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return str(text)


def api_request(invocation: Invocation, endpoint_url: str) -> ApiRequest:
    """Return the request that calls the target; `kind_of` has admitted its ARN."""
    arn = str(invocation.target["Arn"])
    return _REQUESTS[arn.split(":")[2]](invocation, arn, endpoint_url)


def _default_event(invocation: Invocation) -> str:
    event = {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{invocation.schedule_arn}/{invocation.execution_id}")),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": invocation.account,
        "time": stamp(invocation.scheduled_time),
        "region": invocation.region,
        "resources": [invocation.schedule_arn],
        "detail": "{}",
    }
    return json.dumps(event)


def _function(invocation: Invocation, arn: str, _: str) -> ApiRequest:
    members = {"FunctionName": arn, "InvocationType": "Event", "Payload": target_text(invocation).encode()}
    return ApiRequest(service="lambda", method="invoke", members=members)


def _sagemaker_pipeline(invocation: Invocation, arn: str, _: str) -> ApiRequest:
    given = (invocation.target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
    members = {
        "PipelineName": arn.rpartition("/")[2],
        "PipelineParameters": [dict(p) for p in given],
        # The same token on every attempt makes a repeated one harmless.
        "ClientRequestToken": str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"{invocation.schedule_arn}/{invocation.execution_id}")
        ),
    }
    return ApiRequest(service="sagemaker", method="start_pipeline_execution", members=members)


def _code_pipeline(_invocation: Invocation, arn: str, _: str) -> ApiRequest:
    return ApiRequest(
        service="codepipeline", method="start_pipeline_execution", members={"name": arn.rpartition(":")[2]}
    )


def _queue(invocation: Invocation, arn: str, endpoint_url: str) -> ApiRequest:
    account, name = arn.split(":")[4:6]
    group = (invocation.target.get("SqsParameters") or {}).get("MessageGroupId")
    members = {
        "QueueUrl": f"{endpoint_url}/{account}/{name}",
        "MessageBody": target_text(invocation),
        **({"MessageGroupId": group} if group else {}),
    }
    return ApiRequest(service="sqs", method="send_message", members=members)


def _topic(invocation: Invocation, arn: str, _: str) -> ApiRequest:
    members = {"TopicArn": arn, "Message": target_text(invocation)}
    return ApiRequest(service="sns", method="publish", members=members)


def _event_bus(invocation: Invocation, arn: str, _: str) -> ApiRequest:
    wanted = invocation.target["EventBridgeParameters"]
    entry = {
        "EventBusName": arn,
        "Source": wanted["Source"],
        "DetailType": wanted["DetailType"],
        "Detail": target_text(invocation) if invocation.target.get("Input") else "{}",
    }
    return ApiRequest(service="events", method="put_events", members={"Entries": [entry]})


_REQUESTS = {
    "lambda": _function,
    "sagemaker": _sagemaker_pipeline,
    "codepipeline": _code_pipeline,
    "sqs": _queue,
    "sns": _topic,
    "events": _event_bus,
}
