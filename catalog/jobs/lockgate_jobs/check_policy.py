"""Read an organization's policy from standard input as the jobs will read it: its mistakes, one a line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lockgate_checks.errors import PolicyError
from lockgate_checks.policy.load import parse_policy


def main(arguments: Sequence[str]) -> int:
    """Check the policy, which `arguments[0]` names; print its mistakes and return how the check ended."""
    (name,) = arguments
    try:
        parse_policy(sys.stdin.buffer.read().decode("utf-8"), name)
    except UnicodeDecodeError:
        print(f"{name}: it is no text in UTF-8.")
    except PolicyError as error:
        print(error)
    else:
        return 0
    return 1
