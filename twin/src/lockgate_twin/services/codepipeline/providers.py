"""The action providers that the twin runs, and what each takes.

Source: "Action structure reference" and "Valid action types and providers" (CodePipeline User Guide).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Refuse = Callable[[Mapping[str, str]], str | None]
Need = Callable[[Mapping[str, str]], frozenset[str]]


def _no_more(_: Mapping[str, str]) -> frozenset[str]:
    return frozenset()


def _nothing(_: Mapping[str, str]) -> str | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What one provider takes: numbers of artifacts (least, most) and configuration keys.

    `refused` returns what of a configuration the twin does not implement, or None; `needed` the keys that this
    configuration needs besides.
    """

    categories: frozenset[str]
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    refused: Refuse = _nothing
    needed: Need = _no_more


_STACK_MODES = {"CREATE_UPDATE", "DELETE_ONLY", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"}


def _source_refused(configuration: Mapping[str, str]) -> str | None:
    # AWS polls unless told otherwise; the twin starts pipelines by events only.
    if configuration.get("PollForSourceChanges", "true").lower() != "false":
        return "PollForSourceChanges other than false"
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        return f"OutputArtifactFormat {configuration['OutputArtifactFormat']}"
    return None


def _build_refused(configuration: Mapping[str, str]) -> str | None:
    batch = [key for key in ("BatchEnabled", "CombineArtifacts") if configuration.get(key, "false") != "false"]
    return f"{batch[0]} other than false" if batch else None


def _stack_needed(configuration: Mapping[str, str]) -> frozenset[str]:
    mode = configuration.get("ActionMode", "")
    change_set = {"ChangeSetName"} if mode.startswith("CHANGE_SET") else set()
    return frozenset(change_set if mode == "CHANGE_SET_EXECUTE" else {*change_set, "RoleArn"})


def _stack_refused(configuration: Mapping[str, str]) -> str | None:
    mode = configuration.get("ActionMode", "")
    if mode not in _STACK_MODES:
        return f"ActionMode {mode}"
    try:
        overrides = json.loads(configuration.get("ParameterOverrides", "{}"))
    except ValueError:
        return None
    functions = [name for name, value in overrides.items() if isinstance(value, dict)]
    return f"functions in ParameterOverrides ({functions[0]})" if functions else None


PROVIDERS: Mapping[str, Provider] = {
    "CodeCommit": Provider(
        categories=frozenset({"Source"}),
        inputs=(0, 0),
        outputs=(1, 1),
        required=frozenset({"RepositoryName", "BranchName"}),
        optional=frozenset({"PollForSourceChanges", "OutputArtifactFormat"}),
        refused=_source_refused,
    ),
    "CodeBuild": Provider(
        categories=frozenset({"Build", "Test"}),
        inputs=(1, 5),
        outputs=(0, 5),
        required=frozenset({"ProjectName"}),
        optional=frozenset({"PrimarySource", "EnvironmentVariables", "BatchEnabled", "CombineArtifacts"}),
        refused=_build_refused,
    ),
    "CloudFormation": Provider(
        categories=frozenset({"Deploy"}),
        inputs=(0, 10),
        outputs=(0, 1),
        required=frozenset({"ActionMode", "StackName"}),
        optional=frozenset(
            {
                "Capabilities",
                "ChangeSetName",
                "OutputFileName",
                "ParameterOverrides",
                "RoleArn",
                "TemplateConfiguration",
                "TemplatePath",
            }
        ),
        needed=_stack_needed,
        refused=_stack_refused,
    ),
    "Lambda": Provider(
        categories=frozenset({"Invoke"}),
        inputs=(0, 5),
        outputs=(0, 5),
        required=frozenset({"FunctionName"}),
        optional=frozenset({"UserParameters"}),
    ),
    "Manual": Provider(
        categories=frozenset({"Approval"}),
        inputs=(0, 0),
        outputs=(0, 0),
        required=frozenset(),
        optional=frozenset({"CustomData", "ExternalEntityLink", "NotificationArn"}),
    ),
}
