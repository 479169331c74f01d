"""Carrying out decisions: one per version, recorded, and never better than the examination's own findings."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks.record import read_entry, verify

from catalog.approval import decide as deciding
from catalog.approval.chain import BrokenRecordError, canonical, digest_of, read_chain
from catalog.approval.decide import Task, handler
from tests.approval.decided_hub import ENVIRONMENT, Hub, decision, finding
from tests.approval.fake_hub import (
    ACCOUNT,
    DECISIONS,
    GROUP,
    PROJECT,
    REGION,
    FakeContext,
    arn_of,
    entries,
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("verdict", "status", "stage"),
    [
        ("approve", "Approved", "Approved"),
        ("reject", "Rejected", "Rejected"),
        ("human", "PendingManualApproval", "NeedsHuman"),
    ],
)
def test_a_decision_is_written_once_with_everything_about_it(verdict: str, status: str, stage: str) -> None:
    """Status, description, where and what was decided, life cycle and card go to the registry in one call."""
    hub = Hub()
    findings = [finding()] if verdict == "approve" else [finding("fail" if verdict == "reject" else "skip")]
    task = hub.examined(1, decision(arn_of(1), verdict, *findings))
    assert hub.decide(task) == status
    version, said = hub.version(task), hub.version(task)["CustomerMetadataProperties"]
    assert len(hub.sagemaker.updates) == 1
    assert version["ModelLifeCycle"]["StageStatus"] == stage
    assert said["DecisionVerdict"] == verdict
    assert said["DecisionUri"] == task.place.uri
    assert said["DecisionDigest"] == digest_of(hub.s3.objects[DECISIONS, f"{task.place.key}decision.json"])
    assert said["DecidedBy"] == ENVIRONMENT["OWN_ROLE_ARN"]
    assert f"Report: {task.place.uri}report.html" in version["ApprovalDescription"]
    assert ("quality.metrics auc" in version["ApprovalDescription"]) == (verdict != "approve")


def test_the_description_has_at_most_the_registrys_length() -> None:
    """The report's address is there however many checks fail."""
    hub = Hub()
    many = [finding("fail", subject=f"metric_{number}") for number in range(200)]
    task = hub.examined(1, decision(arn_of(1), "reject", *many))
    hub.decide(task)
    text = hub.version(task)["ApprovalDescription"]
    assert len(text) <= 1024
    assert text.endswith("report.html")


def test_the_packages_card_keeps_the_strict_schema() -> None:
    """Source: Developer Guide, "Model package model card schema": no member beyond the documented ones."""
    hub = Hub()
    task = hub.examined(1)
    hub.decide(task)
    content = json.loads(hub.version(task)["ModelCard"]["ModelCardContent"])
    assert set(content) <= {"model_overview", "evaluation_details"}
    assert set(content["model_overview"]) == {"model_creator", "model_artifact"}
    (entry,) = content["evaluation_details"]
    allowed = {"name", "evaluation_observation", "evaluation_job_arn", "datasets", "metadata", "metric_groups"}
    assert set(entry) <= allowed
    jsonschema.validate(entry["metadata"], {"additionalProperties": {"type": "string", "maxLength": 1024}})
    (group,) = entry["metric_groups"]
    assert group["metric_data"][0] == {
        "name": "quality.metrics auc",
        "type": "number",
        "value": 0.75,
        "notes": "pass. auc is 0.75.",
    }


def test_the_groups_card_tells_of_each_decided_version() -> None:
    """A second version is another content of the same card, which names the version it is about."""
    hub = Hub()
    hub.decide(hub.examined(1))
    hub.decide(hub.examined(2, decision(arn_of(2), "reject", finding("fail"))))
    card = hub.sagemaker.cards[GROUP]
    assert json.loads(card["Content"])["model_overview"]["model_id"] == arn_of(2)
    assert card["ModelCardStatus"] == "Draft"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["e1", "e2"])), min_size=1, max_size=10))
def test_any_repetition_in_any_order_gives_one_decision_per_version(sent: list[tuple[int, str]]) -> None:
    """Two executions may have examined a version: the first to claim it counts, and versions do not mix."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        hub = Hub()
        for number, execution in sent:
            hub.decide(hub.examined(number, execution=execution))
    first = dict(reversed(sent))
    assert sorted(update["ModelPackageArn"] for update in hub.sagemaker.updates) == [arn_of(n) for n in sorted(first)]
    for number, execution in first.items():
        uri = hub.sagemaker.versions[arn_of(number)]["CustomerMetadataProperties"]["DecisionUri"]
        assert uri == f"s3://{DECISIONS}/{GROUP}/{number}/{execution}/"
    assert sorted(e["subject"]["model_package_arn"] for e in entries(hub.s3)) == [arn_of(n) for n in sorted(first)]


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("repeated_by", ["e1", "e2"])
def test_a_fault_after_any_write_is_repaired_by_whoever_repeats_it(write: int, repeated_by: str) -> None:
    """The claim decides which examination counts; the record has one entry."""
    hub = Hub()
    task = hub.examined(1)
    hub.s3.fail_at = write
    with pytest.raises(ClientError):
        hub.decide(task)
    assert hub.sagemaker.updates == []
    hub.s3.fail_at = None
    assert hub.decide(hub.examined(1, execution=repeated_by)) == "Approved"
    assert len(entries(hub.s3)) == 1
    assert hub.decide(task) == "ignored"


@pytest.mark.parametrize(
    "wrong",
    [
        decision(arn_of(1), "approve", finding("fail")),
        decision(arn_of(1), "approve", finding("skip")),
        decision(arn_of(1), "approve", finding("fail", waived_by=None), finding()),
        decision(arn_of(1), "approve", finding(severity="warn", outcome="fail")),
        decision(arn_of(1), "approve", mode="recommend"),
        decision(arn_of(2)),
        decision(arn_of(1), "maybe"),
        {"verdict": "approve"},
        [],
        {**decision(arn_of(1)), "findings": [{}]},
    ],
)
def test_an_examination_that_contradicts_itself_never_approves(wrong: Any) -> None:
    """A decision that is about another version, without a passed check, or against its findings is a rejection."""
    hub = Hub()
    assert hub.decide(hub.examined(1, wrong)) == "Rejected"
    assert "evidence.examined" in json.dumps(entries(hub.s3))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(decision(""))), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*decision(""), "check"]), json_values)
def test_no_mutilated_decision_approves_what_it_does_not_show(key: str, value: Any) -> None:
    """Any member replaced by anything: approved is only what still is a whole decision with a passed finding."""
    with pytest.MonkeyPatch.context() as patch:
        for name, setting in ENVIRONMENT.items():
            patch.setenv(name, setting)
        hub = Hub()
        document = decision(arn_of(1)) | {key: value}
        status = hub.decide(hub.examined(1, document))
    if key in {"verdict", "mode", "model_package_arn", "findings"}:
        assert status != "Approved"


@pytest.mark.parametrize("name", ["decision.json", "subject.json", "digests.json"])
@pytest.mark.parametrize("content", [None, b"{}", b"not JSON"])
def test_an_incomplete_or_altered_examination_never_approves(name: str, content: bytes | None) -> None:
    """Every file is held against the digest that the examination wrote."""
    hub = Hub()
    task = hub.examined(1)
    if content is None:
        del hub.s3.objects[DECISIONS, task.place.key + name]
    else:
        hub.s3.objects[DECISIONS, task.place.key + name] = content
    assert hub.decide(task) == "Rejected"


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e999", b"0.750"])
def test_numbers_that_json_does_not_have_never_approve(value: bytes) -> None:
    """Also not with the right digest; a number has one form."""
    hub = Hub()
    task = hub.examined(1)
    key = f"{task.place.key}decision.json"
    content = hub.s3.objects[DECISIONS, key].replace(b"0.75,", value + b",")
    digests = json.loads(hub.s3.objects[DECISIONS, f"{task.place.key}digests.json"])
    hub.s3.objects[DECISIONS, key] = content
    digests["decision.json"] = digest_of(content)
    hub.s3.objects[DECISIONS, f"{task.place.key}digests.json"] = canonical(digests)
    assert hub.decide(task) == "Rejected"


@pytest.mark.parametrize("key", ["m/1/model.tar.gz", "e/1/manifest.json"])
def test_bytes_written_again_during_the_examination_are_rejected(key: str) -> None:
    """Between verification and decision; also the same bytes by another digest in the registry."""
    hub = Hub()
    task = hub.examined(1)
    hub.s3.objects[PROJECT, key] += b" "
    assert hub.decide(task) == "Rejected"
    assert "altered" in hub.version(task)["ApprovalDescription"]


def test_a_digest_changed_in_the_registry_is_rejected() -> None:
    """The examined model must be the registered one."""
    hub = Hub()
    task = hub.examined(1)
    hub.version(task)["CustomerMetadataProperties"]["ModelDigest"] = "f" * 64
    assert hub.decide(task) == "Rejected"


def test_a_problem_found_before_the_examination_is_rejected_whatever_the_examination_says() -> None:
    """Verification has the last word against an approval."""
    hub = Hub()
    task = hub.examined(1)
    assert hub.decide(Task(task.version, task.place, "altered: x", task.model_pin, task.evidence_digest)) == "Rejected"


def test_a_decision_that_a_registration_states_itself_does_not_count() -> None:
    """Only the claimed one does."""
    hub = Hub()
    task = hub.examined(1, decision(arn_of(1), "reject", finding("fail")))
    hub.version(task)["CustomerMetadataProperties"] |= {"DecisionUri": "s3://mine/", "DecisionDigest": "0" * 64}
    assert hub.decide(task) == "Rejected"


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_an_examination_that_did_not_end_asks_a_person(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a fault of the examination, not of the model; the event is trusted for the execution's ARN alone."""
    hub = Hub()
    task = hub.examined(1)
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/approval/execution/e9"
    hub.sagemaker.status[arn] = status
    monkeypatch.setattr(deciding, "_client", {"s3": hub.s3, "sagemaker": hub.sagemaker}.__getitem__)
    event = {
        "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
        "detail": {"pipelineExecutionArn": arn, "currentPipelineExecutionStatus": "Failed"},
    }
    assert handler(event, FakeContext())["Verdict"] == "human"
    assert hub.version(task)["ModelApprovalStatus"] == "PendingManualApproval"
    assert "no capacity" in hub.version(task)["ApprovalDescription"]


@pytest.mark.parametrize("pipeline", ["approval", "another"])
def test_a_forged_failure_decides_nothing(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running execution, or one of another pipeline, is no failed examination."""
    hub = Hub()
    hub.examined(1)
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{pipeline}/execution/e9"
    hub.sagemaker.status[arn] = "Executing" if pipeline == "approval" else "Failed"
    monkeypatch.setattr(deciding, "_client", {"s3": hub.s3, "sagemaker": hub.sagemaker}.__getitem__)
    detail = {"pipelineExecutionArn": arn, "currentPipelineExecutionStatus": "Failed"}
    kind = "SageMaker Model Building Pipeline Execution Status Change"
    assert handler({"detail-type": kind, "detail": detail}, FakeContext())["Outcome"] == "ignored"
    assert hub.sagemaker.updates == []


def recorded(number: int = 5) -> Hub:
    """A hub with a record."""
    hub = Hub()
    for version in range(1, number + 1):
        hub.decide(hub.examined(version))
    return hub


def test_the_record_is_that_of_the_checks_library() -> None:
    """It reads and verifies the entries, and finds the same digests."""
    hub = recorded()
    kept = read_chain(hub.s3, DECISIONS, GROUP)
    read = [read_entry(document) for document in entries(hub.s3)]
    verify(read, head=kept[-1].digest)
    assert [entry.digest for entry in read] == [one.digest for one in kept]


def altered(documents: list[dict[str, Any]], how: str, at: int) -> list[dict[str, Any]]:
    """The record with one entry altered, left out, inserted or exchanged; its end stays where it is."""
    if how == "alter":
        documents[at] = json.loads(json.dumps(documents[at]).replace("0.75", "0.99"))
    elif how == "delete":
        del documents[at]
    elif how == "insert":
        documents.insert(at, dict(documents[at]))
    else:
        documents[at], documents[at + 1] = documents[at + 1], documents[at]
    return documents


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("how", ["alter", "delete", "insert", "exchange"])
def test_an_altered_record_is_noticed_and_never_continued(how: str, at: int) -> None:
    """Whoever reads it, or wants to add to it, is told where it breaks."""
    hub = recorded()
    documents = altered(entries(hub.s3), how, at)
    hub.s3.objects = {place: body for place, body in hub.s3.objects.items() if "/entries/" not in place[1]}
    for number, document in enumerate(documents):
        hub.s3.objects[DECISIONS, f"record/{GROUP}/entries/{number:08d}.json"] = canonical(document)
    with pytest.raises(BrokenRecordError):
        read_chain(hub.s3, DECISIONS, GROUP)
    with pytest.raises(BrokenRecordError):
        hub.decide(hub.examined(9))
    assert arn_of(9) not in {update["ModelPackageArn"] for update in hub.sagemaker.updates}
