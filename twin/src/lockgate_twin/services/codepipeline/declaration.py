"""A pipeline's declaration as frozen values (botocore's PipelineDeclaration, of which `raw` is the original)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ActionType:
    """What kind of action it is."""

    category: str
    owner: str
    provider: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of a stage; `inputs` and `outputs` are artifact names."""

    name: str
    type: ActionType
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str | None = None
    timeout_minutes: int | None = None
    role_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a condition; `provider` says what it looks at."""

    name: str
    provider: str
    configuration: Mapping[str, str]
    role_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What happens (`result`) when one of the rules is not met."""

    result: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage. `on_failure` is FAIL, RETRY or ROLLBACK; `retry_mode` says what a retry by itself runs again.

    `on_failure` is what follows every failure, unless there are `failure_conditions`, which decide.
    """

    name: str
    actions: tuple[Action, ...]
    on_failure: str = "FAIL"
    retry_mode: str = "FAILED_ACTIONS"
    before_entry: tuple[Condition, ...] = ()
    on_success: tuple[Condition, ...] = ()
    failure_conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """One version of a pipeline. `variables` are the default values by name, None where there is none."""

    account: str
    region: str
    name: str
    version: int
    role_arn: str
    bucket: str
    encryption_key: str | None
    mode: str
    stages: tuple[Stage, ...]
    variables: Mapping[str, str | None]
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def arn(self) -> str:
        """Return the pipeline's ARN."""
        return pipeline_arn(self.account, self.region, self.name)

    def stage(self, name: str) -> Stage | None:
        """Return a stage by its name, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)


def pipeline_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a pipeline by its name."""
    return f"arn:aws:codepipeline:{region}:{account}:{name}"


def parse_pipeline(raw: Mapping[str, Any], account: str, region: str, version: int) -> Pipeline:
    """Read a declaration; AWS's defaults are filled in, in `raw`, too."""
    completed = _completed(raw, version)
    store = completed.get("artifactStore", {})
    return Pipeline(
        account=account,
        region=region,
        name=completed["name"],
        version=version,
        role_arn=completed["roleArn"],
        bucket=store.get("location", ""),
        encryption_key=store.get("encryptionKey", {}).get("id"),
        mode=completed["executionMode"],
        stages=tuple(_stage(stage) for stage in completed["stages"]),
        variables={v["name"]: v.get("defaultValue") for v in completed.get("variables", [])},
        raw=completed,
    )


def _completed(raw: Mapping[str, Any], version: int) -> dict[str, Any]:
    defaults = {"runOrder": 1, "configuration": {}, "inputArtifacts": [], "outputArtifacts": []}
    stages = [{**stage, "actions": [{**defaults, **action} for action in stage["actions"]]} for stage in raw["stages"]]
    return {"executionMode": "SUPERSEDED", "pipelineType": "V1", **raw, "stages": stages, "version": version}


def _stage(raw: Mapping[str, Any]) -> Stage:
    failure = raw.get("onFailure") or {}
    return Stage(
        name=raw["name"],
        actions=tuple(_action(action) for action in raw["actions"]),
        on_failure=failure.get("result", "FAIL"),
        retry_mode=(failure.get("retryConfiguration") or {}).get("retryMode", "FAILED_ACTIONS"),
        before_entry=_conditions(raw.get("beforeEntry")),
        on_success=_conditions(raw.get("onSuccess")),
        failure_conditions=_conditions(raw.get("onFailure"), failure.get("result", "FAIL")),
    )


def _conditions(raw: Mapping[str, Any] | None, result: str = "FAIL") -> tuple[Condition, ...]:
    return tuple(
        Condition(
            result=condition.get("result", result),
            rules=tuple(
                Rule(
                    name=rule["name"],
                    provider=rule["ruleTypeId"]["provider"],
                    configuration=rule.get("configuration") or {},
                    role_arn=rule.get("roleArn"),
                )
                for rule in condition.get("rules") or []
            ),
        )
        for condition in (raw or {}).get("conditions") or []
    )


def _action(raw: Mapping[str, Any]) -> Action:
    return Action(
        name=raw["name"],
        type=ActionType(**raw["actionTypeId"]),
        run_order=raw["runOrder"],
        configuration=raw["configuration"],
        inputs=tuple(artifact["name"] for artifact in raw["inputArtifacts"]),
        outputs=tuple(artifact["name"] for artifact in raw["outputArtifacts"]),
        namespace=raw.get("namespace"),
        timeout_minutes=raw.get("timeoutInMinutes"),
        role_arn=raw.get("roleArn"),
    )
