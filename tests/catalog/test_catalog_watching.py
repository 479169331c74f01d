"""Watching production: which endpoints are watched, what is published, and when an alarm starts a build."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.watching import publish, retrain, start
from catalog.watching.publish import UnusableError
from catalog.watching.retrain import IgnoredError

Json = dict[str, Any]
SCHEDULED = dt.datetime(2026, 5, 4, 0, 30, tzinfo=dt.UTC)
NAME = "credit-p-1-prod"
PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/credit-p-1/3"


def project_tags(**more: str) -> Json:
    """The tags of an endpoint of the project credit."""
    return {"sagemaker:project-name": "credit", "sagemaker:project-id": "p-1", **more}


@dataclass
class FakeSageMaker:
    """Endpoints as the registry and hosting describe them; remembers the executions that were started."""

    endpoints: dict[str, Json]
    pages: int = 1
    executions: dict[str, Json] = field(default_factory=dict)
    refuses: str = ""

    def list_endpoints(self, **request: Any) -> Json:
        """All of them, in as many pages as asked for."""
        assert request["StatusEquals"] == "InService"
        known = [{"EndpointName": name} for name in self.endpoints]
        page, size = int(request.get("NextToken", 0)), -(-len(known) // self.pages)
        more = {"NextToken": str(page + 1)} if page + 1 < self.pages else {}
        return {"Endpoints": known[page * size : (page + 1) * size], **more}

    def describe_endpoint(self, EndpointName: str) -> Json:  # noqa: N803 - AWS's name
        """One endpoint."""
        capture = {"EnableCapture": True, "DestinationS3Uri": "s3://sagemaker-project-p-1/data-capture/prod"}
        return {
            "EndpointArn": f"arn:{EndpointName}",
            "EndpointConfigName": "configuration",
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
            "DataCaptureConfig": self.endpoints[EndpointName].get("capture", capture),
        }

    def list_tags(self, ResourceArn: str) -> Json:  # noqa: N803 - AWS's name
        """The tags of one endpoint."""
        found = self.endpoints[ResourceArn.removeprefix("arn:")].get("tags", project_tags())
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}

    def describe_endpoint_config(self, **_: Any) -> Json:
        """One configuration."""
        return {"ProductionVariants": [{"ModelName": "model"}]}

    def describe_model(self, **_: Any) -> Json:
        """One model from the registry."""
        return {"Containers": [{"ModelPackageName": PACKAGE}]}

    def describe_model_package(self, **_: Any) -> Json:
        """One version, decided."""
        return {"CustomerMetadataProperties": {"DecisionUri": "s3://decisions/credit-p-1/3/run/"}}

    def start_pipeline_execution(self, **request: Any) -> Json:
        """Idempotent by its token, as SageMaker's."""
        values = {p["Name"]: p["Value"] for p in request["PipelineParameters"]}
        if values["EndpointName"] == self.refuses:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Start")
        self.executions.setdefault(request["ClientRequestToken"], values)
        return {"PipelineExecutionArn": f"execution/{request['ClientRequestToken'][:6]}"}


@dataclass
class FakeS3:
    """Says whether anything was captured."""

    captured: int = 1
    asked: list[str] = field(default_factory=list)

    def list_objects_v2(self, **request: Any) -> Json:
        """Count objects."""
        self.asked.append(request["Prefix"])
        return {"KeyCount": self.captured}


@pytest.fixture(autouse=True)
def pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the pipeline that watches."""
    monkeypatch.setenv("WATCH_PIPELINE", "sagemaker-lockgate-watch")


def test_a_production_endpoint_is_watched_over_the_whole_day_before() -> None:
    """Half an hour after midnight the day that ended is watched, against what was decided about the served version."""
    sagemaker, s3 = FakeSageMaker({NAME: {}}), FakeS3()
    outcome = start.start_all(SCHEDULED, sagemaker, s3)
    assert list(outcome["started"]) == [NAME]
    assert list(sagemaker.executions.values()) == [
        {
            "EndpointName": NAME,
            "ModelPackageArn": PACKAGE,
            "CapturedUri": "s3://sagemaker-project-p-1/data-capture/prod/credit-p-1-prod/AllTraffic/2026/05/03/",
            "DecisionUri": "s3://decisions/credit-p-1/3/run/",
        }
    ]


def test_the_same_scheduled_time_starts_one_watch() -> None:
    """EventBridge Scheduler delivers at least once."""
    sagemaker = FakeSageMaker({NAME: {}})
    for _ in range(10):
        start.start_all(SCHEDULED, sagemaker, FakeS3())
    assert len(sagemaker.executions) == 1
    start.start_all(SCHEDULED + dt.timedelta(days=1), sagemaker, FakeS3())
    assert len(sagemaker.executions) == 2


@pytest.mark.parametrize(
    ("endpoint", "captured", "reason"),
    [
        ({"tags": {}}, 1, "belongs to no project"),
        ({"capture": {}}, 1, "captures no data"),
        ({}, 0, "captured nothing on 2026/05/03"),
    ],
)
def test_an_endpoint_that_cannot_be_watched_is_named_with_the_reason(
    endpoint: Json, captured: int, reason: str
) -> None:
    """It is left out, and the outcome says why."""
    outcome = start.start_all(SCHEDULED, FakeSageMaker({NAME: endpoint}), FakeS3(captured))
    assert reason in outcome["skipped"][NAME]
    assert not outcome["started"]


def test_only_production_endpoints_are_watched_on_every_page() -> None:
    """Staging gets tests for traffic, which are no news."""
    names = [f"team{i}-p-{i}-{stage}" for i in range(5) for stage in ("staging", "prod")]
    outcome = start.start_all(SCHEDULED, FakeSageMaker({name: {} for name in names}, pages=4), FakeS3())
    assert sorted(outcome["started"]) == sorted(name for name in names if name.endswith("-prod"))


def test_a_refusal_for_one_endpoint_holds_up_no_other() -> None:
    """All others are started; then Lambda is made to try again."""
    sagemaker = FakeSageMaker({"a-p-1-prod": {}, "b-p-2-prod": {}, "c-p-3-prod": {}}, refuses="b-p-2-prod")
    outcome = start.start_all(SCHEDULED, sagemaker, FakeS3())
    assert sorted(outcome["started"]) == ["a-p-1-prod", "c-p-3-prod"]
    assert "slow down" in outcome["refused"]["b-p-2-prod"]


def test_the_metrics_of_a_watch_are_read() -> None:
    """Known numbers are published, others are not."""
    result = {"endpoint": NAME, "metrics": {"Rows": 12, "FailingChecks": 2.0, "LargestDrift": 0.4, "Mood": 3}}
    found = publish.metrics_of(json.dumps(result).encode(), NAME)
    assert found == {"Rows": 12.0, "FailingChecks": 2.0, "LargestDrift": 0.4}


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"endpoint": "other-p-2-prod", "metrics": {"FailingChecks": 0}}',
        b'{"endpoint": "credit-p-1-prod", "metrics": {"Rows": 1}}',
        b'{"endpoint": "credit-p-1-prod", "metrics": {"FailingChecks": NaN}}',
        b'{"endpoint": "credit-p-1-prod", "metrics": {"FailingChecks": "many"}}',
    ],
)
def test_what_is_no_result_of_this_endpoint_publishes_nothing(content: bytes) -> None:
    """A watch that went wrong must not look like one that found nothing."""
    with pytest.raises(UnusableError):
        publish.metrics_of(content, NAME)


@dataclass
class FakeCloudWatch:
    """One alarm."""

    state: str = "ALARM"
    name: str = "sagemaker-credit-p-1-prod-drift"

    def describe_alarms(self, AlarmNames: list[str]) -> Json:  # noqa: N803 - AWS's name
        """The alarm, if it is asked for."""
        alarm = {
            "AlarmName": self.name,
            "StateValue": self.state,
            "StateReason": "Threshold Crossed: 1 datapoint [3.0] was greater than the threshold (0.0).",
            "StateUpdatedTimestamp": SCHEDULED,
            "Dimensions": [{"Name": "EndpointName", "Value": NAME}],
        }
        return {"MetricAlarms": [alarm] if self.name in AlarmNames else []}


def alarmed(name: str = "sagemaker-credit-p-1-prod-drift") -> Json:
    """The event of an alarm."""
    return {"id": "1", "detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": name}}


def asking(**tags: str) -> FakeSageMaker:
    """An endpoint whose project asks for retraining."""
    return FakeSageMaker({NAME: {"tags": project_tags(**{"retrain-on-drift": "true"}) | tags}})


def test_an_alarm_starts_the_build_of_its_project_once() -> None:
    """The build is told why; the same alarm again has the same token."""
    first = retrain.request(alarmed(), FakeCloudWatch(), asking())
    assert first["name"] == "sagemaker-credit-p-1-modelbuild"
    assert first["variables"][0]["name"] == "RetrainReason"
    assert "credit-p-1-prod drifted: Threshold Crossed" in first["variables"][0]["value"]
    assert retrain.request(alarmed(), FakeCloudWatch(), asking())["clientRequestToken"] == first["clientRequestToken"]


@pytest.mark.parametrize(
    ("event", "cloudwatch", "sagemaker", "reason"),
    [
        (alarmed("billing"), FakeCloudWatch(), asking(), "no alarm of an endpoint"),
        ({"detail": None}, FakeCloudWatch(), asking(), "no alarm of an endpoint"),
        (alarmed(), FakeCloudWatch(state="OK"), asking(), "is OK"),
        (alarmed("sagemaker-credit-p-1-staging-drift"), FakeCloudWatch(), asking(), "is gone"),
        (alarmed(), FakeCloudWatch(), asking(**{"retrain-on-drift": "false"}), "not to be retrained"),
        (alarmed(), FakeCloudWatch(), asking(**{"sagemaker:project-id": "p-2"}), "not the alarm of"),
    ],
)
def test_an_alarm_that_asks_for_nothing_is_ignored_with_the_reason(
    event: Json, cloudwatch: FakeCloudWatch, sagemaker: FakeSageMaker, reason: str
) -> None:
    """What the event says is not believed: state, endpoint and project are asked of AWS."""
    with pytest.raises(IgnoredError, match=reason):
        retrain.request(event, cloudwatch, sagemaker)
