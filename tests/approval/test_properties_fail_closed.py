"""Whatever is missing, malformed or refused: nobody is approved by accident."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks.bundle import from_mapping
from lockgate_checks.decide import decide
from lockgate_checks.policy import shipped_policy
from lockgate_checks.values import Decision, Outcome, Severity, Verdict

from catalog.approval import verify
from tests.approval import examined
from tests.approval.fake_hub import DECISIONS, PROJECT, FakeContext, FakeS3, FakeSagemaker, refused
from tests.checks.complete_evidence import NOW, decided, evidence

Path = tuple[str | int, ...]
GONE = "gone"
NESTED = "[" * 3000 + "]" * 3000
WRONG = [
    *(
        GONE,
        "null",
        "true",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1",
        "-1e308",
        "1e308",
        "10000000000000000000000",
    ),
    *('"0.9"', '"NaN"', '""', "[]", "{}", "[0.9]", '{"value": 0.9}', '"\\u0000"', NESTED),
]
"""JSON texts, some of them unlawful, that stand in place of what was there."""


def paths(document: Any, before: Path = ()) -> Iterator[Path]:
    """Every place of a document, itself included."""
    yield before
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in members:
        yield from paths(value, (*before, key))


PLACES = [(name, path) for name, document in evidence().items() for path in paths(document)]


def mutated(name: str, path: Path, wrong: str) -> dict[str, Any]:
    """The evidence with another text at one place of one document."""
    documents = evidence()
    if not path:
        rest = {key: value for key, value in documents.items() if key != name}
        return rest if wrong == GONE else rest | {name: wrong.encode()}
    document = copy.deepcopy(documents[name])
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if wrong == GONE:
        del place[path[-1]]
        return documents | {name: document}
    place[path[-1]] = "@here@"
    return documents | {name: json.dumps(document).replace('"@here@"', wrong).encode()}


def answered(decision: Decision) -> set[tuple[str, str]]:
    """The metrics that were held against a limit, by check, and the questions that were answered."""
    return {(f.check, f.subject.partition("@")[0] if f.limit else "") for f in decision.findings}


WHOLE = decided(evidence())


def by_accident(decision: Decision) -> str:
    """Why an approval is one by accident; "" where it is none."""
    if decision.verdict is not Verdict.APPROVE:
        return ""
    wrong = [f for f in decision.findings if f.severity is Severity.BLOCK and f.outcome is not Outcome.PASS]
    wrong = [f for f in wrong if f.waived_by is None]
    numbers = [f for f in decision.findings if f.limit and f.value is None]
    fewer = answered(WHOLE) - answered(decision)
    return " ".join(map(str, filter(None, (wrong, numbers, fewer))))


def test_the_evidence_is_approved_while_it_is_whole() -> None:
    """The control; and the oracle knows an approval that overlooks something."""
    assert WHOLE.verdict is Verdict.APPROVE
    assert by_accident(WHOLE) == ""
    narrow = shipped_policy("baseline")
    less = decide(from_mapping(evidence()), narrow, NOW, checks=())
    assert less.verdict is not Verdict.APPROVE


@pytest.mark.parametrize("name", sorted(evidence().keys() - {"data_constraints"}))
def test_a_document_that_is_missing_or_no_document_never_approves(name: str) -> None:
    """Each in each wrong form; the version's own data constraints are asked for when the next one is compared."""
    for wrong in WRONG:
        if wrong not in {"{}", '{"value": 0.9}'}:
            assert decided(mutated(name, (), wrong)).verdict is not Verdict.APPROVE, wrong[:20]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(WRONG))
def test_no_place_of_no_document_approves_by_accident(place: tuple[str, Path], wrong: str) -> None:
    """Every member missing, of another type, not finite, negative, huge or nested."""
    assert by_accident(decided(mutated(*place, wrong))) == "", (place, wrong[:20])


LIMITED = [
    ("model_quality", ("binary_classification_metrics", "auc", "value")),
    ("model_quality", ("lockgate", "intervals", "auc", "lower")),
    ("model_quality", ("dataset", "item_count")),
    ("champion", ("difference",)),
    ("champion", ("interval",)),
    ("champion", ("champion",)),
    ("lineage", ("data_digest",)),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda text: text[:12])
@pytest.mark.parametrize(("name", "path"), LIMITED)
def test_a_number_that_the_policy_limits_is_never_taken_for_another(name: str, path: Path, wrong: str) -> None:
    """No text is a number, no list is its member, and nothing that is not finite is within a limit."""
    known = path[-1] == "item_count" and wrong in {"1e308", "10000000000000000000000"}
    if not known:
        assert decided(mutated(name, path, wrong)).verdict is not Verdict.APPROVE


# ---------------------------------------------------------------------------------------------- AWS refuses

CODES = ["ThrottlingException", "InternalFailure", "AccessDenied", "ServiceUnavailable", "RequestTimeout"]
FILES = {"lineage.json": b"{}"}


class Verification:
    """One registered version, an approved one, and their verification."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.s3, self.sagemaker = FakeS3(), FakeSagemaker()
        patch.setenv("NOTHING_URI", "s3://hub/policies/p.yaml")
        patch.setenv("DECISION_BUCKET", DECISIONS)
        patch.setattr(verify, "_client", {"s3": self.s3, "sagemaker": self.sagemaker}.__getitem__)
        manifest = examined.manifest(FILES)
        for name, content in {**FILES, "manifest.json": manifest, "model.tar.gz": b"model"}.items():
            self.s3.objects[PROJECT, f"e/{name}"] = content
        facts: dict[str, Any] = {
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"s3://{PROJECT}/e/model.tar.gz"}]},
            "CustomerMetadataProperties": {
                "ModelDigest": verify.hashlib.sha256(b"model").hexdigest(),
                "EvidenceUri": f"s3://{PROJECT}/e/",
                "EvidenceDigest": verify.hashlib.sha256(manifest).hexdigest(),
            },
        }
        self.sagemaker.register(6, **facts, ModelApprovalStatus="Approved")
        self.arn = self.sagemaker.register(7, **facts)
        self.calls = 0

    def run(self) -> dict[str, str]:
        """Verify the version."""
        return verify.handler({"model_package_arn": self.arn}, FakeContext())

    def refuse(self, patch: pytest.MonkeyPatch, at: int, code: str) -> None:
        """Refuse the call of this number, counted over both services."""
        for client in (self.s3, self.sagemaker):
            for name in ("get_object", "head_object", "describe_model_package", "list_model_packages", "list_tags"):
                if hasattr(client, name):
                    patch.setattr(client, name, self._counted(getattr(client, name), at, code))

    def _counted(self, method: Any, at: int, code: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls += 1
            if self.calls == at:
                raise refused(method.__name__, code)
            return method(**request)

        return call


def calls_of_a_verification() -> int:
    """How many calls of AWS one undisturbed verification makes."""
    with pytest.MonkeyPatch.context() as patch:
        one = Verification(patch)
        one.refuse(patch, 0, "none")
        assert one.run()["Problem"] == "none"
        return one.calls


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("at", range(1, calls_of_a_verification() + 1))
def test_a_call_of_the_verification_that_aws_refuses_is_a_fault_and_no_finding(
    monkeypatch: pytest.MonkeyPatch, at: int, code: str
) -> None:
    """The step fails, to be repeated; it never says that there is no problem."""
    one = Verification(monkeypatch)
    one.refuse(monkeypatch, at, code)
    with pytest.raises(ClientError):
        one.run()
