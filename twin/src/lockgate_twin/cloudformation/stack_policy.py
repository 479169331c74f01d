"""Stack policies: which updates of which resources a stack allows.

Source: "Prevent updates to stack resources" of the CloudFormation user guide: with a policy, what no statement allows
is denied, and a Deny wins; Update:Modify, Update:Replace, Update:Delete and Update:*; Resource or NotResource with
wildcards; the condition ResourceType with StringEquals or StringLike. Deleting the stack is not an update.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lockgate_twin.cloudformation.changes import Action
from lockgate_twin.cloudformation.failures import invalid

MAXIMUM_BYTES = 16_384
_ACTIONS = {Action.UPDATE: "Update:Modify", Action.REPLACE: "Update:Replace", Action.DELETE: "Update:Delete"}
_KNOWN = frozenset({*_ACTIONS.values(), "Update:*"})
_MEMBERS = frozenset({"Effect", "Action", "NotAction", "Principal", "Resource", "NotResource", "Condition", "Sid"})
_OPERATORS = frozenset({"StringEquals", "StringLike"})


def check(text: str) -> None:
    """Check a policy's form.

    Raises:
        ApiError: ValidationError naming what is wrong.
    """
    if len(text.encode()) > MAXIMUM_BYTES:
        raise invalid(f"Stack policy may not exceed {MAXIMUM_BYTES} bytes in size.")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise invalid(f"Error validating stack policy: it is not JSON ({error})") from error
    statements = _listed(document.get("Statement") if isinstance(document, dict) else None)
    problems = [problem for statement in statements for problem in _problems(statement)]
    if not statements or problems:
        raise invalid(f"Error validating stack policy: {problems[0] if problems else 'it has no Statement'}")


def _problems(statement: Any) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "every Statement must be an object"
        return
    yield from (f"Unknown field {name}" for name in statement.keys() - _MEMBERS)
    if statement.get("Effect") not in {"Allow", "Deny"}:
        yield "Effect must be Allow or Deny"
    if statement.get("Principal") != "*":
        yield "Principal must be *"
    actions = _listed(statement.get("Action", statement.get("NotAction")))
    yield from (f"Unknown action {action}" for action in actions if action not in _KNOWN)
    if not actions or not _listed(statement.get("Resource", statement.get("NotResource"))):
        yield "Action and Resource are required"
    for operator, wanted in (statement.get("Condition") or {}).items():
        if operator not in _OPERATORS or set(wanted) != {"ResourceType"}:
            yield f"Unknown condition {operator}"


def refusal(text: str, action: Action, logical_id: str, resource_type: str) -> str:
    """Return why a policy denies an action on a resource, or "" if it allows it or the action is no update."""
    if not text or action not in _ACTIONS:
        return ""
    verb, resource = _ACTIONS[action], f"LogicalResourceId/{logical_id}"
    matching = [
        (number, statement["Effect"])
        for number, statement in enumerate(_listed(json.loads(text)["Statement"]), 1)
        if _applies(statement, verb, resource, resource_type)
    ]
    denying = [number for number, effect in matching if effect == "Deny"]
    if denying:
        return f"Action denied by stack policy: Statement [#{denying[0]}] denies [{verb}] for resource [{resource}]"
    if matching:
        return ""
    return f"Action denied by stack policy: no statement allows [{verb}] for resource [{resource}]"


def _applies(statement: Mapping[str, Any], verb: str, resource: str, resource_type: str) -> bool:
    return (
        _chosen(statement, "Action", verb)
        and _chosen(statement, "Resource", resource)
        and all(
            any(
                _matches(pattern, resource_type, wild=operator == "StringLike")
                for pattern in _listed(keys["ResourceType"])
            )
            for operator, keys in (statement.get("Condition") or {}).items()
        )
    )


def _chosen(statement: Mapping[str, Any], member: str, value: str) -> bool:
    if member in statement:
        return any(_matches(pattern, value, wild=True) for pattern in _listed(statement[member]))
    return not any(_matches(pattern, value, wild=True) for pattern in _listed(statement[f"Not{member}"]))


def _matches(pattern: str, value: str, *, wild: bool) -> bool:
    """Brackets mean themselves: only * and ? are wildcards."""
    return fnmatchcase(value, re.sub(r"\[", "[[]", pattern)) if wild else pattern == value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
