"""Events may be repeated, reordered and lost, and functions may end anywhere: each version has one decision."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.approval import decide as deciding
from catalog.approval.chain import read_chain
from catalog.approval.decide import Task, handler
from catalog.approval.registrations import reconcile, registered
from tests.approval.decided_hub import ENVIRONMENT, Hub
from tests.approval.fake_hub import (
    ACCOUNT,
    DECISIONS,
    FUNCTION,
    GROUP,
    NOW,
    REGION,
    FakeContext,
    arn_of,
    entries,
    refused,
)

WRITES = {"put_object", "create_model_card", "update_model_card", "update_model_package"}
PIPELINE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/approval"
FAILED = "SageMaker Model Building Pipeline Execution Status Change"


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@dataclass
class Power:
    """Counts writes to AWS and fails at one of them: before it takes effect, or after, so that its answer is lost."""

    at: int | None = None
    after: bool = False
    writes: int = 0
    calls: list[str] = field(default_factory=list)


class Failing:
    """A client whose writes are counted and fail."""

    def __init__(self, client: Any, power: Power) -> None:
        self._client, self._power = client, power

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return self._write(name, method) if name in WRITES else method

    def _write(self, name: str, method: Any) -> Any:
        def call(**request: Any) -> Any:
            power = self._power
            power.writes += 1
            power.calls.append(name)
            fails = power.writes == power.at
            if fails and not power.after:
                raise EndpointConnectionError(endpoint_url=name)
            answer = method(**request)
            if fails:
                raise EndpointConnectionError(endpoint_url=name)
            return answer

        return call


def attempt(hub: Hub, task: Task, power: Power) -> None:
    """Decide, and fall over where the power fails."""
    with contextlib.suppress(deciding.IgnoredError, EndpointConnectionError):
        deciding.decide(task, Failing(hub.sagemaker, power), Failing(hub.s3, power))


def report_failure(hub: Hub, power: Power | None = None) -> None:
    """Deliver the event of a failed examination of version 1."""
    execution = f"{PIPELINE}/execution/e9"
    hub.sagemaker.status[execution] = "Failed"
    clients = {"s3": Failing(hub.s3, power or Power()), "sagemaker": Failing(hub.sagemaker, power or Power())}
    event = {"detail-type": FAILED, "detail": {"pipelineExecutionArn": execution}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "_client", clients.__getitem__)
        with contextlib.suppress(EndpointConnectionError):
            handler(event, FakeContext())


def check_one_decision(hub: Hub, numbers: set[int]) -> None:
    """One entry of the record, one claim and one status per version, all of the same decision."""
    recorded = [entry for entry in entries(hub.s3) if "person" not in entry]
    assert sorted(e["subject"]["model_package_arn"] for e in recorded) == [arn_of(number) for number in sorted(numbers)]
    read_chain(hub.s3, DECISIONS, GROUP)
    for entry in recorded:
        arn = entry["subject"]["model_package_arn"]
        version = hub.sagemaker.versions[arn]
        said, verdict = version["CustomerMetadataProperties"], entry["decision"]["verdict"]
        assert said["DecisionVerdict"] == verdict
        claim = json.loads(hub.s3.objects[DECISIONS, f"record/{GROUP}/claims/{arn.rpartition('/')[2]}.json"])
        assert claim["decision"] == said["DecisionDigest"]
        assert version["ModelApprovalStatus"] == {"approve": "Approved", "human": "PendingManualApproval"}[verdict]


def writes_of_a_decision() -> list[str]:
    """The writes of one undisturbed decision, in order."""
    hub, power = Hub(), Power()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        attempt(hub, hub.examined(1), power)
    return power.calls


ORDER = writes_of_a_decision()


def test_the_registry_is_written_last() -> None:
    """Claim and entry of the record stand before anything takes effect."""
    assert ORDER == ["put_object", "put_object", "create_model_card", "update_model_package"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(ORDER) + 1))
@pytest.mark.parametrize("repeated", ["the same step", "another examination", "the examination's failure"])
def test_a_decision_that_fell_over_between_any_two_writes_is_completed(at: int, repeated: str, *, after: bool) -> None:
    """By whoever comes next; what was claimed first is what is carried out."""
    hub = Hub()
    task = hub.examined(1)
    attempt(hub, task, Power(at, after))
    claimed = any("claims" in key for _, key in hub.s3.objects)
    if repeated == "the same step":
        attempt(hub, task, Power())
    elif repeated == "another examination":
        attempt(hub, hub.examined(1, execution="e2"), Power())
    else:
        report_failure(hub)
    check_one_decision(hub, {1})
    by_failure = repeated.endswith("failure") and not claimed
    expected = "PendingManualApproval" if by_failure else "Approved"
    assert hub.version(task)["ModelApprovalStatus"] == expected
    assert sum("ModelApprovalStatus" in update for update in hub.sagemaker.updates) <= 1


deliveries = st.tuples(
    st.sampled_from(["e1", "e2", "failure"]), st.integers(1, 3), st.none() | st.integers(1, 6), st.booleans()
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(deliveries, max_size=8), st.permutations([1, 2, 3]))
def test_any_deliveries_with_any_faults_end_in_one_decision_per_version(
    sent: list[tuple[str, int, int | None, bool]], last: list[int]
) -> None:
    """Whatever was delivered before, in whatever order, once each version's step runs undisturbed all are decided."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        hub = Hub()
        tasks = {number: hub.examined(number) for number in (1, 2, 3)}
        for kind, number, at, after in sent:
            if kind == "failure":
                report_failure(hub, Power(at, after))
            else:
                attempt(hub, hub.examined(number, execution=kind), Power(at, after))
        for number in last:
            attempt(hub, tasks[number], Power())
        check_one_decision(hub, {1, 2, 3})
        first = {number: kind for kind, number, *_ in sent if kind != "failure"}
        if not any(kind == "failure" for kind, *_ in sent):
            assert {hub.version(task)["ModelApprovalStatus"] for task in tasks.values()} == {"Approved"}, first


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, "reconcile", "fails", "ends"]), max_size=14))
def test_lost_events_and_failed_examinations_are_repaired_by_the_schedule_alone(happened: list[Any]) -> None:
    """Any events, or none at all: after the schedule has run often enough every version is decided, once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("APPROVAL_PIPELINE", "approval")
        hub = Hub()
        for number in (1, 2, 3):
            hub.examined(number)
        failures = 0
        for what in [*happened, "reconcile", "ends"]:
            if what == "reconcile":
                reconcile(hub.sagemaker, FUNCTION, NOW)
            elif what == "fails" and failures < 2:
                failures += _end(hub, "Failed", failures)
            elif what == "ends":
                _end(hub, "Succeeded", 0)
            elif isinstance(what, int):
                registered({"detail": {"ModelPackageArn": arn_of(what)}}, hub.sagemaker, FUNCTION)
        check_one_decision(hub, {1, 2, 3})
        assert {one["ModelApprovalStatus"] for one in hub.sagemaker.versions.values()} == {"Approved"}


def _end(hub: Hub, status: str, _: int) -> int:
    """End what runs; where it succeeds, its last step decides. Nobody reports failures: their events are lost."""
    running = [arn for arn, now in hub.sagemaker.status.items() if now == "Executing"]
    for execution in running:
        hub.sagemaker.status[execution] = status
        started = dict(zip(hub.sagemaker.executions.values(), hub.sagemaker.started, strict=True))[execution]
        if status == "Succeeded":
            number = int(started.rpartition("/")[2])
            attempt(hub, hub.examined(number, execution=execution.rpartition("/")[2]), Power())
    return 1 if running else 0


def test_two_deciders_at_once_write_one_entry_each_for_two_versions() -> None:
    """The second finds the place in the record taken and continues after it; nothing is overwritten."""
    hub = Hub()
    first, second = hub.examined(1), hub.examined(2)
    inner, done = hub.s3.put_object, []

    def overtaken(**request: Any) -> Any:
        if "/entries/" in request["Key"] and not done:
            done.append(True)
            attempt(hub, second, Power())
        return inner(**request)

    hub.s3.put_object = overtaken  # type: ignore[method-assign]
    attempt(hub, first, Power())
    check_one_decision(hub, {1, 2})


STEP = {"problem": "none", "model_pin": "x", "evidence_digest": "x"}
FORGERIES: list[Any] = [
    {},
    {"detail": None},
    {"detail": {"ModelPackageArn": arn_of(2), "ModelApprovalStatus": "Approved"}},
    {"detail-type": FAILED},
    {"detail-type": FAILED, "detail": {"pipelineExecutionArn": "x", "currentPipelineExecutionStatus": "Failed"}},
    {"detail-type": FAILED, "detail": {"pipelineExecutionArn": ["a"]}},
    {"model_package_arn": arn_of(1)},
    {**STEP, "model_package_arn": arn_of(1), "execution_id": "nobodys"},
    {**STEP, "model_package_arn": arn_of(1), "execution_id": "../2/e1"},
    {**STEP, "model_package_arn": arn_of(2), "execution_id": "e000000000009"},
    {"model_package_arn": arn_of(1).replace(ACCOUNT, "9" * 12), "execution_id": "e1"},
    {"verdict": "approve", "model_package_arn": arn_of(1), "decision": {"verdict": "approve"}},
]


@pytest.mark.parametrize("event", FORGERIES)
def test_a_forged_invocation_of_the_decision_approves_nothing(event: Any) -> None:
    """Whoever may invoke the function gives it names; what it decides is what the store and the registry hold."""
    hub = Hub()
    hub.sagemaker.register(2)
    task = hub.examined(1)
    hub.s3.objects = {place: body for place, body in hub.s3.objects.items() if place[0] != DECISIONS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "_client", {"s3": hub.s3, "sagemaker": hub.sagemaker}.__getitem__)
        with contextlib.suppress(Exception):  # Lambda reports it; what counts is what was written
            handler(event, FakeContext())
    assert hub.version(task)["ModelApprovalStatus"] == "PendingManualApproval"
    assert hub.sagemaker.updates == []


def test_the_step_of_an_examination_of_this_version_is_believed() -> None:
    """The control: the same invocation by the examination that the store and the pipeline service know."""
    hub = Hub()
    task = hub.examined(1, execution="e000000000009")
    execution = {"model_package_arn": arn_of(1), "execution_id": "e000000000009", "problem": "none"}
    verified = {"model_pin": task.model_pin, "evidence_digest": task.evidence_digest}
    hub.sagemaker.status[f"{PIPELINE}/execution/e000000000009"] = "Executing"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "_client", {"s3": hub.s3, "sagemaker": hub.sagemaker}.__getitem__)
        assert handler({**execution, **verified}, FakeContext())["Verdict"] == "approve"


def test_a_forged_invocation_cannot_carry_out_another_versions_decision() -> None:
    """The execution's id leads into another version's folder: the decision there is about that other version."""
    hub = Hub()
    approved, waiting = hub.examined(1), hub.examined(2)
    for key in [key for bucket, key in hub.s3.objects if bucket == DECISIONS and key.startswith(f"{GROUP}/2/")]:
        other = hub.s3.objects[DECISIONS, key.replace(f"{GROUP}/2/", f"{GROUP}/1/")]
        hub.s3.objects[DECISIONS, key] = other
    assert hub.decide(waiting) == "Rejected"
    assert hub.decide(approved) == "Approved"


READS = ["describe_model_package", "get_object", "head_object", "describe_model_card"]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "AccessDenied", "SlowDown"])
@pytest.mark.parametrize("operation", READS)
def test_a_call_of_the_decision_that_aws_refuses_is_raised_and_nothing_is_approved(operation: str, code: str) -> None:
    """A fault is no fact about the version: the step fails, and the next attempt completes the same decision."""
    hub = Hub()
    task = hub.examined(1)
    client = hub.s3 if hasattr(hub.s3, operation) else hub.sagemaker
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, operation, _refusing(operation, code))
        with pytest.raises(ClientError):
            hub.decide(task)
    assert hub.version(task)["ModelApprovalStatus"] == "PendingManualApproval"
    assert hub.decide(task) == "Approved"
    check_one_decision(hub, {1})


def _refusing(operation: str, code: str) -> Any:
    def call(**_: Any) -> Any:
        raise refused(operation, code)

    return call
