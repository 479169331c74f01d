"""Names: of stacks, and the physical names that CloudFormation makes up.

Source: "Name type" of the template reference (`<stack>-<LogicalId>-<random>`), CreateStack's StackName.
"""

from __future__ import annotations

import re
import secrets
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.cloudformation.failures import invalid

_STACK_NAME = r"[a-zA-Z][-a-zA-Z0-9]*"
_STACK_NAME_LIMIT = 128
_RANDOM = 12
_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class NameRule:
    """How a type's physical name is chosen: from `property` if given, else generated within `limit`."""

    property: str | None
    limit: int
    lower: bool = False


def random_suffix() -> str:
    """Return the random part of a generated name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))


def physical_name(rule: NameRule, stack: str, logical_id: str, suffix: str) -> str:
    """Generate a physical name; stack name and logical id share what the limit leaves, the id at least half."""
    room = rule.limit - len(suffix) - 2
    logical = logical_id[: max(room // 2, room - len(stack))]
    name = f"{stack[: room - len(logical)]}-{logical}-{suffix}"
    return name.lower() if rule.lower else name


def name_of(rule: NameRule | None, properties: Mapping[str, Any], stack: str, logical_id: str) -> str:
    """Return the given name, or a generated one."""
    rule = rule or NameRule(None, 255)
    given = properties.get(rule.property) if rule.property else None
    return str(given) if given else physical_name(rule, stack, logical_id, random_suffix())


def stack_id(name: str, account: str, region: str) -> str:
    """Return a new stack's ARN."""
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}"


def check_stack_name(name: str) -> None:
    """Check a new stack's name.

    Raises:
        ApiError: ValidationError with the constraint in the words of the API.
    """
    if not re.fullmatch(_STACK_NAME, name):
        constraint = f"Member must satisfy regular expression pattern: {_STACK_NAME}"
    elif len(name) > _STACK_NAME_LIMIT:
        constraint = f"Member must have length less than or equal to {_STACK_NAME_LIMIT}"
    else:
        return
    raise invalid(
        f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: {constraint}"
    )
