"""What a buildspec's `on-failure` says about a phase that fails.

Source: "phases/*/on-failure" in "Build specification reference for CodeBuild" (CodeBuild User Guide): ABORT, CONTINUE,
RETRY (3 times, whatever the message), RETRY-count (0-100), RETRY-regex (3 times) and RETRY-count-regex.
Assumption: what is run again is the phase, `finally` included, in the environment that it left; the expression is
looked for in what the failed attempt wrote to the log; and when no retry is left, or the expression is not found, the
build goes on as if the phase had no `on-failure`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DEFAULT, _MOST = 3, 100
_ANYTHING = ".*"
_RETRY = re.compile(r"RETRY(?:-(?P<count>\d+))?(?:-(?P<regex>.+))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class OnFailure:
    """`rule` is "ABORT", "CONTINUE" or None for the phase's own transition, which may follow `retries` more attempts.

    `matching` is the regular expression without which an attempt's output is no reason to try again.
    """

    rule: str | None = None
    retries: int = 0
    matching: str = _ANYTHING


def parse_on_failure(text: str) -> OnFailure:
    """Read the value of `on-failure`, "" where the buildspec has none.

    Raises:
        ValueError: says what is wrong with it.
    """
    if text in {"", "ABORT", "CONTINUE"}:
        return OnFailure(rule=text or None)
    found = _RETRY.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' must be ABORT, CONTINUE, RETRY, RETRY-count, RETRY-regex or RETRY-count-regex")
    count = int(found["count"] or _DEFAULT)
    if count > _MOST:
        raise ValueError(f"'{text}' asks for {count} retries: at most {_MOST} are possible")
    try:
        re.compile(found["regex"] or "")
    except re.error as error:
        raise ValueError(f"'{text}' has no valid regular expression: {error}") from None
    return OnFailure(retries=count, matching=found["regex"] or _ANYTHING)
