"""Only the approved version reaches production, and only while it is approved and unaltered: at every point of time.

The order of actions is read from the project's template; the builds run the deploy repository's own code, and the
stacks remember what they were told and what bytes were there when they were made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from catalog import router
from tests.approval.fake_hub import ACCOUNT, GROUP, NOW, PROJECT, REGION, FakeS3, FakeSagemaker, arn_of
from tests.seedcode import modules
from tests.support.template_rules import load_template, resources_of

ROOT = Path(__file__).parents[2]
SEED = ROOT / "seedcode" / "deploy" / "{{cookiecutter.repo_name}}"
TEMPLATE = max((ROOT / "templates" / "versions").glob("*/project.template.yaml"))
ROUTER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sagemaker-lockgate-router"
FILES = {"holdout.csv": b"age,label,score\n1,1,0.9\n", "statistics.json": b"{}"}
ENVIRONMENT = {
    "SAGEMAKER_PROJECT_NAME": "credit",
    "SAGEMAKER_PROJECT_ID": PROJECT[18:],
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "SAGEMAKER_EXECUTION_ROLE_ARN": "role",
    "ARTIFACT_BUCKET": PROJECT,
    "KMS_KEY_ARN": "key",
    "AWS_REGION": REGION,
}


@cache
def code(name: str) -> ModuleType:
    """A module of the deploy repository."""
    return modules.load(SEED, f"deploy.{name}")


@cache
def actions() -> tuple[tuple[str, str, dict[str, str]], ...]:
    """Name, provider and environment of each action of the deploy pipeline, in the order in which they run."""
    pipelines = dict(resources_of(load_template(TEMPLATE), "AWS::CodePipeline::Pipeline"))
    found = []
    for stage in pipelines["DeployPipeline"]["Stages"]:
        for action in sorted(stage["Actions"], key=lambda one: one["RunOrder"]):
            variables = json.loads(action["Configuration"].get("EnvironmentVariables", "[]"))
            told = {item["name"]: item["value"] for item in variables}
            found.append((action["Name"], action["ActionTypeId"]["Provider"], told))
    return tuple(found)


NAMES = [name for name, *_ in actions()]
LAST_GATE = NAMES.index("VerifyModelVersion")


class StoppedError(Exception):
    """An action failed; no later one runs."""


class Account:
    """One approved version with its bytes, and another one that waits."""

    def __init__(self) -> None:
        self.s3, self.sagemaker = FakeS3(), FakeSagemaker()
        self.sagemaker.tags[GROUP]["sagemaker:project-name"] = "credit"
        self.serves: dict[str, tuple[str, str]] = {}
        for number in (1, 2):
            self._register(number)
        self.approve(1)

    def _register(self, number: int) -> None:
        manifest = json.dumps({"files": {name: sha256(content) for name, content in FILES.items()}}).encode()
        objects = {f"e/{name}": content for name, content in FILES.items()}
        objects |= {"e/manifest.json": manifest, "model.tar.gz": b"model %d" % number}
        for key, content in objects.items():
            self.s3.objects[PROJECT, f"{number}/{key}"] = content
        place = f"s3://{PROJECT}/{number}"
        self.sagemaker.register(
            number,
            ModelPackageGroupName=GROUP,
            ModelPackageVersion=number,
            LastModifiedTime=NOW,
            InferenceSpecification={"Containers": [{"ModelDataUrl": f"{place}/model.tar.gz"}]},
            ModelMetrics={"ModelQuality": {"Statistics": {"S3Uri": f"{place}/e/statistics.json"}}},
            CustomerMetadataProperties={
                "ModelDigest": sha256(b"model %d" % number),
                "EvaluationDataUri": f"{place}/e/holdout.csv",
                "EvidenceUri": f"{place}/e/",
                "EvidenceDigest": sha256(manifest),
            },
        )

    def approve(self, number: int, status: str = "Approved") -> None:
        """Write a version's status."""
        self.sagemaker.versions[arn_of(number)]["ModelApprovalStatus"] = status

    def started(self) -> str:
        """The version that the router starts the deploy pipeline for, after version 1 was approved."""
        event = {
            "detail-type": "SageMaker Model Package State Change",
            "detail": {"ModelPackageArn": arn_of(1), "ModelApprovalStatus": "Approved"},
        }
        request = router.request(event, ROUTER, {"sagemaker": self.sagemaker}.__getitem__)
        assert request["name"] == f"sagemaker-credit-{PROJECT[18:]}-modeldeploy"
        (variable,) = request["variables"]
        return str(variable["value"])

    def run(self, disturb: Callable[[int], None]) -> int:
        """Run the pipeline; return how many actions ended well. `disturb` is called before each."""
        try:
            arn = self.started()
        except router.IgnoredError:
            return 0
        for number, (name, provider, told) in enumerate(actions()):
            disturb(number)
            try:
                self._act(name, provider, told, arn)
            except StoppedError:
                return number
        return len(actions())

    def _act(self, name: str, provider: str, told: dict[str, str], arn: str) -> None:
        if provider == "CloudFormation":
            stage = "prod" if name.endswith("Production") else "staging"
            uri = self.sagemaker.versions[arn]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
            bytes_now = self.s3.objects.get((PROJECT, uri.removeprefix(f"s3://{PROJECT}/")))
            if bytes_now is None:
                raise StoppedError
            self.serves[stage] = (arn, sha256(bytes_now))
        elif provider == "CodeBuild":
            assert told["MODEL_PACKAGE_ARN"] == "#{variables.ModelPackageArn}"
            self._build(told, arn)

    def _build(self, told: dict[str, str], arn: str) -> None:
        verify = code("verify")
        environment = verify.read_environment({**ENVIRONMENT, "MODEL_PACKAGE_ARN": arn})
        try:
            verify.model_package.deployable(self.sagemaker, self.s3, environment)
        except verify.DeployError as error:
            raise StoppedError(str(error)) from error
        if told.get("MODE") == "test":
            assert self.serves[told["STAGE"]][0] == arn


def sha256(content: bytes) -> str:
    """sha256 hex."""
    return hashlib.sha256(content).hexdigest()


def _write(name: str, content: bytes | None) -> Callable[[Account], None]:
    def act(account: Account) -> None:
        place = (PROJECT, f"1/{name}")
        if content is None:
            del account.s3.objects[place]
        else:
            account.s3.objects[place] = content

    return act


ATTACKS: dict[str, Callable[[Account], None]] = {
    "rejected": lambda account: account.approve(1, "Rejected"),
    "withdrawn": lambda account: account.approve(1, "PendingManualApproval"),
    "model replaced": _write("model.tar.gz", b"model 3"),
    "model replaced by the next version's": _write("model.tar.gz", b"model 2"),
    "model deleted": _write("model.tar.gz", None),
    "evaluation data replaced": _write("e/holdout.csv", b"age,label,score\n1,1,0.1\n"),
    "evaluation data deleted": _write("e/holdout.csv", None),
    "manifest replaced": _write("e/manifest.json", b'{"files": {}}'),
    "manifest deleted": _write("e/manifest.json", None),
}
HARMLESS: dict[str, Callable[[Account], None]] = {
    "another version is approved": lambda account: account.approve(2),
    "another version is rejected": lambda account: account.approve(2, "Rejected"),
    "nothing happens": lambda _: None,
}


def at(account: Account, moment: int, act: Callable[[Account], None]) -> Callable[[int], None]:
    """Disturb the account once, before the action of this number."""
    return lambda number: act(account) if number == moment else None


def schedules(acts: dict[str, Callable[[Account], None]]) -> Iterator[Any]:
    """Every disturbance at every point of time."""
    for name in acts:
        for moment in range(len(actions())):
            yield pytest.param(name, moment, id=f"{name} before {NAMES[moment]}")


def test_the_deploy_pipeline_has_the_gates_that_these_tests_are_about() -> None:
    """A verification stands directly before the deployment to production, and one after it."""
    assert NAMES[LAST_GATE + 1 : LAST_GATE + 3] == ["DeployProduction", "VerifyProduction"]
    assert NAMES[-1] == "VerifyProduction"


@pytest.mark.parametrize(("name", "moment"), list(schedules(ATTACKS)))
def test_what_is_no_longer_approved_or_unaltered_stops_the_run(name: str, moment: int) -> None:
    """Before the last gate production is never touched; after it the run does not end well."""
    account = Account()
    ended = account.run(at(account, moment, ATTACKS[name]))
    assert ended < len(actions())
    if moment <= LAST_GATE:
        assert "prod" not in account.serves


@pytest.mark.parametrize(("name", "moment"), list(schedules(HARMLESS)))
def test_exactly_the_approved_version_reaches_every_stage(name: str, moment: int) -> None:
    """Whatever becomes of other versions meanwhile; nothing ever asks for the newest."""
    account = Account()
    assert account.run(at(account, moment, HARMLESS[name])) == len(actions())
    assert account.serves == dict.fromkeys(("staging", "prod"), (arn_of(1), sha256(b"model 1")))


@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
def test_an_approval_that_was_withdrawn_before_its_event_starts_nothing(status: str) -> None:
    """The event still says Approved; the registry does not."""
    account = Account()
    account.approve(1, status)
    assert account.run(lambda _: None) == 0


def test_a_gate_that_took_the_newest_version_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: with the newest approved version in place of the named one, these tests fail."""

    def newest(account: Account) -> str:
        approved = [arn for arn, one in account.sagemaker.versions.items() if one["ModelApprovalStatus"] == "Approved"]
        return max(approved)

    monkeypatch.setattr(Account, "started", newest)
    account = Account()
    account.approve(2)
    account.run(lambda _: None)
    assert account.serves["prod"][0] != arn_of(1)
