"""Tags of the resources of the twin's own services, for aws:ResourceTag.

Each service is asked as it would be by the owner's administrator, through the operation that shows tags; what it does
not know has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler, Principal, Service

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """How a service is asked for the tags of an ARN: its operation, the request's members, where tags are found."""

    service: str
    operation: str
    members: Callable[[str], Mapping[str, Any]]
    found: Callable[[Mapping[str, Any]], Any]


def _codepipeline(arn: str) -> Mapping[str, Any]:
    # Stages and actions are parts of their pipeline, whose tags they have.
    return {"resourceArn": arn.partition("/")[0]}


def _function(arn: str) -> Mapping[str, Any]:
    return {"Resource": ":".join(arn.split(":")[:7])}


def _stack(arn: str) -> Mapping[str, Any]:
    # Of a stack that is named only, the id at the ARN's end is not known: arn:...:stack/<name>/*.
    return {"StackName": arn.split("/")[1] if arn.endswith("/*") else arn}


def _projects(answer: Mapping[str, Any]) -> Any:
    return [tag for project in answer["projects"] for tag in project.get("tags", ())]


def _stacks(answer: Mapping[str, Any]) -> Any:
    return answer["Stacks"][0]["Tags"]


# By the service in an ARN and the kind of resource (text before the first "/" of its last part, if that matters).
_QUESTIONS: Mapping[tuple[str, str], Question] = {
    ("codecommit", ""): Question("codecommit", "ListTagsForResource", lambda arn: {"resourceArn": arn}, dict),
    ("codepipeline", ""): Question("codepipeline", "ListTagsForResource", _codepipeline, dict),
    ("lambda", ""): Question("lambda", "ListTags", _function, dict),
    ("codebuild", "project"): Question(
        "codebuild", "BatchGetProjects", lambda arn: {"names": [arn.partition("/")[2]]}, _projects
    ),
    ("cloudformation", "stack"): Question("cloudformation", "DescribeStacks", _stack, _stacks),
    ("catalog", "product"): Question(
        "servicecatalog", "DescribeProductAsAdmin", lambda arn: {"Id": arn.rpartition("/")[2]}, dict
    ),
    ("catalog", "portfolio"): Question(
        "servicecatalog", "DescribePortfolio", lambda arn: {"Id": arn.rpartition("/")[2]}, dict
    ),
}
SERVICES = tuple(dict.fromkeys(service for service, _ in _QUESTIONS))


class ServiceTags:
    """Knows the tags of what these services have."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._operations: dict[str, Mapping[str, Handler]] = {s.name: s.operations() for s in services}

    def of(self, arn: str) -> Tags:
        """Return a resource's tags, none if there is no such resource."""
        _, _, service, region, account, resource = arn.split(":", 5)
        kind = resource.partition("/")[0]
        question = _QUESTIONS.get((service, "")) or _QUESTIONS.get((service, kind))
        if question is None or resource in {"", "*"} or resource == f"{kind}/*":
            return {}
        handler = self._operations.get(question.service, {}).get(question.operation)
        if handler is None:
            return {}
        try:
            answer = handler(dict(question.members(arn)), _as_owner(question, account, region))
        except ApiError:
            return {}
        return _tags(question.found(answer or {}))


def _as_owner(question: Question, account: str, region: str) -> Call:
    return Call(
        principal=Principal(arn=f"arn:aws:iam::{account}:root", account=account, access_key_id=""),
        region=region,
        service=question.service,
        operation=question.operation,
        request_id="",
    )


def _tags(found: Any) -> Tags:
    tags = (found.get("tags") or found.get("Tags") or {}) if isinstance(found, Mapping) else found
    if isinstance(tags, Mapping):
        return dict(tags)
    return {tag.get("key") or tag["Key"]: tag.get("value") or tag.get("Value") or "" for tag in tags}
